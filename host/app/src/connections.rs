//! Connections: add, edit, copy, move, delete, show, list, and the tree (features CM-11, CM-112).

use std::collections::{BTreeMap, BTreeSet};

use ostler_audit::EventClass;
use ostler_core::{
    Connection, ConnectionId, CredentialMode, Endpoint, FolderId, PlanFault, Search, Settings, Tree,
};
use ostler_vault::{Changes, Snapshot};

use crate::credentials::{Scope, change_credential, effective_view, secrets_of};
use crate::folders::ensure_folder;
use crate::host::rfc3339;
use crate::{AppError, ConnectionChange, ConnectionView, Host, Reply, TreeNode};

/// Checks that a host can be connected to, as far as its text tells.
pub(crate) fn check_endpoint(host: &str, port: u16) -> Result<(), AppError> {
    let target = Endpoint { host: host.to_owned(), port };
    target.check().map_err(|PlanFault { field, reason }| {
        AppError::bad(if field.ends_with("port") { "port" } else { "host" }, reason)
    })
}

impl Host {
    pub(crate) async fn connection_add(
        &self,
        name: &str,
        folder: &str,
        kind: &str,
        change: &ConnectionChange,
    ) -> Result<Reply, AppError> {
        self.may_store(&change.credential)?;
        let default_port = self.kinds([kind]).await?.default_port(kind)?;
        let change = &ConnectionChange { settings: self.settle(&change.settings)?, ..change.clone() };
        let host = change.host.clone().ok_or_else(|| AppError::bad("host", "is missing"))?;
        let port = change.port.unwrap_or(default_port);
        check_endpoint(&host, port)?;
        let id = self.change(|tree| {
            let (mut tree, mut changes) = (tree.clone(), Changes::default());
            let folder = ensure_folder(&mut tree, &mut changes, folder)?;
            tree.check_connection_name(folder, name, None)?;
            let mut connection = Connection {
                id: ConnectionId::random(),
                folder,
                name: name.to_owned(),
                kind: kind.to_owned(),
                host: host.clone(),
                port,
                credential: CredentialMode::Inherit,
                settings: Settings::default(),
                notes: String::new(),
                tags: BTreeSet::new(),
                custom_fields: BTreeMap::new(),
                source: None,
                imported: None,
                created: self.now(),
                updated: self.now(),
            };
            apply(&mut connection, change);
            let scope = Scope::connection(&connection);
            change_credential(&mut connection.credential, &change.credential, &scope, &mut changes)?;
            let id = connection.id;
            changes.put_connections.push(connection);
            Ok((changes, id))
        })?;
        self.audit_connection(EventClass::ConnectionCreate, id, name)?;
        self.connection_show(&id.to_string())
    }

    pub(crate) fn connection_edit(&self, name: &str, change: &ConnectionChange) -> Result<Reply, AppError> {
        self.may_store(&change.credential)?;
        let change = &ConnectionChange { settings: self.settle(&change.settings)?, ..change.clone() };
        let id = self.change(|tree| {
            let mut connection = tree.find_connection(name)?.clone();
            let mut changes = Changes::default();
            if let Some(name) = &change.name {
                tree.check_connection_name(connection.folder, name, Some(connection.id))?;
            }
            let before = Scope::connection(&connection);
            apply(&mut connection, change);
            check_endpoint(&connection.host, connection.port)?;
            connection.updated = self.now();
            let scope = Scope::connection(&connection);
            if scope != before {
                self.reseal(&mut connection.credential, (&before, &scope), false, &mut changes)?;
            }
            change_credential(&mut connection.credential, &change.credential, &scope, &mut changes)?;
            drop_passing(&mut changes);
            let id = connection.id;
            changes.put_connections.push(connection);
            Ok((changes, id))
        })?;
        self.audit_connection(EventClass::ConnectionChange, id, name)?;
        self.connection_show(&id.to_string())
    }

    pub(crate) fn connection_copy(
        &self,
        name: &str,
        to: &str,
        folder: Option<&str>,
    ) -> Result<Reply, AppError> {
        let id = self.change(|tree| {
            let (mut grown, mut changes) = (tree.clone(), Changes::default());
            let mut copy = tree.find_connection(name)?.clone();
            let before = Scope::connection(&copy);
            copy.id = ConnectionId::random();
            if let Some(folder) = folder {
                copy.folder = ensure_folder(&mut grown, &mut changes, folder)?;
            }
            grown.check_connection_name(copy.folder, to, None)?;
            to.clone_into(&mut copy.name);
            (copy.source, copy.imported) = (None, None);
            (copy.created, copy.updated) = (self.now(), self.now());
            let scope = Scope::connection(&copy);
            self.reseal(&mut copy.credential, (&before, &scope), true, &mut changes)?;
            let id = copy.id;
            changes.put_connections.push(copy);
            Ok((changes, id))
        })?;
        self.audit_connection(EventClass::ConnectionCopy, id, to)?;
        self.connection_show(&id.to_string())
    }

    pub(crate) fn connection_move(&self, name: &str, into: &str) -> Result<Reply, AppError> {
        let id = self.change(|tree| {
            let mut connection = tree.find_connection(name)?.clone();
            let folder = tree.find_folder(into)?;
            tree.check_connection_name(folder, &connection.name, Some(connection.id))?;
            connection.folder = folder;
            connection.updated = self.now();
            let id = connection.id;
            Ok((Changes { put_connections: vec![connection], ..Changes::default() }, id))
        })?;
        self.audit_connection(EventClass::ConnectionMove, id, name)?;
        self.connection_show(&id.to_string())
    }

    pub(crate) fn connection_delete(&self, name: &str) -> Result<Reply, AppError> {
        let (id, path) = self.change(|tree| {
            let connection = tree.find_connection(name)?;
            let changes = Changes {
                delete_connections: vec![connection.id],
                delete_secrets: secrets_of(&connection.credential).into_values().collect(),
                ..Changes::default()
            };
            Ok((changes, (connection.id, tree.connection_path(connection))))
        })?;
        self.audit_connection(EventClass::ConnectionDelete, id, &path)?;
        Ok(Reply::Done(format!("'{path}' was deleted")))
    }

    pub(crate) fn connection_show(&self, name: &str) -> Result<Reply, AppError> {
        let snapshot = self.snapshot()?;
        let connection = snapshot.tree.find_connection(name)?;
        Ok(Reply::Connection(Box::new(self.view(&snapshot, connection))))
    }

    pub(crate) fn connection_list(&self, folder: &str, text: &str) -> Result<Reply, AppError> {
        let snapshot = self.snapshot()?;
        let tree = &snapshot.tree;
        let within = tree.find_folder(folder)?;
        let searched = !text.trim().is_empty();
        let found: Vec<&Connection> = match within {
            Some(folder) if searched => {
                let inside: BTreeSet<_> = tree.below(folder).1.iter().map(|found| found.id).collect();
                Search::new(tree)
                    .find(text, usize::MAX)
                    .into_iter()
                    .filter(|found| inside.contains(&found.id))
                    .collect()
            }
            Some(folder) => tree.below(folder).1,
            None if searched => Search::new(tree).find(text, usize::MAX),
            None => tree.connections().collect(),
        };
        let mut views: Vec<ConnectionView> =
            found.into_iter().map(|found| self.view(&snapshot, found)).collect();
        if !searched {
            views.sort_by(|a, b| a.path.cmp(&b.path));
        }
        Ok(Reply::Connections(views))
    }

    pub(crate) fn tree(&self, folder: &str) -> Result<Reply, AppError> {
        let snapshot = self.snapshot()?;
        let top = snapshot.tree.find_folder(folder)?;
        let mut nodes = Vec::new();
        branch(&Children::of(&snapshot.tree), &snapshot.tree, top, 0, &mut nodes);
        Ok(Reply::Tree(nodes))
    }

    fn view(&self, snapshot: &Snapshot, connection: &Connection) -> ConnectionView {
        let tree = &snapshot.tree;
        ConnectionView {
            id: connection.id.to_string(),
            name: connection.name.clone(),
            folder: tree.folder_path(connection.folder),
            path: tree.connection_path(connection),
            kind: connection.kind.clone(),
            host: connection.host.clone(),
            port: connection.port,
            credential: effective_view(tree, connection),
            settings: connection.settings.clone(),
            effective_settings: tree.effective_settings(connection, &self.configuration.settings),
            notes: connection.notes.clone(),
            tags: connection.tags.clone(),
            custom_fields: connection.custom_fields.clone(),
            created: rfc3339(connection.created),
            updated: rfc3339(connection.updated),
        }
    }

    fn audit_connection(&self, class: EventClass, id: ConnectionId, name: &str) -> Result<(), AppError> {
        let mut event = self.audit.event(class, ostler_audit::Outcome::Success);
        event.connection = Some(id);
        event.details.insert("name".to_owned(), name.to_owned());
        Ok(self.audit.write(&event)?)
    }
}

fn apply(connection: &mut Connection, change: &ConnectionChange) {
    if let Some(name) = &change.name {
        connection.name.clone_from(name);
    }
    if let Some(host) = &change.host {
        connection.host.clone_from(host);
    }
    if let Some(port) = change.port {
        connection.port = port;
    }
    if let Some(notes) = &change.notes {
        connection.notes.clone_from(notes);
    }
    connection.settings.change(&change.settings);
    connection.tags.extend(change.add_tags.iter().cloned());
    connection.tags.retain(|tag| !change.remove_tags.contains(tag));
    for (key, value) in &change.custom_fields {
        match value {
            Some(value) => connection.custom_fields.insert(key.clone(), value.clone()),
            None => connection.custom_fields.remove(key),
        };
    }
}

/// A secret that is made and replaced within the same change is never stored at all.
fn drop_passing(changes: &mut Changes) {
    let deleted = std::mem::take(&mut changes.delete_secrets);
    for id in deleted {
        let made = changes.put_secrets.iter().position(|secret| secret.id == id);
        match made {
            Some(index) => drop(changes.put_secrets.remove(index)),
            None => changes.delete_secrets.push(id),
        }
    }
}

/// Who stands directly in which folder, by name.
struct Children {
    folders: BTreeMap<Option<FolderId>, Vec<(String, FolderId)>>,
    connections: BTreeMap<Option<FolderId>, Vec<(String, ConnectionId)>>,
}

impl Children {
    fn of(tree: &Tree) -> Self {
        let mut children = Self { folders: BTreeMap::new(), connections: BTreeMap::new() };
        for folder in tree.folders() {
            let parent = folder.parent.filter(|parent| tree.folder(*parent).is_some());
            children.folders.entry(parent).or_default().push((folder.name.clone(), folder.id));
        }
        for connection in tree.connections() {
            let parent = connection.folder.filter(|parent| tree.folder(*parent).is_some());
            children.connections.entry(parent).or_default().push((connection.name.clone(), connection.id));
        }
        children.folders.values_mut().for_each(|siblings| siblings.sort());
        children.connections.values_mut().for_each(|siblings| siblings.sort());
        children
    }
}

fn branch(children: &Children, tree: &Tree, at: Option<FolderId>, depth: u32, nodes: &mut Vec<TreeNode>) {
    for (name, id) in children.folders.get(&at).into_iter().flatten() {
        let path = tree.folder_path(Some(*id));
        nodes.push(TreeNode { depth, name: name.clone(), path, kind: None, target: None });
        branch(children, tree, Some(*id), depth + 1, nodes);
    }
    for (name, id) in children.connections.get(&at).into_iter().flatten() {
        if let Some(connection) = tree.connection(*id) {
            nodes.push(TreeNode {
                depth,
                name: name.clone(),
                path: tree.connection_path(connection),
                kind: Some(connection.kind.clone()),
                target: Some(Endpoint { host: connection.host.clone(), port: connection.port }.to_string()),
            });
        }
    }
}
