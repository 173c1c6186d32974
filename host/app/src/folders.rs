//! Folders: add, edit, move, delete, show (feature CM-10).

use ostler_audit::EventClass;
use ostler_core::{CredentialMode, Folder, FolderId, Settings, Tree, TreeError};
use ostler_vault::Changes;

use crate::credentials::{Scope, change_credential, own_view, secrets_of};
use crate::{AppError, FolderChange, FolderView, Host, Reply};

/// Returns the folder at a path, adding what is missing of it to the changes and the tree.
pub(crate) fn ensure_folder(
    tree: &mut Tree,
    changes: &mut Changes,
    path: &str,
) -> Result<Option<FolderId>, AppError> {
    let mut at = None;
    for name in path.split('/').filter(|part| !part.is_empty()) {
        at = Some(ensure_child(tree, changes, at, name)?);
    }
    Ok(at)
}

/// Returns the folder of this name in `parent`, adding it to the changes and the tree if it is missing.
pub(crate) fn ensure_child(
    tree: &mut Tree,
    changes: &mut Changes,
    parent: Option<FolderId>,
    name: &str,
) -> Result<FolderId, AppError> {
    if let Some(found) = tree.child_folder(parent, name) {
        return Ok(found);
    }
    tree.check_folder_name(parent, name, None)?;
    let folder = Folder {
        id: FolderId::random(),
        parent,
        name: name.to_owned(),
        notes: String::new(),
        credential: CredentialMode::Inherit,
        settings: Settings::default(),
        source: None,
    };
    let id = folder.id;
    tree.put_folder(folder.clone());
    changes.put_folders.push(folder);
    Ok(id)
}

fn required(tree: &Tree, path: &str) -> Result<Folder, AppError> {
    let id = tree.find_folder(path)?;
    let found = id.and_then(|id| tree.folder(id)).cloned();
    Ok(found.ok_or_else(|| TreeError::NotFound { path: path.to_owned() })?)
}

impl Host {
    pub(crate) fn folder_add(&self, path: &str, change: &FolderChange) -> Result<Reply, AppError> {
        self.may_store(&change.credential)?;
        let change = &FolderChange { settings: self.settle(&change.settings)?, ..change.clone() };
        self.change(|tree| {
            if matches!(tree.find_folder(path), Ok(Some(_))) {
                return Err(TreeError::Exists { path: path.to_owned() }.into());
            }
            let (mut tree, mut changes) = (tree.clone(), Changes::default());
            let id = ensure_folder(&mut tree, &mut changes, path)?;
            if id.is_none() {
                return Err(TreeError::BadName { name: path.to_owned(), reason: "it is empty" }.into());
            }
            if let Some(folder) = changes.put_folders.iter().position(|folder| Some(folder.id) == id) {
                let mut folder = changes.put_folders.remove(folder);
                apply(&mut folder, change, &mut changes)?;
                changes.put_folders.push(folder);
            }
            Ok((changes, ()))
        })?;
        self.audit.success(EventClass::FolderCreate, &[("path", path.to_owned())])?;
        self.folder_show(path)
    }

    pub(crate) fn folder_edit(&self, path: &str, change: &FolderChange) -> Result<Reply, AppError> {
        self.may_store(&change.credential)?;
        let change = &FolderChange { settings: self.settle(&change.settings)?, ..change.clone() };
        let new_path = self.change(|tree| {
            let mut folder = required(tree, path)?;
            let mut changes = Changes::default();
            if let Some(name) = &change.name {
                tree.check_folder_name(folder.parent, name, Some(folder.id))?;
            }
            apply(&mut folder, change, &mut changes)?;
            let mut tree = tree.clone();
            tree.put_folder(folder.clone());
            let new_path = tree.folder_path(Some(folder.id));
            changes.put_folders.push(folder);
            Ok((changes, new_path))
        })?;
        self.audit.success(EventClass::FolderChange, &[("path", new_path.clone())])?;
        self.folder_show(&new_path)
    }

    pub(crate) fn folder_move(&self, path: &str, into: &str) -> Result<Reply, AppError> {
        self.change(|tree| {
            let mut folder = required(tree, path)?;
            let target = tree.find_folder(into)?;
            tree.check_move(folder.id, target)?;
            tree.check_folder_name(target, &folder.name, Some(folder.id))?;
            folder.parent = target;
            Ok((Changes { put_folders: vec![folder], ..Changes::default() }, ()))
        })?;
        self.audit
            .success(EventClass::FolderMove, &[("path", path.to_owned()), ("into", into.to_owned())])?;
        Ok(Reply::Done(format!("'{path}' was moved into '{into}'")))
    }

    pub(crate) fn folder_delete(&self, path: &str) -> Result<Reply, AppError> {
        let (folders, connections) = self.change(|tree| {
            let folder = required(tree, path)?;
            let (folders, connections) = tree.below(folder.id);
            let credentials = folders.iter().map(|folder| &folder.credential);
            let credentials = credentials.chain(connections.iter().map(|connection| &connection.credential));
            let changes = Changes {
                delete_secrets: credentials.flat_map(|mode| secrets_of(mode).into_values()).collect(),
                delete_folders: folders.iter().map(|folder| folder.id).collect(),
                delete_connections: connections.iter().map(|connection| connection.id).collect(),
                ..Changes::default()
            };
            let counts = (folders.len(), connections.len());
            Ok((changes, counts))
        })?;
        self.audit.success(
            EventClass::FolderDelete,
            &[("path", path.to_owned()), ("connections", connections.to_string())],
        )?;
        Ok(Reply::Done(format!("'{path}' was deleted: {folders} folder(s), {connections} connection(s)")))
    }

    pub(crate) fn folder_show(&self, path: &str) -> Result<Reply, AppError> {
        let snapshot = self.snapshot()?;
        let tree = &snapshot.tree;
        let folder = required(tree, path)?;
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        Ok(Reply::Folder(FolderView {
            id: folder.id.to_string(),
            path: tree.folder_path(Some(folder.id)),
            notes: folder.notes.clone(),
            credential: own_view(&folder.credential),
            settings: folder.settings.clone(),
            folders: count(tree.folders().filter(|other| other.parent == Some(folder.id)).count()),
            connections: count(tree.connections().filter(|other| other.folder == Some(folder.id)).count()),
        }))
    }
}

fn apply(folder: &mut Folder, change: &FolderChange, changes: &mut Changes) -> Result<(), AppError> {
    if let Some(name) = &change.name {
        folder.name.clone_from(name);
    }
    if let Some(notes) = &change.notes {
        folder.notes.clone_from(notes);
    }
    folder.settings.change(&change.settings);
    let scope = Scope::folder(folder);
    change_credential(&mut folder.credential, &change.credential, &scope, changes)
}
