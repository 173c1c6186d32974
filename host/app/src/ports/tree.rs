//! The tree, for one plugin: changes are sealed in the vault and audited under the plugin's name.
//!
//! Never opens a secret, and never seals one anew: only a user's own act gives a secret another place.

use std::sync::{Arc, Weak};

use ostler_audit::{AuditEvent, EventClass, Outcome, PluginRef};
use ostler_core::{ConnectionTree, PortError, Tree, TreeChange};
use ostler_vault::{Changes, VaultError};

use super::port_error;
use crate::credentials::secrets_of;
use crate::host::{CHANGE_TRIES, Shared};
use crate::kinds;

/// The tree as one plugin reaches it.
pub(crate) struct PluginTree {
    pub(crate) shared: Weak<Shared>,
    pub(crate) plugin: PluginRef,
}

impl PluginTree {
    fn shared(&self) -> Result<Arc<Shared>, PortError> {
        self.shared.upgrade().ok_or_else(|| port_error(VaultError::Locked))
    }
}

impl ConnectionTree for PluginTree {
    fn read(&self, look: &mut dyn FnMut(&Tree)) -> Result<(), PortError> {
        let snapshot = self.shared()?.vault().and_then(|vault| vault.snapshot()).map_err(port_error)?;
        look(&snapshot.tree);
        Ok(())
    }

    fn change(&self, decide: &mut dyn FnMut(&Tree) -> Option<TreeChange>) -> Result<(), PortError> {
        let shared = self.shared()?;
        let vault = shared.vault().map_err(port_error)?;
        for _ in 0..CHANGE_TRIES {
            let snapshot = vault.snapshot().map_err(port_error)?;
            let Some(change) = decide(&snapshot.tree) else { return Ok(()) };
            let (changes, mut events) = carry_out(&shared, &snapshot.tree, change);
            match vault.apply(&changes, snapshot.generation) {
                Ok(_) => {
                    events.iter_mut().for_each(|event| event.plugin = Some(self.plugin.clone()));
                    return shared.audit.write_all(&events).map_err(|error| PortError(error.to_string()));
                }
                Err(VaultError::Conflict) => {}
                Err(error) => return Err(port_error(error)),
            }
        }
        Err(port_error(VaultError::Conflict))
    }

    fn knows_kind(&self, kind: &str) -> bool {
        kinds::names_protocol(kind)
    }
}

/// Returns what becomes of the store, and what is written down of it.
fn carry_out(shared: &Shared, tree: &Tree, change: TreeChange) -> (Changes, Vec<AuditEvent>) {
    let mut changes = Changes::default();
    let event = |class| shared.audit.event(class, Outcome::Success);
    let about_folder = |class, path: String| {
        let mut event = event(class);
        event.details.insert("path".to_owned(), path);
        event
    };
    let mut events = Vec::new();
    match change {
        TreeChange::CreateConnection(connection) | TreeChange::ChangeConnection(connection) => {
            let known = tree.connection(connection.id).is_some();
            let class = if known { EventClass::ConnectionChange } else { EventClass::ConnectionCreate };
            let mut event = event(class);
            event.connection = Some(connection.id);
            event.details.insert("name".to_owned(), tree.connection_path(&connection));
            events.push(event);
            changes.put_connections.push(*connection);
        }
        TreeChange::DeleteConnection(id) => {
            let Some(connection) = tree.connection(id) else { return (changes, events) };
            let mut deleted = event(EventClass::ConnectionDelete);
            deleted.connection = Some(id);
            deleted.details.insert("name".to_owned(), tree.connection_path(connection));
            events.push(deleted);
            changes.delete_connections.push(id);
            changes.delete_secrets.extend(secrets_of(&connection.credential).into_values());
        }
        TreeChange::CreateFolder(folder) | TreeChange::ChangeFolder(folder) => {
            let known = tree.folder(folder.id).is_some();
            let class = if known { EventClass::FolderChange } else { EventClass::FolderCreate };
            let above = tree.folder_path(folder.parent);
            let path =
                if above.is_empty() { folder.name.clone() } else { format!("{above}/{}", folder.name) };
            events.push(about_folder(class, path));
            changes.put_folders.push(folder);
        }
        TreeChange::DeleteFolder(id) => {
            let Some(folder) = tree.folder(id) else { return (changes, events) };
            events.push(about_folder(EventClass::FolderDelete, tree.folder_path(Some(id))));
            changes.delete_secrets.extend(secrets_of(&folder.credential).into_values());
            changes.delete_folders.push(id);
        }
    }
    if !changes.delete_secrets.is_empty() {
        let mut event = event(EventClass::VaultDelete);
        event.connection = changes.delete_connections.first().copied();
        event.details.insert("count".to_owned(), changes.delete_secrets.len().to_string());
        events.push(event);
    }
    (changes, events)
}
