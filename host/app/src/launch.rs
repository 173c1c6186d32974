//! The way of a launch up to the plan: effective settings and credential, what is missing is asked, the launcher plans,
//! policy decides. `Plan` ends here; `Connect` goes on in the `session` module.

use std::collections::BTreeMap;

use ostler_audit::{EventClass, Outcome};
use ostler_core::{
    Connection, ConnectionId, CredentialDescription, Field, FieldKind, Form, FormAnswer, LaunchRequest,
    PASSWORD_SLOT, PromptError, RunRequest, SecretBytes, SecretField, SessionId, SessionPlan, Settings, Sink,
    SlotDescription, SlotName, SourceCredential,
};
use ostler_policy::{Decision, LaunchFacts, Rules, decide_launch};
use ostler_registry::FoundPlugin;
use ostler_runtime::Plugin;
use ostler_vault::Snapshot;

use crate::crashes::CrashInput;
use crate::credentials::{field_of, slot_of};
use crate::lease::{Held, LeasedSlot};
use crate::plugins::plugin_id;
use crate::sources::SourceEntry;
use crate::{AppError, Host, PlanView, Reply, kinds};

/// The document of the rules that were last decided by.
const RULES: &str = "policy";

/// The most characters of rules in an event.
const MOST_RULES: usize = 4000;

/// A launch that was planned and allowed.
pub(crate) struct Launch {
    /// The connection, with what was asked for filled in.
    pub(crate) connection: Connection,
    pub(crate) path: String,
    pub(crate) plugin: FoundPlugin,
    pub(crate) loaded: Plugin,
    /// What a driven session is carried out from.
    pub(crate) request: LaunchRequest,
    pub(crate) plan: SessionPlan,
    pub(crate) slots: BTreeMap<SlotName, LeasedSlot>,
    pub(crate) user: String,
    credential: String,
    /// The entry of a credential source that the secrets are still to be acquired from.
    pub(crate) source: Option<SourceEntry>,
    pub(crate) record: bool,
    pub(crate) record_required: bool,
}

/// What a launch knows about its credential.
struct Credential {
    user: Option<String>,
    domain: Option<String>,
    slots: BTreeMap<SlotName, LeasedSlot>,
    origin: String,
    source: Option<SourceEntry>,
}

impl Host {
    pub(crate) async fn plan(&self, name: &str, run: &RunRequest) -> Result<Reply, AppError> {
        let launch = self.launch(name, run, None).await?;
        let named = launch.plan.slots();
        let slots = launch
            .slots
            .iter()
            .filter(|(slot, _)| named.contains(slot))
            .map(|(slot, leased)| (slot.to_string(), leased.sinks.iter().map(ToString::to_string).collect()))
            .collect();
        Ok(Reply::Plan(Box::new(PlanView {
            connection: launch.path,
            plugin: launch.plugin.inspection.manifest.id.to_string(),
            credential: launch.credential,
            slots,
            recorded: launch.record,
            plan: launch.plan,
        })))
    }

    /// Plans a launch. With a session, what is missing is asked of the person; without one, it is left open as far as
    /// the launcher allows.
    pub(crate) async fn launch(
        &self,
        name: &str,
        run: &RunRequest,
        session: Option<SessionId>,
    ) -> Result<Launch, AppError> {
        let snapshot = self.snapshot()?;
        let mut connection = snapshot.tree.find_connection(name)?.clone();
        let path = snapshot.tree.connection_path(&connection);
        let mut credential = match snapshot.tree.effective_source(&connection) {
            Some((source, from)) => {
                let from = from.map(|folder| snapshot.tree.folder_path(Some(folder)));
                self.credential_of_source(source, from.as_deref(), &connection).await?
            }
            None => self.credential(&snapshot, &connection)?,
        };
        if let Some(session) = session {
            self.audit_request(session, connection.id, &path)?;
            self.ask_for_missing(&path, &mut connection, &mut credential).await?;
        }
        let settings = snapshot.tree.effective_settings(&connection, &self.configuration.settings);
        let mut request = request(&connection, &credential, settings.clone(), run.clone());
        let folders = snapshot.tree.enclosing(connection.folder);
        request.folder = folders.iter().rev().map(|folder| folder.name.clone()).collect();
        request.terminal = self.front.terminal().map(|(size, _)| size);
        let (found, plugin) = self.launcher_for(&connection.kind).await?;
        let setting_slots = self.setting_slots(&found)?;
        request.credential.slots.extend(
            setting_slots.keys().map(|name| SlotDescription { name: name.clone(), field: field_of(name) }),
        );
        let slots = credential.slots.clone();
        let planned = self.let_plan((&found, &plugin), &request, session, slots).await?;
        self.count_use(&found, &plugin, &|| CrashInput::launch(&request))?;
        let outcome = planned.map_err(|source| AppError::Plugin { plugin: plugin_id(&found), source })?;
        let own_place = own_sink(&connection, SecretField::Password);
        credential.slots.extend(outcome.prompted.into_iter().map(|(slot, bytes)| {
            (slot, LeasedSlot { held: Held::Given(bytes), sinks: vec![own_place.clone()] })
        }));
        // A driven session speaks what its type is called.
        let driven = matches!(outcome.plan, SessionPlan::Driven(_));
        if !driven && !kinds::names_protocol(&connection.kind) {
            // The launcher decides what its type speaks; host, port and field stay those that the user stored.
            for sink in credential.slots.values_mut().flat_map(|slot| &mut slot.sinks) {
                outcome.plan.protocol().clone_into(&mut sink.protocol);
            }
        }
        credential.slots.extend(self.own_slots(&found)?);
        credential.slots.extend(setting_slots);
        let user = credential.user.clone().unwrap_or_default();
        let facts = LaunchFacts {
            os_user: self.audit.actor(),
            connection: &path,
            kind: &connection.kind,
            plan: &outcome.plan,
            plugin: found.inspection.manifest.id.as_str(),
            settings: &settings,
        };
        match decide_launch(&facts, &self.rules()?) {
            Decision::Allow { record, required } => Ok(Launch {
                path,
                plugin: found,
                loaded: plugin,
                request,
                plan: outcome.plan,
                slots: credential.slots,
                user,
                credential: credential.origin,
                source: credential.source,
                record,
                record_required: required,
                connection,
            }),
            Decision::Deny { reason } => {
                let mut event = self.audit.event(EventClass::SessionStart, Outcome::Denied);
                event.session = session;
                event.reason = Some(reason.clone());
                event.connection = Some(connection.id);
                event.target = outcome.plan.target().map(ToString::to_string);
                self.audit.write(&event)?;
                Err(AppError::Denied(reason))
            }
        }
    }

    /// Writes down that somebody asks for a session, and the rules that decide about it where they are others than at the
    /// last one.
    fn audit_request(&self, session: SessionId, id: ConnectionId, path: &str) -> Result<(), AppError> {
        let mut event = self.audit.event(EventClass::SessionRequest, Outcome::Success);
        event.session = Some(session);
        event.connection = Some(id);
        event.details.insert("name".to_owned(), path.to_owned());
        let kept = self.vault()?.document(RULES)?;
        let before: Rules =
            kept.as_deref().and_then(|kept| serde_json::from_slice(kept).ok()).unwrap_or_default();
        let rules = self.rules()?;
        if rules == before {
            return Ok(self.audit.write(&event)?);
        }
        let mut change = self.audit.event(EventClass::PolicyChange, Outcome::Success);
        change.details.insert("policy".to_owned(), in_words(&rules));
        change.details.insert("before".to_owned(), in_words(&before));
        self.audit.write_all(&[change, event])?;
        let rules = serde_json::to_vec(&rules).ok();
        Ok(self.vault()?.update_document(RULES, &mut |before| rules.clone().or(before))?)
    }

    /// Works out the credential in effect, and where each of its secrets may go in this launch.
    fn credential(&self, snapshot: &Snapshot, connection: &Connection) -> Result<Credential, AppError> {
        let tree = &snapshot.tree;
        let Some((local, from)) = tree.effective_credential(connection) else {
            return Ok(Credential {
                user: None,
                domain: None,
                slots: BTreeMap::new(),
                origin: "none".to_owned(),
                source: None,
            });
        };
        let folders: Vec<_> = tree.enclosing(connection.folder).iter().map(|folder| folder.id).collect();
        let mut slots = BTreeMap::new();
        for (slot, id) in &local.secrets {
            let (_, rules) = self.vault()?.sink_rules(*id)?;
            let place = |rule: &ostler_core::SinkRule| {
                rule.resolve(&connection.kind, &connection.host, connection.port, &folders)
            };
            let sinks = rules.iter().filter_map(place).collect();
            slots.insert(slot.clone(), LeasedSlot { held: Held::Stored(*id), sinks });
        }
        let origin = match from {
            None => "local".to_owned(),
            Some(folder) => format!("inherited from '{}'", tree.folder_path(Some(folder))),
        };
        Ok(Credential { user: local.user.clone(), domain: local.domain.clone(), slots, origin, source: None })
    }

    /// Describes the credential of a source: its slots are there, their secrets are not acquired yet.
    async fn credential_of_source(
        &self,
        source: &SourceCredential,
        inherited_from: Option<&str>,
        connection: &Connection,
    ) -> Result<Credential, AppError> {
        let entry = self.source_entry(source).await?;
        let held = |(slot, field)| {
            (slot, LeasedSlot { held: Held::ToAcquire, sinks: vec![own_sink(connection, field)] })
        };
        let mut origin = format!("'{}' of {}", entry.description.name, source.plugin);
        if let Some(folder) = inherited_from {
            origin.push_str(&format!(", inherited from '{folder}'"));
        }
        Ok(Credential {
            user: entry.description.user.clone().or_else(|| source.user.clone()),
            domain: entry.description.domain.clone(),
            slots: entry.slots().map(held).collect(),
            origin,
            source: Some(entry),
        })
    }

    /// Asks for the host, user name or password that nobody stored (feature CM-14).
    async fn ask_for_missing(
        &self,
        path: &str,
        connection: &mut Connection,
        credential: &mut Credential,
    ) -> Result<(), AppError> {
        let field = |id: &str, label: &str, kind, required| Field {
            id: id.to_owned(),
            label: label.to_owned(),
            kind,
            required,
        };
        let no_host = connection.host.is_empty();
        let no_user = credential.user.is_none() && kinds::has_user(&connection.kind);
        let no_secret = credential.slots.is_empty();
        let mut fields = Vec::new();
        if no_host {
            fields.push(field("host", "Host", FieldKind::Text { default: None }, true));
        }
        if no_user {
            fields.push(field("user", "User name", FieldKind::Text { default: None }, true));
        }
        if no_secret {
            fields.push(field("password", "Password (empty to go without)", FieldKind::Password, false));
        }
        if fields.is_empty() {
            return Ok(());
        }
        let form = Form { title: format!("Connect to '{path}'"), message: String::new(), fields };
        let answers = match self.front.ask("ostler", &form).await {
            Ok(answers) => answers,
            // A password alone may be missing: the server may take a log-in without one.
            Err(PromptError::Headless) if !no_host && !no_user => return Ok(()),
            Err(source) => {
                let missing = if no_host { "host" } else { "user name" };
                return Err(AppError::Prompt { what: format!("'{path}' has no {missing}"), source });
            }
        };
        for (id, answer) in answers {
            match (id.as_str(), answer) {
                ("host", FormAnswer::Text(host)) => connection.host = host,
                ("user", FormAnswer::Text(user)) => credential.user = Some(user),
                ("password", FormAnswer::Secret { bytes, .. }) => {
                    give_password(connection, credential, bytes)
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn give_password(connection: &Connection, credential: &mut Credential, bytes: SecretBytes) {
    if bytes.expose().is_empty() {
        return;
    }
    if let Ok(slot) = SlotName::new(PASSWORD_SLOT) {
        let sinks = vec![own_sink(connection, SecretField::Password)];
        credential.slots.insert(slot, LeasedSlot { held: Held::Given(bytes), sinks });
        credential.origin = "asked for".to_owned();
    }
}

/// The place that the connection itself names, for a secret that was given for this launch.
fn own_sink(connection: &Connection, field: SecretField) -> Sink {
    Sink { protocol: connection.kind.clone(), host: connection.host.clone(), port: connection.port, field }
}

fn request(
    connection: &Connection,
    credential: &Credential,
    settings: Settings,
    run: RunRequest,
) -> LaunchRequest {
    let slots =
        credential.slots.keys().map(|name| SlotDescription { name: name.clone(), field: field_of(name) });
    LaunchRequest {
        connection: connection.id,
        name: connection.name.clone(),
        kind: connection.kind.clone(),
        host: connection.host.clone(),
        port: connection.port,
        folder: Vec::new(),
        tags: connection.tags.iter().cloned().collect(),
        custom_fields: connection.custom_fields.clone(),
        settings,
        credential: CredentialDescription {
            user: credential.user.clone(),
            domain: credential.domain.clone(),
            slots: slots.filter(|slot| slot_of(slot.field).is_some()).collect(),
        },
        run,
        terminal: None,
    }
}

/// Writes rules as an event can hold them: as JSON, and not more than the beginning of it.
fn in_words(rules: &Rules) -> String {
    let mut text = serde_json::to_string(rules).unwrap_or_default();
    if let Some((end, _)) = text.char_indices().nth(MOST_RULES) {
        text.truncate(end);
        text.push('…');
    }
    text
}
