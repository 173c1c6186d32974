//! What goes in and out of an unlocked store: snapshots of the tree, and changes to it.
//!
//! Plain data; a secret's bytes travel alone, never inside a snapshot.

use ostler_core::{
    Connection, ConnectionId, Folder, FolderId, HostKey, SecretBytes, SecretField, SecretId, SinkRule,
    Timestamp, Tree,
};
use serde::{Deserialize, Serialize};

/// Counts the changes of a store's folders, connections, secrets and known hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(pub u64);

/// All that a store holds but secrets and side tables, as it was at one moment.
#[derive(Debug)]
pub struct Snapshot {
    /// Which moment.
    pub generation: Generation,
    /// Folders and connections.
    pub tree: Tree,
    /// Known host keys, ordered by host, port and algorithm.
    pub known_hosts: Vec<KnownHost>,
}

/// A host key that the user accepted. A store has one for each host, port and algorithm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownHost {
    /// The host, as the connection names it; compared letter by letter.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The key.
    pub key: HostKey,
    /// When it was accepted.
    pub added: Timestamp,
}

/// Changes that are made in one transaction, or not at all. What is deleted goes first, so that an id in both
/// lists ends up stored; deleting what is not there changes nothing.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// Folders to add or replace.
    pub put_folders: Vec<Folder>,
    /// Folders to delete; what stands in them is the caller's to move or delete.
    pub delete_folders: Vec<FolderId>,
    /// Connections to add or replace.
    pub put_connections: Vec<Connection>,
    /// Connections to delete; their secrets are the caller's to delete.
    pub delete_connections: Vec<ConnectionId>,
    /// Secrets to add or replace, each under a fresh key.
    pub put_secrets: Vec<StoredSecret>,
    /// Secrets to delete.
    pub delete_secrets: Vec<SecretId>,
    /// Host keys to add or replace.
    pub put_known_hosts: Vec<KnownHost>,
    /// Hosts and ports whose keys, of all algorithms, are to be forgotten.
    pub delete_known_hosts: Vec<(String, u16)>,
}

impl Changes {
    /// Tells whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.put_folders.is_empty()
            && self.delete_folders.is_empty()
            && self.put_connections.is_empty()
            && self.delete_connections.is_empty()
            && self.put_secrets.is_empty()
            && self.delete_secrets.is_empty()
            && self.put_known_hosts.is_empty()
            && self.delete_known_hosts.is_empty()
    }
}

/// A secret with what was fixed when it was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSecret {
    /// Its id.
    pub id: SecretId,
    /// The protocol field it is meant for.
    pub field: SecretField,
    /// Where it may go; empty means nowhere.
    pub rules: Vec<SinkRule>,
    /// The bytes.
    pub bytes: SecretBytes,
}
