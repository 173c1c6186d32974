//! Capability `connections.write`: making, changing and deleting entries within the granted folders.
//!
//! Whether the grant covers an entry is decided on the very tree that is changed. A plugin names no secret here and moves
//! none: a connection whose place it names does not inherit a credential until the user lets it, and stored secrets stay
//! bound to the places that they were stored for. Never deletes what is in a folder with it.

use std::sync::Arc;

use ostler_core::{
    Clock, Connection, ConnectionId, ConnectionTree, Folder, FolderId, Tree, TreeChange, TreeError,
};
use ostler_plugin_api::Capability;
use wasmtime::component::{HasData, Linker};

use super::calls::Calls;
use super::connections_convert::{
    changed_connection, changed_folder, connection_to_wit, folder_to_wit, names, new_connection, new_folder,
    revision, split,
};
use super::connections_read::{folder_in_words, id, not_now, unavailable};
use super::ostler::types::types::CapabilityError;
use super::store::ostler::connections::types;
use super::store::ostler::connections::write::{self as wit, WriteError};
use super::{CallChain, Gate, HostCapability, Setup};
use crate::instance::State;

/// The capability of one plugin.
pub(crate) struct ConnectionsWrite {
    gate: Gate,
    port: Arc<dyn ConnectionTree>,
    clock: Arc<dyn Clock>,
    most_calls: u32,
}

/// What one call changes.
pub(crate) struct Instance {
    own: Arc<ConnectionsWrite>,
    calls: Calls,
}

impl HostCapability for ConnectionsWrite {
    const CAPABILITY: Capability = Capability::ConnectionsWrite;
    type Instance = Instance;

    fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
        wit::add_to_linker::<State, Access>(linker, |state| &mut state.capabilities.connections_write)
    }

    fn configure(setup: &Setup<'_>) -> Self {
        Self {
            gate: Gate::new(Self::CAPABILITY, setup),
            port: Arc::clone(&setup.ports.connections),
            clock: Arc::clone(&setup.ports.clock),
            most_calls: setup.limits.store_changes,
        }
    }

    fn build(self: &Arc<Self>, _: &CallChain<'_>) -> Instance {
        Instance { own: Arc::clone(self), calls: Calls::at_most(self.most_calls) }
    }
}

struct Access;

impl HasData for Access {
    type Data<'a> = &'a mut Instance;
}

impl wit::Host for Instance {
    fn create_connection(
        &mut self,
        folder: String,
        data: types::ConnectionData,
    ) -> Result<types::Connection, WriteError> {
        self.change(|tree, own| {
            let folder = own.folder(tree, &folder)?;
            let connection = new_connection(data.clone(), folder, own.clock.now())?;
            own.check_kind(tree, &connection.kind)?;
            tree.check_connection_name(folder, &connection.name, None)?;
            let made = connection_to_wit(&connection, tree.folder_path(folder));
            Ok((TreeChange::CreateConnection(Box::new(connection)), made))
        })
    }

    fn change_connection(
        &mut self,
        wanted: String,
        at: String,
        data: types::ConnectionData,
    ) -> Result<types::Connection, WriteError> {
        self.change(|tree, own| {
            let before = own.connection(tree, &wanted, &at)?;
            let connection = changed_connection(before, data.clone(), own.clock.now())?;
            if connection.kind != before.kind {
                own.check_kind(tree, &connection.kind)?;
            }
            tree.check_connection_name(before.folder, &connection.name, Some(before.id))?;
            let changed = connection_to_wit(&connection, tree.folder_path(before.folder));
            Ok((TreeChange::ChangeConnection(Box::new(connection)), changed))
        })
    }

    fn delete_connection(&mut self, wanted: String, at: String) -> Result<(), WriteError> {
        self.change(|tree, own| {
            let connection = own.connection(tree, &wanted, &at)?;
            Ok((TreeChange::DeleteConnection(connection.id), ()))
        })
    }

    fn create_folder(
        &mut self,
        parent: String,
        data: types::FolderData,
    ) -> Result<types::Folder, WriteError> {
        self.change(|tree, own| {
            let mut path = split(&parent);
            path.push(&data.name);
            own.check_covered(&path)?;
            let parent = tree.find_folder(&parent)?;
            let folder = new_folder(data.clone(), parent)?;
            tree.check_folder_name(parent, &folder.name, None)?;
            let made = folder_to_wit(&folder, path.join("/"));
            Ok((TreeChange::CreateFolder(folder), made))
        })
    }

    fn change_folder(
        &mut self,
        path: String,
        at: String,
        data: types::FolderData,
    ) -> Result<types::Folder, WriteError> {
        self.change(|tree, own| {
            let before = own.folder_at(tree, &path, &at)?;
            let folder = changed_folder(before, data.clone())?;
            let mut path = names(tree, before.parent);
            path.push(&folder.name);
            own.check_covered(&path)?;
            tree.check_folder_name(before.parent, &folder.name, Some(before.id))?;
            let changed = folder_to_wit(&folder, path.join("/"));
            Ok((TreeChange::ChangeFolder(folder), changed))
        })
    }

    fn delete_folder(&mut self, path: String, at: String) -> Result<(), WriteError> {
        self.change(|tree, own| {
            let folder = own.folder_at(tree, &path, &at)?;
            let (folders, connections) = tree.below(folder.id);
            if folders.len() > 1 || !connections.is_empty() {
                return Err(WriteError::NotEmpty);
            }
            Ok((TreeChange::DeleteFolder(folder.id), ()))
        })
    }
}

impl Instance {
    /// Lets the host make a change that is decided from the tree as it is then.
    fn change<T>(
        &mut self,
        decide: impl Fn(&Tree, &ConnectionsWrite) -> Result<(TreeChange, T), WriteError>,
    ) -> Result<T, WriteError> {
        self.own.gate.pass()?;
        self.calls.count()?;
        let mut outcome = Err(not_now().into());
        let changed = self.own.port.change(&mut |tree| match decide(tree, &self.own) {
            Ok((change, done)) => {
                outcome = Ok(done);
                Some(change)
            }
            Err(error) => {
                outcome = Err(error);
                None
            }
        });
        changed.map_err(|error| unavailable(&error))?;
        outcome
    }
}

impl ConnectionsWrite {
    fn check_covered(&self, names: &[&str]) -> Result<(), CapabilityError> {
        self.gate.within(&folder_in_words(names), |scope| scope.covers_folder(names))
    }

    fn check_kind(&self, tree: &Tree, kind: &str) -> Result<(), CapabilityError> {
        if self.port.knows_kind(kind) || tree.connections().any(|connection| connection.kind == kind) {
            return Ok(());
        }
        Err(CapabilityError::Invalid("kind is no type of connection that this host knows".to_owned()))
    }

    /// Finds the folder that something is made in.
    fn folder(&self, tree: &Tree, path: &str) -> Result<Option<FolderId>, WriteError> {
        self.check_covered(&split(path))?;
        Ok(tree.find_folder(path)?)
    }

    fn folder_at<'a>(&self, tree: &'a Tree, path: &str, at: &str) -> Result<&'a Folder, WriteError> {
        let found = self.folder(tree, path)?.and_then(|found| tree.folder(found));
        let folder = found.ok_or(WriteError::NotFound)?;
        if revision(folder) == at { Ok(folder) } else { Err(WriteError::Conflict) }
    }

    fn connection<'a>(&self, tree: &'a Tree, wanted: &str, at: &str) -> Result<&'a Connection, WriteError> {
        let wanted: ConnectionId = id(wanted)?;
        let connection = tree.connection(wanted).ok_or(WriteError::NotFound)?;
        self.check_covered(&names(tree, connection.folder))?;
        if revision(connection) == at { Ok(connection) } else { Err(WriteError::Conflict) }
    }
}

impl From<CapabilityError> for WriteError {
    fn from(error: CapabilityError) -> Self {
        Self::Refused(error)
    }
}

impl From<TreeError> for WriteError {
    fn from(error: TreeError) -> Self {
        match error {
            TreeError::NotFound { .. } => Self::NotFound,
            TreeError::Exists { .. } => Self::Exists,
            TreeError::BadName { reason, .. } => {
                Self::Refused(CapabilityError::Invalid(format!("the name can't be used: {reason}")))
            }
            TreeError::Ambiguous { .. } | TreeError::Cycle { .. } => {
                Self::Refused(CapabilityError::Invalid("the path can't be used".to_owned()))
            }
        }
    }
}
