//! The tree of folders and connections, as one plugin reaches it. How far it may is decided by the caller.

use super::PortError;
use crate::{Connection, ConnectionId, Folder, FolderId, Tree};

/// A change of one entry.
#[derive(Debug, Clone, PartialEq)]
pub enum TreeChange {
    /// A new connection.
    CreateConnection(Box<Connection>),
    /// A connection with this id is another from now on. Its secrets keep the places that they may go to.
    ChangeConnection(Box<Connection>),
    /// A connection goes, with its secrets.
    DeleteConnection(ConnectionId),
    /// A new folder.
    CreateFolder(Folder),
    /// A folder with this id is another from now on.
    ChangeFolder(Folder),
    /// A folder that has nothing in it goes.
    DeleteFolder(FolderId),
}

/// The tree, for one plugin.
pub trait ConnectionTree: Send + Sync {
    /// Shows the tree as it is now.
    ///
    /// # Errors
    /// Fails where the store can't be read.
    fn read(&self, look: &mut dyn FnMut(&Tree)) -> Result<(), PortError>;

    /// Makes the change that is decided from the present tree, durably, and writes it down under the plugin's name; none
    /// changes nothing. Where somebody else changed the tree in between, it is decided again.
    ///
    /// # Errors
    /// Fails where the store can't be written, or the change can't be written down.
    fn change(&self, decide: &mut dyn FnMut(&Tree) -> Option<TreeChange>) -> Result<(), PortError>;

    /// Tells whether there are connections of a type although the tree has none yet.
    fn knows_kind(&self, kind: &str) -> bool;
}
