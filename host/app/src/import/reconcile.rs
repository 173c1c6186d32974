//! What becomes of each entry of an import: a pure function of the tree and the entries.
//!
//! An entry is known again by its identity in its source. What the file changed since the last import is updated; what the user edited
//! since is left as it is, unless the user says otherwise; what both left alone is left alone. Where an entry stands is the user's
//! business after the first import. Never drops anything: what has no place is named.

use std::collections::{BTreeMap, BTreeSet};

use ostler_core::{
    AsImported, Connection, ConnectionId, CredentialMode, FolderId, ImportEntry, ImportItem,
    ImportedConnection, ImportedCredential, ImportedFolder, LocalCredential, Position, SecretBytes, SecretId,
    SettingValue, Settings, SourceIdentity, Timestamp, Tree,
};
use ostler_registry::Digest;
use ostler_vault::{Changes, StoredSecret};

use crate::connection_settings::DeclaredSettings;
use crate::connections::check_endpoint;
use crate::credentials::{Scope, slot_of};
use crate::folders::{ensure_child, ensure_folder};
use crate::kinds::Kinds;
use crate::{AppError, DefaultsView, ProblemView, UpdateView};

/// Digits of a content's digest that are kept.
const DIGITS: usize = 32;

/// Where entries go, and in whose name.
pub(super) struct Into<'a> {
    pub(super) folder: &'a str,
    pub(super) plugin: &'a str,
    pub(super) kinds: &'a Kinds,
    pub(super) declared: &'a DeclaredSettings,
    /// Whether policy refuses credentials that are stored here.
    pub(super) strips: bool,
    /// Whether what the user edited is updated, too.
    pub(super) overwrites: bool,
    pub(super) now: Timestamp,
    /// Opens a stored secret, to be compared with one of the file.
    pub(super) open: &'a dyn Fn(SecretId) -> Option<SecretBytes>,
}

/// What becomes of the entries.
#[derive(Default)]
pub(super) struct Reconciled {
    pub(super) changes: Changes,
    pub(super) created: Vec<String>,
    pub(super) updated: Vec<UpdateView>,
    /// What the file changed and the user edited.
    pub(super) kept: Vec<UpdateView>,
    pub(super) folders: Vec<String>,
    pub(super) present: Vec<String>,
    /// Whose credential policy took out.
    pub(super) stripped: Vec<String>,
    /// Secrets that go into the vault.
    pub(super) secrets: u64,
    pub(super) defaults: Vec<DefaultsView>,
    pub(super) problems: Vec<ProblemView>,
}

/// A connection as the file has it, with its secrets.
struct Candidate {
    connection: Connection,
    secrets: Vec<StoredSecret>,
}

/// An import on its way.
struct Work<'a> {
    into: &'a Into<'a>,
    tree: Tree,
    known: BTreeMap<SourceIdentity, ConnectionId>,
    /// How often an identity came.
    seen: BTreeMap<String, u32>,
    /// Folders that this import made.
    made: BTreeSet<FolderId>,
    top: Option<FolderId>,
    done: Reconciled,
}

impl Into<'_> {
    pub(super) fn reconcile(&self, tree: &Tree, entries: &[ImportEntry]) -> Result<Reconciled, AppError> {
        let mut tree = tree.clone();
        let mut done = Reconciled::default();
        let top = ensure_folder(&mut tree, &mut done.changes, self.folder)?;
        let known = tree
            .connections()
            .filter_map(|connection| Some((connection.source.clone()?, connection.id)))
            .collect();
        let (seen, made) = (BTreeMap::new(), BTreeSet::new());
        let mut work = Work { into: self, tree, known, seen, made, top, done };
        for entry in entries {
            if let Err(error) = work.take(entry) {
                work.problem(entry, false, error.to_string());
            }
        }
        let Work { tree, mut done, .. } = work;
        done.secrets = u64::try_from(done.changes.put_secrets.len()).unwrap_or(u64::MAX);
        done.folders =
            done.changes.put_folders.iter().map(|folder| tree.folder_path(Some(folder.id))).collect();
        Ok(done)
    }
}

impl Work<'_> {
    fn take(&mut self, entry: &ImportEntry) -> Result<(), AppError> {
        match &entry.item {
            ImportItem::Folder(folder) => self.take_folder(entry, folder),
            ImportItem::Connection(imported) => self.take_connection(entry, imported),
        }
    }

    fn problem(&mut self, entry: &ImportEntry, imported: bool, reason: String) {
        let name = match &entry.item {
            ImportItem::Folder(folder) => &folder.name,
            ImportItem::Connection(connection) => &connection.name,
        };
        let (position, entry) = (entry.position.clone(), Some(name.clone()));
        self.done.problems.push(ProblemView { position, entry, imported, reason });
    }

    fn defaults(&mut self, path: String, position: &Position, defaults: &[String]) {
        if !defaults.is_empty() {
            let (position, defaults) = (position.clone(), defaults.to_vec());
            self.done.defaults.push(DefaultsView { entry: path, position, defaults });
        }
    }

    /// Returns the folder of these names below where the import goes.
    fn folder(&mut self, names: &[String]) -> Result<Option<FolderId>, AppError> {
        let before = self.done.changes.put_folders.len();
        let found = names.iter().try_fold(self.top, |at, name| {
            ensure_child(&mut self.tree, &mut self.done.changes, at, name).map(Some)
        })?;
        self.made.extend(self.done.changes.put_folders.iter().skip(before).map(|folder| folder.id));
        Ok(found)
    }

    /// Fills in a folder that this import makes; one that was there before stays as it is.
    fn take_folder(&mut self, entry: &ImportEntry, imported: &ImportedFolder) -> Result<(), AppError> {
        let names: Vec<String> = entry.folder.iter().chain([&imported.name]).cloned().collect();
        let Some(id) = self.folder(&names)? else { return Ok(()) };
        let Some(mut folder) = self.tree.folder(id).cloned() else { return Ok(()) };
        let path = self.tree.folder_path(Some(id));
        let mut settings = imported.settings.clone();
        self.settle(entry, &mut settings);
        let (credential, secrets) =
            self.credential(entry, &imported.credential, &Scope::folder(&folder), &path);
        if !self.made.contains(&id) {
            let same = (folder.notes == imported.notes || imported.notes.is_empty())
                && settings.0.iter().all(|(key, value)| folder.settings.0.get(key) == Some(value))
                && self.same_credential(&folder.credential, &credential, &secrets);
            if !same {
                let reason = "the folder was there before, and keeps its own notes, settings and credential";
                self.problem(entry, true, reason.to_owned());
            }
            return Ok(());
        }
        folder.notes.clone_from(&imported.notes);
        (folder.settings, folder.credential) = (settings, credential);
        self.done.changes.put_secrets.extend(secrets);
        self.defaults(path, &entry.position, &entry.defaults);
        self.tree.put_folder(folder.clone());
        if let Some(made) = self.done.changes.put_folders.iter_mut().find(|made| made.id == id) {
            *made = folder;
        }
        Ok(())
    }

    /// Tells whether a folder has the credential of the file, as far as can be told without opening a secret.
    fn same_credential(
        &self,
        own: &CredentialMode,
        other: &CredentialMode,
        secrets: &[StoredSecret],
    ) -> bool {
        match (own, other) {
            (_, CredentialMode::Inherit) => true,
            (CredentialMode::Local(own), CredentialMode::Local(other)) => {
                own.user == other.user && own.domain == other.domain && self.same_secrets(own, other, secrets)
            }
            (own, other) => own == other,
        }
    }

    fn same_secrets(&self, own: &LocalCredential, other: &LocalCredential, secrets: &[StoredSecret]) -> bool {
        let bytes =
            |id: &SecretId| secrets.iter().find(|secret| secret.id == *id).map(|secret| &secret.bytes);
        own.secrets.len() == other.secrets.len()
            && other.secrets.iter().all(|(slot, id)| {
                let stored = own.secrets.get(slot).and_then(|stored| (self.into.open)(*stored));
                stored.as_ref() == bytes(id)
            })
    }

    fn take_connection(
        &mut self,
        entry: &ImportEntry,
        imported: &ImportedConnection,
    ) -> Result<(), AppError> {
        let source = self.source(entry, &imported.name);
        self.into.kinds.default_port(&imported.kind)?;
        check_endpoint(&imported.host, imported.port)?;
        let before = self.known.get(&source).and_then(|id| self.tree.connection(*id)).cloned();
        if let Some(before) = before {
            let place = before.folder;
            let candidate = self.candidate(entry, imported, place, source);
            return self.update(entry, &before, candidate);
        }
        let folder = self.folder(&entry.folder)?;
        self.tree.check_connection_name(folder, &imported.name, None)?;
        let Candidate { connection, secrets } = self.candidate(entry, imported, folder, source);
        let path = self.tree.connection_path(&connection);
        self.defaults(path.clone(), &entry.position, &entry.defaults);
        self.done.created.push(path);
        self.done.changes.put_secrets.extend(secrets);
        self.put(connection);
        Ok(())
    }

    fn put(&mut self, connection: Connection) {
        self.tree.put_connection(connection.clone());
        self.done.changes.put_connections.push(connection);
    }

    /// What an entry is in its source: as the importer says, else its folders and name; the second of one file is another one.
    fn source(&mut self, entry: &ImportEntry, name: &str) -> SourceIdentity {
        let mut identity = entry.identity.clone();
        if identity.is_empty() {
            identity = format!("path:{}", [entry.folder.as_slice(), &[name.to_owned()]].concat().join("/"));
        }
        let times = self.seen.entry(identity.clone()).or_insert(0);
        *times += 1;
        if *times > 1 {
            identity = format!("{identity}#{times}");
        }
        SourceIdentity { plugin: self.into.plugin.to_owned(), identity }
    }

    /// Decides about a connection that was imported before.
    fn update(
        &mut self,
        entry: &ImportEntry,
        before: &Connection,
        candidate: Candidate,
    ) -> Result<(), AppError> {
        let Candidate { mut connection, mut secrets } = candidate;
        let path = self.tree.connection_path(before);
        let same_secrets = match (&before.credential, &connection.credential) {
            (CredentialMode::Local(own), CredentialMode::Local(other)) => {
                self.same_secrets(own, other, &secrets)
            }
            (own, other) => secret_ids(own).is_empty() && secret_ids(other).is_empty(),
        };
        let mut changes = differences(before, &connection);
        if !same_secrets {
            changes.push("secrets".to_owned());
        }
        let (edited, changed) = match &before.imported {
            // What an older program imported: whoever changed it is not known.
            None => (true, true),
            Some(mark) => {
                let own_secrets = secret_ids(&before.credential) == mark.secrets;
                let edited = mark.content != content(before) || !own_secrets;
                (edited, mark.content != content(&connection) || (own_secrets && !same_secrets))
            }
        };
        if changes.is_empty() || !changed {
            self.done.present.push(path);
            return Ok(());
        }
        let view = UpdateView { entry: path.clone(), position: entry.position.clone(), changes };
        if edited && !self.into.overwrites {
            self.done.kept.push(view);
            return Ok(());
        }
        if let Err(error) = self.tree.check_connection_name(before.folder, &connection.name, Some(before.id))
        {
            self.problem(entry, true, format!("it keeps its name: {error}"));
            connection.name.clone_from(&before.name);
        }
        (connection.id, connection.created) = (before.id, before.created);
        // A secret belongs to one place: where neither changes, it stays.
        let same_place = (&before.kind, &before.host, before.port)
            == (&connection.kind, &connection.host, connection.port);
        if let (true, true, CredentialMode::Local(own), CredentialMode::Local(new)) =
            (same_secrets, same_place, &before.credential, &mut connection.credential)
        {
            new.secrets.clone_from(&own.secrets);
            secrets.clear();
        } else {
            self.done.changes.delete_secrets.extend(secret_ids(&before.credential));
        }
        connection.imported = Some(mark(&connection));
        self.done.changes.put_secrets.extend(secrets);
        self.defaults(path, &entry.position, &entry.defaults);
        self.done.updated.push(view);
        self.put(connection);
        Ok(())
    }

    /// Makes the connection that an entry describes.
    fn candidate(
        &mut self,
        entry: &ImportEntry,
        imported: &ImportedConnection,
        folder: Option<FolderId>,
        source: SourceIdentity,
    ) -> Candidate {
        let mut settings = imported.settings.clone();
        self.settle(entry, &mut settings);
        let mut connection = Connection {
            id: ConnectionId::random(),
            folder,
            name: imported.name.clone(),
            kind: imported.kind.clone(),
            host: imported.host.clone(),
            port: imported.port,
            credential: CredentialMode::Inherit,
            settings,
            notes: imported.notes.clone(),
            tags: imported.tags.clone(),
            custom_fields: imported.custom_fields.clone(),
            source: Some(source),
            imported: None,
            created: self.into.now,
            updated: self.into.now,
        };
        let (scope, path) = (Scope::connection(&connection), self.tree.connection_path(&connection));
        let (credential, secrets) = self.credential(entry, &imported.credential, &scope, &path);
        connection.credential = credential;
        connection.imported = Some(mark(&connection));
        Candidate { connection, secrets }
    }

    /// Makes a credential and its secrets, or leaves it out where policy says so.
    fn credential(
        &mut self,
        entry: &ImportEntry,
        imported: &ImportedCredential,
        scope: &Scope,
        path: &str,
    ) -> (CredentialMode, Vec<StoredSecret>) {
        let ImportedCredential::Local { user, domain, secrets } = imported else {
            let plain = match imported {
                ImportedCredential::None => CredentialMode::None,
                _ => CredentialMode::Inherit,
            };
            return (plain, Vec::new());
        };
        if self.into.strips {
            self.done.stripped.push(path.to_owned());
            return (CredentialMode::Inherit, Vec::new());
        }
        let mut local =
            LocalCredential { user: user.clone(), domain: domain.clone(), ..LocalCredential::default() };
        let mut stored: Vec<StoredSecret> = Vec::new();
        for (field, bytes) in secrets {
            let Some(slot) = slot_of(*field) else {
                let reason =
                    format!("a secret for the field '{}' was left out: connections keep none", field.name());
                self.problem(entry, true, reason);
                continue;
            };
            if local.secrets.contains_key(&slot) {
                self.problem(entry, true, format!("a second {} was left out", field.name()));
                continue;
            }
            let secret = scope.secret(*field, bytes.clone());
            local.secrets.insert(slot, secret.id);
            stored.push(secret);
        }
        (CredentialMode::Local(local), stored)
    }

    /// Leaves settings out that no launcher could use, and says so.
    fn settle(&mut self, entry: &ImportEntry, settings: &mut Settings) {
        let mut kept = BTreeMap::new();
        for (key, value) in std::mem::take(&mut settings.0) {
            match self.into.declared.settled(&key, &value) {
                Ok(value) => drop(kept.insert(key, value)),
                Err(reason) => self.problem(entry, true, format!("a setting was left out: {reason}")),
            }
        }
        settings.0 = kept.into_iter().collect::<BTreeMap<String, SettingValue>>();
    }
}

fn mark(connection: &Connection) -> AsImported {
    AsImported { content: content(connection), secrets: secret_ids(&connection.credential) }
}

fn secret_ids(credential: &CredentialMode) -> BTreeSet<SecretId> {
    match credential {
        CredentialMode::Local(local) => local.secrets.values().copied().collect(),
        _ => BTreeSet::new(),
    }
}

/// The user and domain of a credential, and what it is.
fn login(credential: &CredentialMode) -> (&'static str, Option<&str>, Option<&str>) {
    match credential {
        CredentialMode::None => ("none", None, None),
        CredentialMode::Inherit => ("inherit", None, None),
        CredentialMode::Local(local) => ("local", local.user.as_deref(), local.domain.as_deref()),
        CredentialMode::Source(source) => ("source", source.user.as_deref(), Some(&source.entry)),
    }
}

/// A digest of a connection without its place, its secrets and its times.
fn content(connection: &Connection) -> String {
    let Connection { name, kind, host, port, credential, settings, notes, tags, custom_fields, .. } =
        connection;
    let whole = (name, kind, host, port, login(credential), settings, notes, tags, custom_fields);
    // Plain data is always written.
    let digest = Digest::of(&serde_json::to_vec(&whole).unwrap_or_default()).to_string();
    digest.chars().rev().take(DIGITS).collect()
}

/// Names the fields in which two connections differ.
fn differences(one: &Connection, other: &Connection) -> Vec<String> {
    let fields = [
        ("name", one.name == other.name),
        ("type", one.kind == other.kind),
        ("host", one.host == other.host),
        ("port", one.port == other.port),
        ("credential", login(&one.credential) == login(&other.credential)),
        ("settings", one.settings == other.settings),
        ("notes", one.notes == other.notes),
        ("tags", one.tags == other.tags),
        ("custom fields", one.custom_fields == other.custom_fields),
    ];
    fields.into_iter().filter(|(_, same)| !same).map(|(name, _)| name.to_owned()).collect()
}
