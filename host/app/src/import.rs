//! Importing a file: an importer reads it, this module decides what becomes of each entry, and one transaction makes it so
//! (features CM-42, CM-43, NEW-49).
//!
//! Nothing is dropped silently: every entry is created, found present, or named as a problem with its position.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use ostler_audit::EventClass;
use ostler_core::{
    Connection, ConnectionId, CredentialMode, FolderId, ImportEntry, ImportItem, ImportProblem,
    ImportedConnection, ImportedCredential, LocalCredential, ProblemSeverity, SettingValue, Settings,
    SourceIdentity, Timestamp, Tree,
};
use ostler_plugin_api::Kind;
use ostler_registry::FoundPlugin;
use ostler_runtime::{ImportOutlet, Plugin};
use ostler_vault::Changes;

use crate::connection_settings::DeclaredSettings;
use crate::connections::check_endpoint;
use crate::crashes::CrashInput;
use crate::credentials::{Scope, put_secret};
use crate::folders::{ensure_child, ensure_folder};
use crate::kinds::Kinds;
use crate::plugins::plugin_id;
use crate::{AppError, DefaultsView, Host, ImportCommand, ImportReport, ProblemView, Reply};

/// How much of a file an importer sees to recognize it, in bytes.
const HEAD: u64 = 64 * 1024;

/// Collects what an importer hands over.
#[derive(Default)]
struct Collected {
    entries: Vec<ImportEntry>,
    problems: Vec<ImportProblem>,
}

impl Collected {
    /// Returns the types of all connections.
    fn kinds(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().filter_map(|entry| match &entry.item {
            ImportItem::Connection(connection) => Some(connection.kind.as_str()),
            ImportItem::Folder(_) => None,
        })
    }
}

impl ImportOutlet for Collected {
    fn entries(&mut self, entries: Vec<ImportEntry>) -> bool {
        self.entries.extend(entries);
        true
    }

    fn problems(&mut self, problems: Vec<ImportProblem>) {
        self.problems.extend(problems);
    }
}

/// What becomes of the entries.
struct Reconciled {
    changes: Changes,
    created: Vec<String>,
    folders: Vec<String>,
    present: Vec<String>,
    /// Secrets that go into the vault.
    secrets: u64,
    defaults: Vec<DefaultsView>,
    problems: Vec<ProblemView>,
}

impl Host {
    pub(crate) async fn import(&self, command: &ImportCommand) -> Result<Reply, AppError> {
        let file_error = |source| AppError::File { file: command.file.clone(), source };
        let mut head = Vec::new();
        let file = File::open(&command.file).map_err(file_error)?;
        file.take(HEAD).read_to_end(&mut head).map_err(file_error)?;
        let (found, plugin) = self.importer_for(command, &head).await?;
        let file = File::open(&command.file).map_err(file_error)?;
        let mut collected = Collected::default();
        let parsed = plugin.parse(Box::new(file), &command.options, &mut collected).await;
        let input = || CrashInput::file(&file_name(command), &command.options, &head);
        self.count_use(&found, &plugin, &input)?;
        let id = plugin_id(&found);
        let summary = parsed.map_err(|source| AppError::Plugin { plugin: id.clone(), source })?;

        let kinds = self.kinds(collected.kinds()).await?;
        let declared = self.declared_settings()?;
        let into =
            Into { folder: &command.into, plugin: &id, kinds: &kinds, declared: &declared, now: self.now() };
        let done = if command.dry_run {
            into.reconcile(&self.snapshot()?.tree, &collected.entries)?
        } else {
            self.change(|tree| {
                let mut reconciled = into.reconcile(tree, &collected.entries)?;
                Ok((std::mem::take(&mut reconciled.changes), reconciled))
            })?
        };
        let mut problems: Vec<ProblemView> = collected.problems.iter().map(problem_view).collect();
        problems.extend(done.problems);
        problems.sort_by_key(|problem| problem.position.line);
        let mend_file = if command.dry_run {
            None
        } else {
            write_mend_file(command, &summary.mendable_head, &collected)?
        };
        if !command.dry_run {
            let details = [
                ("file", command.file.display().to_string()),
                ("plugin", id.clone()),
                ("created", done.created.len().to_string()),
                ("not-imported", problems.iter().filter(|problem| !problem.imported).count().to_string()),
            ];
            self.audit.success(EventClass::Import, &details)?;
        }
        Ok(Reply::Imported(Box::new(ImportReport {
            dry_run: command.dry_run,
            plugin: id,
            format: summary.format,
            mapping: summary.mapping,
            unused: summary.unused,
            created: done.created,
            folders: done.folders,
            present: done.present,
            secrets: done.secrets,
            defaults: done.defaults,
            problems,
            mend_file,
        })))
    }

    /// Picks the importer: the one asked for, else the one that is surest to recognize the file.
    async fn importer_for(
        &self,
        command: &ImportCommand,
        head: &[u8],
    ) -> Result<(FoundPlugin, Plugin), AppError> {
        if let Some(wanted) = &command.plugin {
            let importers = self.plugins_of(Kind::Importer)?;
            let fits = importers.into_iter().find(|(found, _)| plugin_id(found) == *wanted);
            let (found, held) = fits.ok_or_else(|| AppError::NoPlugin(wanted.clone()))?;
            if let Some(reason) = held {
                return Err(AppError::HeldBack { plugin: wanted.clone(), reason });
            }
            let plugin = self.load(&found)?;
            return Ok((found, plugin));
        }
        let name = file_name(command);
        let mut best: Option<(u8, FoundPlugin, Plugin)> = None;
        for found in self.enabled_plugins(Kind::Importer)? {
            let plugin = self.load(&found)?;
            match plugin.detect(head, &name).await {
                Ok(sure) if sure > best.as_ref().map_or(0, |(best, ..)| *best) => {
                    best = Some((sure, found, plugin))
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(plugin = plugin_id(&found), %error, "importer could not look at the file");
                    self.count_use(&found, &plugin, &|| CrashInput::file(&name, &[], head))?;
                }
            }
        }
        best.map(|(_, found, plugin)| (found, plugin))
            .ok_or_else(|| self.nobody(Kind::Importer, &format!("recognizes '{name}'")))
    }
}

fn file_name(command: &ImportCommand) -> String {
    command.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Where entries go, and in whose name.
struct Into<'a> {
    folder: &'a str,
    plugin: &'a str,
    kinds: &'a Kinds,
    declared: &'a DeclaredSettings,
    now: Timestamp,
}

impl Into<'_> {
    /// Decides what becomes of each entry. A pure function of the tree and the entries.
    fn reconcile(&self, tree: &Tree, entries: &[ImportEntry]) -> Result<Reconciled, AppError> {
        let mut tree = tree.clone();
        let mut changes = Changes::default();
        let top = ensure_folder(&mut tree, &mut changes, self.folder)?;
        let known: BTreeMap<SourceIdentity, ConnectionId> = tree
            .connections()
            .filter_map(|connection| connection.source.clone().map(|source| (source, connection.id)))
            .collect();
        let mut done = Reconciled {
            changes,
            created: Vec::new(),
            folders: Vec::new(),
            present: Vec::new(),
            secrets: 0,
            defaults: Vec::new(),
            problems: Vec::new(),
        };
        for entry in entries {
            if let Err(error) = self.take(&mut tree, &known, top, entry, &mut done) {
                done.problems.push(ProblemView {
                    position: entry.position.clone(),
                    entry: Some(entry_name(entry).to_owned()),
                    imported: false,
                    reason: error.to_string(),
                });
            }
        }
        done.secrets = u64::try_from(done.changes.put_secrets.len()).unwrap_or(u64::MAX);
        done.folders =
            done.changes.put_folders.iter().map(|folder| tree.folder_path(Some(folder.id))).collect();
        Ok(done)
    }

    fn take(
        &self,
        tree: &mut Tree,
        known: &BTreeMap<SourceIdentity, ConnectionId>,
        top: Option<FolderId>,
        entry: &ImportEntry,
        done: &mut Reconciled,
    ) -> Result<(), AppError> {
        match &entry.item {
            ImportItem::Folder(folder) => {
                let parent = self.folder(tree, top, &entry.folder, &mut done.changes)?;
                ensure_child(tree, &mut done.changes, parent, &folder.name)?;
            }
            ImportItem::Connection(imported) => {
                let source = (!entry.identity.is_empty()).then(|| SourceIdentity {
                    plugin: self.plugin.to_owned(),
                    identity: entry.identity.clone(),
                });
                let before =
                    source.as_ref().and_then(|source| known.get(source)).and_then(|id| tree.connection(*id));
                if let Some(before) = before {
                    done.present.push(tree.connection_path(before));
                    return Ok(());
                }
                self.kinds.default_port(&imported.kind)?;
                check_endpoint(&imported.host, imported.port)?;
                let folder = self.folder(tree, top, &entry.folder, &mut done.changes)?;
                tree.check_connection_name(folder, &imported.name, None)?;
                let mut connection = self.connection(imported, folder, source, &mut done.changes);
                self.settle(entry, &mut connection.settings, &mut done.problems);
                let path = tree.connection_path(&connection);
                if !entry.defaults.is_empty() {
                    done.defaults.push(DefaultsView {
                        entry: path.clone(),
                        position: entry.position.clone(),
                        defaults: entry.defaults.clone(),
                    });
                }
                done.created.push(path);
                tree.put_connection(connection.clone());
                done.changes.put_connections.push(connection);
            }
        }
        Ok(())
    }

    /// Leaves settings out that no launcher could use, and says so.
    fn settle(&self, entry: &ImportEntry, settings: &mut Settings, problems: &mut Vec<ProblemView>) {
        let keep = |(key, value): (String, SettingValue)| match self.declared.settled(&key, &value) {
            Ok(value) => Some((key, value)),
            Err(reason) => {
                problems.push(ProblemView {
                    position: entry.position.clone(),
                    entry: Some(entry_name(entry).to_owned()),
                    imported: true,
                    reason: format!("a setting was left out: {reason}"),
                });
                None
            }
        };
        settings.0 = std::mem::take(&mut settings.0).into_iter().filter_map(keep).collect();
    }

    fn folder(
        &self,
        tree: &mut Tree,
        top: Option<FolderId>,
        names: &[String],
        changes: &mut Changes,
    ) -> Result<Option<FolderId>, AppError> {
        names.iter().try_fold(top, |at, name| ensure_child(tree, changes, at, name).map(Some))
    }

    fn connection(
        &self,
        imported: &ImportedConnection,
        folder: Option<FolderId>,
        source: Option<SourceIdentity>,
        changes: &mut Changes,
    ) -> Connection {
        let mut connection = Connection {
            id: ConnectionId::random(),
            folder,
            name: imported.name.clone(),
            kind: imported.kind.clone(),
            host: imported.host.clone(),
            port: imported.port,
            credential: CredentialMode::Inherit,
            settings: imported.settings.clone(),
            notes: imported.notes.clone(),
            tags: imported.tags.clone(),
            custom_fields: imported.custom_fields.clone(),
            source,
            created: self.now,
            updated: self.now,
        };
        connection.credential = match &imported.credential {
            ImportedCredential::None => CredentialMode::None,
            ImportedCredential::Inherit => CredentialMode::Inherit,
            ImportedCredential::Local { user, domain, secrets } => {
                let mut local = LocalCredential {
                    user: user.clone(),
                    domain: domain.clone(),
                    ..LocalCredential::default()
                };
                let scope = Scope::connection(&connection);
                for (field, bytes) in secrets {
                    put_secret(&mut local, scope.secret(*field, bytes.clone()), changes);
                }
                CredentialMode::Local(local)
            }
        };
        connection
    }
}

fn entry_name(entry: &ImportEntry) -> &str {
    match &entry.item {
        ImportItem::Folder(folder) => &folder.name,
        ImportItem::Connection(connection) => &connection.name,
    }
}

fn problem_view(problem: &ImportProblem) -> ProblemView {
    ProblemView {
        position: problem.position.clone(),
        entry: problem.entry.clone(),
        imported: problem.severity == ProblemSeverity::Warning,
        reason: problem.reason.clone(),
    }
}

/// Writes the records that were not imported to a new file that only the user can read (they may hold passwords).
fn write_mend_file(
    command: &ImportCommand,
    head: &[u8],
    collected: &Collected,
) -> Result<Option<PathBuf>, AppError> {
    let records: Vec<&[u8]> =
        collected.problems.iter().filter_map(|problem| problem.mendable.as_deref()).collect();
    if records.is_empty() {
        return Ok(None);
    }
    let candidates: Vec<PathBuf> = match &command.mend_file {
        Some(file) => vec![file.clone()],
        None => (1..100).map(|number| beside(&command.file, number)).collect(),
    };
    let mut taken = BTreeSet::new();
    for path in candidates {
        let opened = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        match opened {
            Err(error)
                if error.kind() == std::io::ErrorKind::AlreadyExists && command.mend_file.is_none() =>
            {
                taken.insert(path);
            }
            Err(source) => return Err(AppError::File { file: path, source }),
            Ok(mut file) => {
                let written = file
                    .write_all(head)
                    .and_then(|()| records.iter().try_for_each(|record| file.write_all(record)))
                    .and_then(|()| file.sync_all());
                return match written {
                    Ok(()) => Ok(Some(path)),
                    Err(source) => Err(AppError::File { file: path, source }),
                };
            }
        }
    }
    let file = taken.pop_last().unwrap_or_default();
    Err(AppError::File { file, source: std::io::Error::from(std::io::ErrorKind::AlreadyExists) })
}

/// Returns `NAME.not-imported.EXT` beside the file, with a number from the second on.
fn beside(file: &Path, number: u32) -> PathBuf {
    let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let extension = file.extension().map(|ext| format!(".{}", ext.to_string_lossy())).unwrap_or_default();
    let number = if number == 1 { String::new() } else { format!("-{number}") };
    file.with_file_name(format!("{stem}.not-imported{number}{extension}"))
}
