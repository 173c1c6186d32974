//! Credential sources: entries of plugins that hold credentials elsewhere, described before a launch and acquired for it.
//!
//! Today a source is a native plugin (feature NEW-88). Nothing is acquired before policy has allowed the session and its start
//! was written down; what was acquired is given to that one launch, for the place that the connection names, and to nothing
//! else.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ostler_audit::{EventClass, Outcome};
use ostler_core::{
    Connection, Field, FieldKind, Form, FormAnswer, SecretBytes, SecretField, SessionId, SlotName,
    SourceCredential,
};
use ostler_plugin_api::{Capability, Guards, Kind, Scope};
use ostler_registry::{Code, FoundPlugin};
use ostler_runtime::{NativeDescription, NativePlugin, NativeSetup};

use crate::auditing::plugin_ref;
use crate::credentials::slot_of;
use crate::plugin_settings::settings_of;
use crate::plugins::plugin_id;
use crate::{AppError, Host, Reply, SourceEntryView};

/// How long one call of a native source may take: a token that is asked over a network of its own needs some seconds.
const CALL_TIME: Duration = Duration::from_secs(30);

/// What a launch knows of the entry of a source that it uses.
#[derive(Debug, Clone)]
pub(crate) struct SourceEntry {
    pub(crate) source: SourceCredential,
    pub(crate) description: NativeDescription,
}

impl SourceEntry {
    /// Returns the slots that can be acquired, with the fields that they are for.
    pub(crate) fn slots(&self) -> impl Iterator<Item = (SlotName, SecretField)> {
        self.description.fields.iter().filter_map(|name| {
            let field = field_named(name)?;
            Some((slot_of(field)?, field))
        })
    }
}

impl Host {
    /// Lists the entries of a credential source.
    pub(crate) async fn source_browse(&self, plugin: &str, folder: Option<&str>) -> Result<Reply, AppError> {
        let (found, native) = self.credential_source(plugin)?;
        let listed = native.browse(folder).await;
        let entries = listed.map_err(|source| AppError::Native { plugin: plugin_id(&found), source })?;
        let view = |entry: ostler_runtime::NativeEntry| SourceEntryView {
            entry: entry.reference,
            name: entry.name,
            folder: entry.folder,
        };
        Ok(Reply::SourceEntries(entries.into_iter().map(view).collect()))
    }

    /// Describes the entry that a connection uses. Nothing is acquired.
    pub(crate) async fn source_entry(&self, source: &SourceCredential) -> Result<SourceEntry, AppError> {
        let (_, native) = self.credential_source(&source.plugin)?;
        let described = native.describe(&source.entry).await;
        let description =
            described.map_err(|error| AppError::Native { plugin: source.plugin.clone(), source: error })?;
        Ok(SourceEntry { source: source.clone(), description })
    }

    /// Acquires the secrets of an entry for a session, asks for what that requires, and writes it down.
    pub(crate) async fn acquire(
        &self,
        entry: &SourceEntry,
        connection: &Connection,
        session: SessionId,
        purpose: &str,
    ) -> Result<Vec<(SlotName, SecretBytes)>, AppError> {
        let answers = self.answers(entry, purpose).await?;
        let (found, native) = self.credential_source(&entry.source.plugin)?;
        let acquired = native.acquire(&entry.source.entry, purpose, &answers).await;
        let mut event = self.audit.event(
            EventClass::CredentialAcquire,
            if acquired.is_ok() { Outcome::Success } else { Outcome::Failure },
        );
        event.session = Some(session);
        event.connection = Some(connection.id);
        event.plugin = Some(plugin_ref(&found));
        event.details.insert("entry".to_owned(), entry.source.entry.clone());
        event.reason = acquired.as_ref().err().map(ToString::to_string);
        self.audit.write(&event)?;
        let acquired = acquired.map_err(|source| AppError::Native { plugin: plugin_id(&found), source })?;
        let offered: Vec<(SlotName, SecretField)> = entry.slots().collect();
        let secret = |(name, bytes): (String, SecretBytes)| {
            let slot = slot_of(field_named(&name)?)?;
            offered.iter().any(|(known, _)| *known == slot).then_some((slot, bytes))
        };
        Ok(acquired.into_iter().filter_map(secret).collect())
    }

    /// Asks the person for what a source requires.
    async fn answers(
        &self,
        entry: &SourceEntry,
        purpose: &str,
    ) -> Result<Vec<(String, SecretBytes)>, AppError> {
        let requirements = &entry.description.requirements;
        if requirements.is_empty() {
            return Ok(Vec::new());
        }
        let field = |requirement: &ostler_runtime::NativeRequirement| Field {
            id: requirement.id.clone(),
            label: requirement.label.clone(),
            kind: if requirement.secret { FieldKind::Password } else { FieldKind::Text { default: None } },
            required: true,
        };
        let form = Form {
            title: format!("Credential '{}'", entry.description.name),
            message: purpose.to_owned(),
            fields: requirements.iter().map(field).collect(),
        };
        let answered = self.front.ask(&entry.source.plugin, &form).await;
        let answers = answered.map_err(|source| {
            let what = format!("the credential '{}' needs: {}", entry.description.name, labels(&form));
            AppError::Prompt { what, source }
        })?;
        let bytes = |answer| match answer {
            FormAnswer::Secret { bytes, .. } => bytes,
            FormAnswer::Text(text) => SecretBytes::from(text),
            FormAnswer::Flag(flag) => SecretBytes::from(flag.to_string()),
        };
        Ok(answers.into_iter().map(|(id, answer)| (id, bytes(answer))).collect())
    }

    /// Returns a credential source that may run.
    fn credential_source(&self, plugin: &str) -> Result<(FoundPlugin, NativePlugin), AppError> {
        let enabled = self.enabled_plugins(Kind::CredentialSource)?;
        let found = enabled.into_iter().find(|found| plugin_id(found) == plugin);
        let found = found
            .ok_or_else(|| AppError::NoPluginFor { what: format!("'{plugin}' is a credential source") })?;
        if found.inspection.code != Code::Native {
            let reason = "only native credential sources can be used so far".to_owned();
            return Err(AppError::bad(plugin, reason));
        }
        self.check_native(&found)?;
        self.check_may_run(&found)?;
        let library = self.shelf.bytes(&found)?;
        let set = settings_of(self.vault(), &self.configuration, plugin);
        let settings = match serde_json::to_value(set) {
            Ok(serde_json::Value::Object(settings)) => settings,
            _ => serde_json::Map::new(),
        };
        let files = |access: &str| self.named_files(&found, access);
        let (read, write) = (files("read")?, files("write")?);
        let Some(program) = self.places.program.clone() else {
            return Err(AppError::bad(plugin, "this front end can't start native plugins".to_owned()));
        };
        let library = Arc::from(library);
        let setup = NativeSetup {
            plugin: plugin.to_owned(),
            program,
            library,
            settings,
            read,
            write,
            call_time: CALL_TIME,
            guards: Guards::default(),
        };
        Ok((found, NativePlugin::new(setup)))
    }

    /// Checks that policy pins a native plugin.
    pub(crate) fn check_native(&self, found: &FoundPlugin) -> Result<(), AppError> {
        let digest = found.inspection.digest.to_string();
        let decided = self.rules()?.decide_native(&found.inspection.manifest.id, &digest);
        decided.map_err(AppError::Denied)
    }

    /// Returns the files and folders that every layer of the plugin's grant of `files` covers, for one way of access.
    fn named_files(&self, found: &FoundPlugin, access: &str) -> Result<Vec<PathBuf>, AppError> {
        let grants = self.given_to(found)?.grants;
        let Some(grant) = grants.0.get(&Capability::Files) else { return Ok(Vec::new()) };
        let asked = found.inspection.manifest.request(Capability::Files).map(|request| &request.scope);
        let layers: Vec<&Scope> = asked.into_iter().chain(&grant.layers).collect();
        Ok(Scope::files_in_all(&layers, access).into_iter().map(PathBuf::from).collect())
    }
}

fn field_named(name: &str) -> Option<SecretField> {
    [SecretField::Password, SecretField::PrivateKey, SecretField::KeyPassphrase]
        .into_iter()
        .find(|field| field.name() == name)
}

fn labels(form: &Form) -> String {
    let labels: Vec<&str> = form.fields.iter().map(|field| field.label.as_str()).collect();
    labels.join(", ")
}
