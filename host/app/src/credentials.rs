//! Credentials of folders and connections: changing them, storing their secrets with the sinks they may go to, and
//! showing them without a secret.

use std::collections::BTreeMap;

use ostler_core::{
    Connection, CredentialMode, Folder, HostRule, LocalCredential, PASSPHRASE_SLOT, PASSWORD_SLOT,
    PRIVATE_KEY_SLOT, SecretBytes, SecretField, SecretId, SinkRule, SlotName, SourceCredential, Tree,
};
use ostler_vault::{Changes, StoredSecret};

use crate::{AppError, CredentialChange, CredentialModeInput, CredentialView, Host, SourceInput};

/// Which places a secret of this credential may go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scope {
    protocol: Option<String>,
    host: HostRule,
}

impl Scope {
    /// The one place that a connection names.
    pub(crate) fn connection(connection: &Connection) -> Self {
        Self {
            protocol: Some(connection.kind.clone()),
            host: HostRule::Exact { host: connection.host.clone(), port: connection.port },
        }
    }

    /// The connections below a folder that inherit its credential.
    pub(crate) fn folder(folder: &Folder) -> Self {
        Self { protocol: None, host: HostRule::ConnectionsBelow { folder: folder.id } }
    }

    fn rules(&self, field: SecretField) -> Vec<SinkRule> {
        vec![SinkRule { protocol: self.protocol.clone(), host: self.host.clone(), field }]
    }

    /// Makes a secret that may go to these places.
    pub(crate) fn secret(&self, field: SecretField, bytes: SecretBytes) -> StoredSecret {
        StoredSecret { id: SecretId::random(), field, rules: self.rules(field), bytes }
    }
}

/// Returns the slot of a field's secret.
pub(crate) fn slot_of(field: SecretField) -> Option<SlotName> {
    let name = match field {
        SecretField::Password => PASSWORD_SLOT,
        SecretField::PrivateKey => PRIVATE_KEY_SLOT,
        SecretField::KeyPassphrase => PASSPHRASE_SLOT,
        SecretField::UserName | SecretField::Environment | SecretField::Request | SecretField::Input => {
            return None;
        }
    };
    SlotName::new(name).ok()
}

/// Returns the field that a slot's secret is for.
pub(crate) fn field_of(slot: &SlotName) -> SecretField {
    match slot.as_str() {
        PRIVATE_KEY_SLOT => SecretField::PrivateKey,
        PASSPHRASE_SLOT => SecretField::KeyPassphrase,
        _ => SecretField::Password,
    }
}

/// Adds a secret to a local credential, in place of one of the same field.
pub(crate) fn put_secret(local: &mut LocalCredential, secret: StoredSecret, changes: &mut Changes) {
    if let Some(slot) = slot_of(secret.field) {
        changes.delete_secrets.extend(local.secrets.insert(slot, secret.id));
        changes.put_secrets.push(secret);
    }
}

impl Host {
    /// Checks that policy lets a credential be stored with a connection or folder. A user name alone is none.
    pub(crate) fn may_store(&self, change: &CredentialChange) -> Result<(), AppError> {
        let secret =
            [&change.password, &change.private_key, &change.key_passphrase].iter().any(|it| it.is_some());
        let local = secret || change.mode == Some(CredentialModeInput::Local);
        if local && self.rules()?.deny_local_credentials {
            return Err(AppError::Denied(
                "policy lets no credentials be stored with connections and folders (deny-local-credentials)"
                    .to_owned(),
            ));
        }
        Ok(())
    }
}

/// Changes a credential and collects what becomes of its secrets.
pub(crate) fn change_credential(
    mode: &mut CredentialMode,
    change: &CredentialChange,
    scope: &Scope,
    changes: &mut Changes,
) -> Result<(), AppError> {
    let secrets = [
        (SecretField::Password, &change.password),
        (SecretField::PrivateKey, &change.private_key),
        (SecretField::KeyPassphrase, &change.key_passphrase),
    ];
    let gives =
        change.user.is_some() || change.domain.is_some() || secrets.iter().any(|(_, input)| input.is_some());
    if let Some(source) = &change.source {
        let others = [change.mode.is_some(), change.domain.is_some()];
        if others.contains(&true) || secrets.iter().any(|(_, input)| input.is_some()) {
            return Err(AppError::bad(
                "credential",
                "a credential comes from a source, or is stored here, not both",
            ));
        }
        let SourceInput { plugin, entry } = source.clone();
        let user = change.user.clone().filter(|user| !user.is_empty());
        drop_secrets(mode, CredentialMode::Source(SourceCredential { plugin, entry, user }), changes);
        return Ok(());
    }
    if let (CredentialMode::Source(source), Some(user), None) = (&mut *mode, &change.user, change.mode)
        && secrets.iter().all(|(_, input)| input.is_none())
    {
        set_text(&mut source.user, Some(user));
        return Ok(());
    }
    let wanted = change.mode.or(gives.then_some(CredentialModeInput::Local));
    match wanted {
        None => return Ok(()),
        Some(CredentialModeInput::None | CredentialModeInput::Inherit) if gives => {
            return Err(AppError::bad(
                "credential",
                "a user name or secret can only be stored in a local credential",
            ));
        }
        Some(CredentialModeInput::None) => drop_secrets(mode, CredentialMode::None, changes),
        Some(CredentialModeInput::Inherit) => drop_secrets(mode, CredentialMode::Inherit, changes),
        Some(CredentialModeInput::Local) => {
            if !matches!(mode, CredentialMode::Local(_)) {
                *mode = CredentialMode::Local(LocalCredential::default());
            }
        }
    }
    if let CredentialMode::Local(local) = mode {
        set_text(&mut local.user, change.user.as_deref());
        set_text(&mut local.domain, change.domain.as_deref());
        for (field, input) in secrets {
            if let Some(input) = input {
                put_secret(local, scope.secret(field, input.0.clone()), changes);
            }
        }
    }
    Ok(())
}

/// Sets or, with an empty text, clears.
fn set_text(text: &mut Option<String>, new: Option<&str>) {
    if let Some(new) = new {
        *text = (!new.is_empty()).then(|| new.to_owned());
    }
}

fn drop_secrets(mode: &mut CredentialMode, new: CredentialMode, changes: &mut Changes) {
    changes.delete_secrets.extend(secrets_of(mode).values().copied());
    *mode = new;
}

/// Returns the secrets of a credential, by slot.
pub(crate) fn secrets_of(mode: &CredentialMode) -> BTreeMap<SlotName, SecretId> {
    match mode {
        CredentialMode::Local(local) => local.secrets.clone(),
        CredentialMode::None | CredentialMode::Inherit | CredentialMode::Source(_) => BTreeMap::new(),
    }
}

impl Host {
    /// Seals the secrets of a local credential anew: under new ids for a copy, or with new places after the user changed
    /// the host. Only a user's own act may lead here, and only secrets that belonged to the place `before` follow: one that a
    /// plugin's change left behind stays bound to where it was stored for.
    pub(crate) fn reseal(
        &self,
        mode: &mut CredentialMode,
        (before, scope): (&Scope, &Scope),
        keep_old: bool,
        changes: &mut Changes,
    ) -> Result<(), AppError> {
        if let CredentialMode::Local(local) = mode {
            for id in local.secrets.values_mut() {
                let old = self.vault()?.open_secret(*id)?;
                let new = match old.rules == before.rules(old.field) {
                    true => scope.secret(old.field, old.bytes),
                    false if keep_old => StoredSecret { id: SecretId::random(), ..old },
                    false => continue,
                };
                if !keep_old {
                    changes.delete_secrets.push(*id);
                }
                *id = new.id;
                changes.put_secrets.push(new);
            }
        }
        Ok(())
    }
}

/// Shows the credential of a folder.
pub(crate) fn own_view(mode: &CredentialMode) -> CredentialView {
    let (name, local) = match mode {
        CredentialMode::None => ("none", None),
        CredentialMode::Inherit => ("inherit", None),
        CredentialMode::Local(local) => ("local", Some(local)),
        CredentialMode::Source(source) => return source_view(source, None),
    };
    view(name, local, None)
}

/// Shows the credential of a connection as it is in effect.
pub(crate) fn effective_view(tree: &Tree, connection: &Connection) -> CredentialView {
    let own = own_view(&connection.credential);
    match tree.effective_credential(connection) {
        Some((local, Some(folder))) => view("inherit", Some(local), Some(tree.folder_path(Some(folder)))),
        Some((_, None)) => own,
        None => match tree.effective_source(connection) {
            Some((source, Some(folder))) => source_view(source, Some(tree.folder_path(Some(folder)))),
            _ => own,
        },
    }
}

fn source_view(source: &SourceCredential, inherited_from: Option<String>) -> CredentialView {
    CredentialView {
        mode: if inherited_from.is_some() { "inherit" } else { "source" }.to_owned(),
        source: Some(format!("{} of {}", source.entry, source.plugin)),
        user: source.user.clone(),
        domain: None,
        secrets: Vec::new(),
        inherited_from,
    }
}

fn view(mode: &str, local: Option<&LocalCredential>, inherited_from: Option<String>) -> CredentialView {
    CredentialView {
        mode: mode.to_owned(),
        source: None,
        user: local.and_then(|local| local.user.clone()),
        domain: local.and_then(|local| local.domain.clone()),
        secrets: local
            .map(|local| local.secrets.keys().map(|slot| field_of(slot).name().to_owned()).collect())
            .unwrap_or_default(),
        inherited_from,
    }
}
