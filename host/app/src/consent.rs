//! Giving, taking and asking: how a person's decisions about plugins come to be. A plugin is installed, then it is asked what
//! it may, in one form; where nobody can be asked, it may what needs no question.

use std::path::Path;

use ostler_audit::{EventClass, Outcome};
use ostler_core::{Field, FieldKind, Form, FormAnswer, PromptError};
use ostler_plugin_api::{Capability, CapabilityRequest, Grant, Scope};
use ostler_policy::{Consent, GrantedBy, Headless, Right, Waiting};
use ostler_registry::{Code, FoundPlugin};

use crate::auditing::plugin_ref;
use crate::kept::KeptPlugin;
use crate::plugins::plugin_id;
use crate::signatures::SignedBy;
use crate::{AppError, GrantBounds, Host, Reply};

/// A file that was installed, and what it was consented to.
struct Installed {
    found: FoundPlugin,
    /// The one that it replaced.
    before: Option<FoundPlugin>,
    kept: KeptPlugin,
    /// What the person said.
    answers: Vec<(Capability, bool)>,
}

impl Host {
    pub(crate) fn plugin_grant(
        &self,
        id: &str,
        capability: &str,
        granted: bool,
        bounds: &GrantBounds,
    ) -> Result<Reply, AppError> {
        let found = self.find_plugin(id)?;
        let bad = |reason: String| AppError::bad("capability", reason);
        let capability: Capability = capability.parse().map_err(|error| bad(format!("{error}")))?;
        let Some(request) = found.inspection.manifest.request(capability) else {
            return Err(bad(format!("'{id}' does not ask for '{capability}'")));
        };
        let scope = scope_of(bounds).map_err(bad)?;
        if let Some(parameter) = scope.named().find(|named| !capability.parameters().contains(named)) {
            return Err(bad(format!("'{capability}' has no {}", parameter.name())));
        }
        let rights = self.rights_of(&found, &self.kept(&found)?.consent);
        if let (true, Some(Right::Denied { rule })) = (granted, rights.get(&capability)) {
            let reason = format!("'{id}' may not have '{capability}': {rule}");
            let mut event = self.audit.event(EventClass::PluginGrant, Outcome::Denied);
            event.plugin = Some(plugin_ref(&found));
            event.capability = Some(capability.to_string());
            event.reason = Some(reason.clone());
            self.audit.write(&event)?;
            return Err(AppError::Denied(reason));
        }
        let layers = if scope == Scope::default() { Vec::new() } else { vec![scope] };
        let class = if granted { EventClass::PluginGrant } else { EventClass::PluginRevoke };
        self.audit_plugin(class, &found, Some(capability))?;
        self.keep(&found, |kept| {
            kept.consent.decide(request, granted.then(|| Grant { layers: layers.clone() }));
        })?;
        self.refresh_rights();
        let what = capability.meaning();
        Ok(Reply::Done(format!("'{id}' {} {what} ({capability})", if granted { "may" } else { "may not" })))
    }

    pub(crate) async fn plugin_install(
        &self,
        file: &Path,
        said: SignedBy<'_>,
        development: bool,
    ) -> Result<Reply, AppError> {
        let installed = match self.install_checked(file, said).await {
            Ok(mut installed) => {
                installed.kept.development = development;
                installed
            }
            Err(error) => {
                let mut event = self.audit.event(EventClass::PluginInstall, Outcome::Denied);
                event.reason = Some(error.to_string());
                event.details.insert("file".to_owned(), file.display().to_string());
                self.audit.write(&event)?;
                return Err(error);
            }
        };
        let Installed { found, before, kept, answers } = installed;
        // A new file can do nothing yet: it is inspected again, and granted little, before it is ever run.
        match before {
            None => {
                let mut event = self.audit.event(EventClass::PluginInstall, Outcome::Success);
                event.plugin = Some(plugin_ref(&found));
                event.details.extend(particulars(&kept));
                self.audit.write(&event)?;
            }
            Some(before) => {
                let before = plugin_ref(&before);
                let mut event = self.audit.event(EventClass::PluginUpdate, Outcome::Success);
                event.plugin = Some(plugin_ref(&found));
                event.details.insert("from-version".to_owned(), before.version);
                event.details.insert("from-digest".to_owned(), before.digest);
                event.details.extend(particulars(&kept));
                self.audit.write(&event)?;
            }
        }
        for (capability, _) in answers.into_iter().filter(|(_, yes)| *yes) {
            self.audit_plugin(EventClass::PluginGrant, &found, Some(capability))?;
        }
        // Where the file was changed since the person was asked, nobody consented to this one.
        if kept.digest == found.inspection.digest.to_string() {
            self.keep(&found, |own| *own = kept.clone())?;
        }
        self.refresh_rights();
        self.plugin_show(&plugin_id(&found))
    }

    /// Installs a file that policy allows, a native one only where policy pins it, after the person was asked.
    async fn install_checked(&self, file: &Path, said: SignedBy<'_>) -> Result<Installed, AppError> {
        let inspected = self.shelf.look_at(file)?;
        if inspected.inspection.code == Code::Native {
            self.check_native(&inspected)?;
        }
        let (shelf, _) = self.shelf.scan()?;
        let before = shelf.into_iter().find(|before| plugin_id(before) == plugin_id(&inspected));
        let mut kept = self.kept(before.as_ref().unwrap_or(&inspected))?;
        // Without a file that it was bound to, an earlier key says nothing.
        let earlier = before.as_ref().and(kept.consent.signed_by.as_deref());
        let signer = self.signer_of(file, &inspected, said, earlier).await?;
        self.may_run_signed(&inspected, signer.as_deref())?;
        kept.consent.signed_by = signer;
        kept.digest = inspected.inspection.digest.to_string();
        let manifest = &inspected.inspection.manifest;
        kept.consent = kept.consent.carried_to(manifest);
        let answers = self.ask_consent(&inspected, &kept.consent, before.as_ref()).await?;
        let waiting = kept.consent.waiting(manifest);
        for (capability, yes) in &answers {
            match (
                waiting.iter().find(|waiting| waiting.request.name == *capability),
                manifest.request(*capability),
            ) {
                (Some(waiting), _) => kept.consent.answer(waiting, *yes),
                (None, Some(request)) => kept.consent.decide(request, yes.then(Grant::default)),
                (None, None) => {}
            }
        }
        let found = self.shelf.install(file)?;
        Ok(Installed { found, before, kept, answers })
    }

    /// Asks the person about what the plugin asks for and nobody decided yet. Without a person, nothing is answered.
    async fn ask_consent(
        &self,
        found: &FoundPlugin,
        consent: &Consent,
        before: Option<&FoundPlugin>,
    ) -> Result<Vec<(Capability, bool)>, AppError> {
        let manifest = &found.inspection.manifest;
        let (waiting, rights) = (consent.waiting(manifest), self.rights_of(found, consent));
        let question = |request: &CapabilityRequest| {
            let waits = waiting.iter().find(|waiting| waiting.request.name == request.name);
            let asks = match rights.get(&request.name)? {
                Right::Denied { .. } | Right::Granted { by: GrantedBy::Policy, .. } => false,
                Right::NotGranted => waits.is_some() || !consent.decided.contains(&request.name),
                Right::Granted { .. } => waits.is_some(),
            };
            asks.then(|| question(request, waits))
        };
        let fields: Vec<Field> = manifest.capabilities.iter().filter_map(question).collect();
        if fields.is_empty() {
            return Ok(Vec::new());
        }
        let (name, version) = (&manifest.name, &manifest.version);
        let title = match before {
            None => format!("Install the plugin {name} {version} ({})?", manifest.id),
            Some(before) => format!(
                "Replace the plugin {name} {} ({}) by {version}? It asks for more.",
                before.inspection.manifest.version, manifest.id
            ),
        };
        let message =
            "Say what it may; it is installed either way, and 'ostler plugin grant' and 'revoke' change it.";
        let form = Form { title, message: message.to_owned(), fields };
        match self.front.ask("ostler", &form).await {
            Ok(answers) => Ok(answers
                .into_iter()
                .filter_map(|(id, answer)| match answer {
                    FormAnswer::Flag(yes) => Some((id.parse().ok()?, yes)),
                    FormAnswer::Text(_) | FormAnswer::Secret { .. } => None,
                })
                .collect()),
            Err(PromptError::Headless) if self.headless()? == Headless::PreGranted => Ok(Vec::new()),
            Err(PromptError::Headless) => Err(AppError::Denied(format!(
                "'{}' asks for what a person has to allow, and policy installs nothing of that kind where nobody can be asked (plugins.headless)",
                manifest.id
            ))),
            Err(source) => Err(AppError::Prompt { what: "the plugin was not installed".to_owned(), source }),
        }
    }
}

/// What events say of a file that was installed: the key that signed it, and that its author is at work on it.
fn particulars(kept: &KeptPlugin) -> impl Iterator<Item = (String, String)> {
    let signed = kept.consent.signed_by.iter().map(|key| ("signed-by".to_owned(), key.clone()));
    signed.chain(kept.development.then(|| ("development".to_owned(), "true".to_owned())))
}

fn question(request: &CapabilityRequest, waits: Option<&Waiting<'_>>) -> Field {
    let (also, scope) = match waits.filter(|waiting| waiting.wider) {
        Some(waiting) => (" also", &waiting.added),
        None => ("", &request.scope),
    };
    let how_far = scope.to_string();
    let how_far = if how_far.is_empty() { how_far } else { format!(": {how_far}") };
    let (meaning, name, reason) = (request.name.meaning(), request.name, &request.reason);
    Field {
        id: name.to_string(),
        label: format!("May it{also} {meaning} ({name}{how_far})? It says: {reason}"),
        kind: FieldKind::Confirm { default: false },
        required: false,
    }
}

/// Reads bounds as people write them.
fn scope_of(bounds: &GrantBounds) -> Result<Scope, String> {
    fn read<T: std::str::FromStr<Err: std::fmt::Display>>(
        texts: &[String],
    ) -> Result<Option<Vec<T>>, String> {
        let read: Result<Vec<T>, String> =
            texts.iter().map(|text| text.parse().map_err(|error: T::Err| error.to_string())).collect();
        Ok(Some(read?).filter(|list| !list.is_empty()))
    }
    Ok(Scope {
        hosts: read(&bounds.hosts)?,
        addresses: read(&bounds.addresses)?,
        folders: read(&bounds.folders)?,
        programs: read(&bounds.programs)?,
        files: read(&bounds.files)?,
        events: read(&bounds.events)?,
        reads: None,
    })
}
