//! The tree that a user keeps: folders, connections, inheritance and paths (features CM-10, CM-11, CM-13).
//!
//! A pure collection in memory; never reads or writes a store.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use serde::{Deserialize, Serialize};

use crate::{
    ConnectionId, CredentialMode, FolderId, LocalCredential, SecretId, Settings, SourceCredential, Timestamp,
};

/// A folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Folder {
    /// The id.
    pub id: FolderId,
    /// The folder above, or none at the top.
    pub parent: Option<FolderId>,
    /// The name, unique among its siblings.
    pub name: String,
    /// Free text.
    #[serde(default)]
    pub notes: String,
    /// The credential that connections below may inherit.
    #[serde(default)]
    pub credential: CredentialMode,
    /// Settings that connections below inherit.
    #[serde(default)]
    pub settings: Settings,
    /// Where it was imported from, if it was.
    #[serde(default)]
    pub source: Option<SourceIdentity>,
}

/// A connection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Connection {
    /// The id.
    pub id: ConnectionId,
    /// The folder it stands in, or none at the top.
    pub folder: Option<FolderId>,
    /// The name, unique in its folder.
    pub name: String,
    /// The type, such as `ssh`: a launcher must know it.
    pub kind: String,
    /// The host; empty means that it is asked for at launch.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The credential.
    #[serde(default)]
    pub credential: CredentialMode,
    /// Its own settings.
    #[serde(default)]
    pub settings: Settings,
    /// Free text.
    #[serde(default)]
    pub notes: String,
    /// Tags, in order.
    #[serde(default)]
    pub tags: BTreeSet<String>,
    /// The user's own fields.
    #[serde(default)]
    pub custom_fields: BTreeMap<String, String>,
    /// Where it was imported from, if it was.
    #[serde(default)]
    pub source: Option<SourceIdentity>,
    /// How it was when it was imported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imported: Option<AsImported>,
    /// When it was created.
    pub created: Timestamp,
    /// When it was last changed.
    pub updated: Timestamp,
}

/// How an imported connection was when it was imported, so that a later import knows what the user edited since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AsImported {
    /// A digest of all but its place and its secrets.
    pub content: String,
    /// Its secrets; one that the user changes gets another id.
    pub secrets: BTreeSet<SecretId>,
}

/// What an imported entry was in the file it came from, so that a second import finds it again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SourceIdentity {
    /// The plugin that imported it.
    pub plugin: String,
    /// The entry's identity in the source, as the plugin said.
    pub identity: String,
}

/// What can't be found or done in a tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// Nothing has this path.
    #[error("there is no folder or connection '{path}'")]
    NotFound {
        /// The path asked for.
        path: String,
    },
    /// More than one entry fits.
    #[error("'{name}' fits {} entries: {}", .paths.len(), .paths.join(", "))]
    Ambiguous {
        /// The name asked for.
        name: String,
        /// The full paths that fit.
        paths: Vec<String>,
    },
    /// A sibling has the name already.
    #[error("'{path}' exists already")]
    Exists {
        /// The path that is taken.
        path: String,
    },
    /// The name can't be used.
    #[error("'{name}' can't be a name: {reason}")]
    BadName {
        /// The name.
        name: String,
        /// Why not.
        reason: &'static str,
    },
    /// A folder would end up below itself.
    #[error("'{path}' can't be moved below itself")]
    Cycle {
        /// The folder's path.
        path: String,
    },
}

/// All folders and connections of a store.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    folders: BTreeMap<FolderId, Folder>,
    connections: BTreeMap<ConnectionId, Connection>,
    folder_names: BTreeMap<(Option<FolderId>, String), FolderId>,
    connection_names: BTreeMap<(Option<FolderId>, String), ConnectionId>,
}

impl Tree {
    /// Builds a tree from what a store holds.
    #[must_use]
    pub fn new(
        folders: impl IntoIterator<Item = Folder>,
        connections: impl IntoIterator<Item = Connection>,
    ) -> Self {
        let mut tree = Self::default();
        folders.into_iter().for_each(|folder| tree.put_folder(folder));
        connections.into_iter().for_each(|connection| tree.put_connection(connection));
        tree
    }

    /// Returns all folders, ordered by id.
    pub fn folders(&self) -> impl Iterator<Item = &Folder> {
        self.folders.values()
    }

    /// Returns all connections, ordered by id.
    pub fn connections(&self) -> impl Iterator<Item = &Connection> {
        self.connections.values()
    }

    /// Returns the folders behind one in the order of ids; none is before the first.
    pub fn folders_after(&self, after: Option<FolderId>) -> impl Iterator<Item = &Folder> {
        let behind = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.folders.range((behind, Bound::Unbounded)).map(|(_, folder)| folder)
    }

    /// Returns the connections behind one in the order of ids; none is before the first.
    pub fn connections_after(&self, after: Option<ConnectionId>) -> impl Iterator<Item = &Connection> {
        let behind = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.connections.range((behind, Bound::Unbounded)).map(|(_, connection)| connection)
    }

    /// Returns a folder.
    #[must_use]
    pub fn folder(&self, id: FolderId) -> Option<&Folder> {
        self.folders.get(&id)
    }

    /// Returns a connection.
    #[must_use]
    pub fn connection(&self, id: ConnectionId) -> Option<&Connection> {
        self.connections.get(&id)
    }

    /// Adds or replaces a folder.
    pub fn put_folder(&mut self, folder: Folder) {
        if let Some(old) = self.folders.get(&folder.id) {
            self.folder_names.remove(&(old.parent, old.name.clone()));
        }
        self.folder_names.insert((folder.parent, folder.name.clone()), folder.id);
        self.folders.insert(folder.id, folder);
    }

    /// Adds or replaces a connection.
    pub fn put_connection(&mut self, connection: Connection) {
        if let Some(old) = self.connections.get(&connection.id) {
            self.connection_names.remove(&(old.folder, old.name.clone()));
        }
        self.connection_names.insert((connection.folder, connection.name.clone()), connection.id);
        self.connections.insert(connection.id, connection);
    }

    /// Returns the folder of this name directly in `parent`.
    #[must_use]
    pub fn child_folder(&self, parent: Option<FolderId>, name: &str) -> Option<FolderId> {
        self.folder_names.get(&(parent, name.to_owned())).copied()
    }

    /// Returns the connection of this name directly in `folder`.
    #[must_use]
    pub fn child_connection(&self, folder: Option<FolderId>, name: &str) -> Option<&Connection> {
        self.connections.get(self.connection_names.get(&(folder, name.to_owned()))?)
    }

    /// Returns the folders that enclose `folder`, itself first, the top one last. Ends where a circle closes.
    #[must_use]
    pub fn enclosing(&self, folder: Option<FolderId>) -> Vec<&Folder> {
        let mut chain: Vec<&Folder> = Vec::new();
        let mut next = folder;
        while let Some(found) = next.and_then(|id| self.folders.get(&id)) {
            if chain.iter().any(|seen| seen.id == found.id) {
                break;
            }
            chain.push(found);
            next = found.parent;
        }
        chain
    }

    /// Returns the path of a folder, such as `Customers/Acme`; empty at the top.
    #[must_use]
    pub fn folder_path(&self, folder: Option<FolderId>) -> String {
        let mut names: Vec<&str> = self.enclosing(folder).iter().map(|folder| folder.name.as_str()).collect();
        names.reverse();
        names.join("/")
    }

    /// Returns the path of a connection, such as `Customers/Acme/db1`.
    #[must_use]
    pub fn connection_path(&self, connection: &Connection) -> String {
        join(&self.folder_path(connection.folder), &connection.name)
    }

    /// Finds a folder by path; the empty path is the top.
    ///
    /// # Errors
    /// Fails where a part of the path does not exist.
    pub fn find_folder(&self, path: &str) -> Result<Option<FolderId>, TreeError> {
        let mut at = None;
        for name in path.split('/').filter(|part| !part.is_empty()) {
            let child = self.child_folder(at, name);
            at = Some(child.ok_or_else(|| TreeError::NotFound { path: path.to_owned() })?);
        }
        Ok(at)
    }

    /// Finds a connection by id, by full path, or by a name that only one connection has.
    ///
    /// # Errors
    /// Fails where none fits, or where a bare name fits several (all are named).
    pub fn find_connection(&self, wanted: &str) -> Result<&Connection, TreeError> {
        if let Some(found) = wanted.parse().ok().and_then(|id| self.connections.get(&id)) {
            return Ok(found);
        }
        let (folder_path, name) = wanted.rsplit_once('/').unwrap_or(("", wanted));
        let in_folder = self.find_folder(folder_path).ok();
        let exact = in_folder.and_then(|folder| self.child_connection(folder, name));
        if let Some(found) = exact {
            return Ok(found);
        }
        let named: Vec<&Connection> =
            self.connections.values().filter(|connection| connection.name == wanted).collect();
        match named.as_slice() {
            [one] => Ok(one),
            [] => Err(TreeError::NotFound { path: wanted.to_owned() }),
            several => {
                let mut paths: Vec<String> =
                    several.iter().map(|found| self.connection_path(found)).collect();
                paths.sort();
                Err(TreeError::Ambiguous { name: wanted.to_owned(), paths })
            }
        }
    }

    /// Checks that a folder or connection of this name may stand in `parent`.
    ///
    /// # Errors
    /// Fails where the name is unusable or a sibling other than `except` has it.
    pub fn check_folder_name(
        &self,
        parent: Option<FolderId>,
        name: &str,
        except: Option<FolderId>,
    ) -> Result<(), TreeError> {
        check_name(name)?;
        if self.enclosing(parent).len() >= DEEPEST {
            return Err(TreeError::BadName { name: shown(name), reason: "folders nest at most 64 deep" });
        }
        if self.child_folder(parent, name).is_some_and(|taken| Some(taken) != except) {
            return Err(TreeError::Exists { path: join(&self.folder_path(parent), name) });
        }
        Ok(())
    }

    /// Checks that a connection of this name may stand in `folder`.
    ///
    /// # Errors
    /// Fails where the name is unusable or a sibling other than `except` has it.
    pub fn check_connection_name(
        &self,
        folder: Option<FolderId>,
        name: &str,
        except: Option<ConnectionId>,
    ) -> Result<(), TreeError> {
        check_name(name)?;
        if self.child_connection(folder, name).is_some_and(|taken| Some(taken.id) != except) {
            return Err(TreeError::Exists { path: join(&self.folder_path(folder), name) });
        }
        Ok(())
    }

    /// Checks that `folder` may be moved below `target`.
    ///
    /// # Errors
    /// Fails where the target is the folder itself or stands below it.
    pub fn check_move(&self, folder: FolderId, target: Option<FolderId>) -> Result<(), TreeError> {
        if self.enclosing(target).iter().any(|above| above.id == folder) {
            return Err(TreeError::Cycle { path: self.folder_path(Some(folder)) });
        }
        Ok(())
    }

    /// Returns a folder and everything below it.
    #[must_use]
    pub fn below(&self, folder: FolderId) -> (Vec<&Folder>, Vec<&Connection>) {
        let inside = |id: Option<FolderId>| self.enclosing(id).iter().any(|above| above.id == folder);
        (
            self.folders.values().filter(|candidate| inside(Some(candidate.id))).collect(),
            self.connections.values().filter(|candidate| inside(candidate.folder)).collect(),
        )
    }

    /// Returns the settings of a connection: its own, then folder by folder, then the global ones.
    #[must_use]
    pub fn effective_settings(&self, connection: &Connection, global: &Settings) -> Settings {
        let folders = self.enclosing(connection.folder);
        let layers = std::iter::once(&connection.settings)
            .chain(folders.iter().map(|folder| &folder.settings))
            .chain(std::iter::once(global));
        Settings::effective(layers)
    }

    /// Returns the credential kept in this store that a connection uses, and the folder it is inherited from, if it is.
    #[must_use]
    pub fn effective_credential<'a>(
        &'a self,
        connection: &'a Connection,
    ) -> Option<(&'a LocalCredential, Option<FolderId>)> {
        match self.nearest_credential(connection)? {
            (CredentialMode::Local(local), from) => Some((local, from)),
            _ => None,
        }
    }

    /// Returns the entry of a credential source that a connection uses, and the folder it is inherited from, if it is.
    #[must_use]
    pub fn effective_source<'a>(
        &'a self,
        connection: &'a Connection,
    ) -> Option<(&'a SourceCredential, Option<FolderId>)> {
        match self.nearest_credential(connection)? {
            (CredentialMode::Source(source), from) => Some((source, from)),
            _ => None,
        }
    }

    /// Returns the nearest mode that does not inherit, and the folder that has it; none where nothing is above.
    fn nearest_credential<'a>(
        &'a self,
        connection: &'a Connection,
    ) -> Option<(&'a CredentialMode, Option<FolderId>)> {
        let inherits = |mode: &CredentialMode| matches!(mode, CredentialMode::Inherit);
        if !inherits(&connection.credential) {
            return Some((&connection.credential, None));
        }
        let folder =
            self.enclosing(connection.folder).into_iter().find(|folder| !inherits(&folder.credential))?;
        Some((&folder.credential, Some(folder.id)))
    }
}

/// How deep folders nest: enough for people, and no walk down the tree can exhaust the stack.
const DEEPEST: usize = 64;

fn check_name(name: &str) -> Result<(), TreeError> {
    let reason = if name.trim().is_empty() {
        "it is empty"
    } else if name.contains('/') {
        "'/' separates folders"
    } else if name.chars().any(char::is_control) {
        "it has a control character"
    } else if name.len() > 1024 {
        "it has more than 1024 bytes"
    } else {
        return Ok(());
    };
    Err(TreeError::BadName { name: shown(name), reason })
}

/// As much of a name as fits an error.
fn shown(name: &str) -> String {
    name.chars().take(80).collect()
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SettingValue;

    fn folder(parent: Option<FolderId>, name: &str) -> Folder {
        Folder {
            id: FolderId::random(),
            parent,
            name: name.to_owned(),
            notes: String::new(),
            credential: CredentialMode::Inherit,
            settings: Settings::default(),
            source: None,
        }
    }

    fn connection(folder: Option<FolderId>, name: &str) -> Connection {
        Connection {
            id: ConnectionId::random(),
            folder,
            name: name.to_owned(),
            kind: "ssh".to_owned(),
            host: "host.example".to_owned(),
            port: 22,
            credential: CredentialMode::Inherit,
            settings: Settings::default(),
            notes: String::new(),
            tags: BTreeSet::new(),
            custom_fields: BTreeMap::new(),
            source: None,
            imported: None,
            created: Timestamp(0),
            updated: Timestamp(0),
        }
    }

    fn local(user: &str) -> CredentialMode {
        CredentialMode::Local(LocalCredential { user: Some(user.to_owned()), ..LocalCredential::default() })
    }

    #[test]
    fn a_connection_is_found_by_path_by_id_and_by_a_name_that_is_unique() {
        let customers = folder(None, "Customers");
        let acme = folder(Some(customers.id), "Acme");
        let (one, two) = (connection(Some(acme.id), "db"), connection(Some(customers.id), "web"));
        let tree = Tree::new([customers, acme], [one.clone(), two.clone()]);
        assert_eq!(tree.find_connection("Customers/Acme/db").map(|found| found.id), Ok(one.id));
        assert_eq!(tree.find_connection("db").map(|found| found.id), Ok(one.id));
        assert_eq!(tree.find_connection(&two.id.to_string()).map(|found| found.id), Ok(two.id));
        assert!(matches!(tree.find_connection("Acme/db"), Err(TreeError::NotFound { .. })));
    }

    #[test]
    fn a_name_that_fits_several_connections_names_them_all() {
        let (a, b) = (folder(None, "A"), folder(None, "B"));
        let tree =
            Tree::new([a.clone(), b.clone()], [connection(Some(a.id), "db"), connection(Some(b.id), "db")]);
        let error = tree.find_connection("db").unwrap_err();
        assert_eq!(error.to_string(), "'db' fits 2 entries: A/db, B/db");
    }

    #[test]
    fn a_renamed_entry_frees_its_name() {
        let mut tree = Tree::new([], [connection(None, "db")]);
        let mut renamed = tree.find_connection("db").unwrap().clone();
        renamed.name = "web".to_owned();
        tree.put_connection(renamed);
        assert!(tree.check_connection_name(None, "db", None).is_ok());
        assert!(matches!(tree.check_connection_name(None, "web", None), Err(TreeError::Exists { .. })));
    }

    #[test]
    fn a_folder_can_not_move_below_itself() {
        let above = folder(None, "above");
        let below = folder(Some(above.id), "below");
        let tree = Tree::new([above.clone(), below.clone()], []);
        assert!(matches!(tree.check_move(above.id, Some(below.id)), Err(TreeError::Cycle { .. })));
        assert!(tree.check_move(below.id, None).is_ok());
    }

    #[test]
    fn the_nearest_folder_with_a_credential_of_its_own_gives_it_and_none_stops_the_search() {
        let mut top = folder(None, "top");
        top.credential = local("top-user");
        let middle = folder(Some(top.id), "middle");
        let mut closed = folder(Some(middle.id), "closed");
        closed.credential = CredentialMode::None;
        let (open, shut) = (connection(Some(middle.id), "open"), connection(Some(closed.id), "shut"));
        let tree = Tree::new([top.clone(), middle, closed], [open.clone(), shut.clone()]);
        let (credential, from) = tree.effective_credential(&open).unwrap();
        assert_eq!((credential.user.as_deref(), from), (Some("top-user"), Some(top.id)));
        assert!(tree.effective_credential(&shut).is_none());
    }

    #[test]
    fn settings_come_from_the_connection_then_its_folders_then_the_globals() {
        let mut top = folder(None, "top");
        top.settings.0.insert("a".to_owned(), SettingValue::Integer(2));
        let mut leaf = connection(Some(top.id), "leaf");
        leaf.settings.0.insert("a".to_owned(), SettingValue::Integer(1));
        let global =
            Settings([("a", 3), ("b", 3)].map(|(key, n)| (key.to_owned(), SettingValue::Integer(n))).into());
        let tree = Tree::new([top], [leaf.clone()]);
        let all = tree.effective_settings(&leaf, &global);
        assert_eq!(all.get("a"), Some(&SettingValue::Integer(1)));
        assert_eq!(all.get("b"), Some(&SettingValue::Integer(3)));
    }

    #[test]
    fn names_that_no_path_could_hold_are_refused() {
        let tree = Tree::default();
        for bad in ["", "  ", "a/b", "a\nb"] {
            assert!(
                matches!(tree.check_folder_name(None, bad, None), Err(TreeError::BadName { .. })),
                "{bad:?}"
            );
        }
    }
}
