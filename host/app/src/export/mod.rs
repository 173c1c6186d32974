//! Exporting connections to a file: JSON that comes back as it was, CSV, one `.rdp` file, an OpenSSH configuration (features CM-40, PEER-48).
//!
//! Secrets stay in the vault unless they are asked for, and then the export is written down with their number before the file is there.
//! Never replaces a file; what a format can't hold is named.

mod csv;
mod json;
mod rdp;
mod ssh_config;

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use ostler_audit::EventClass;
use ostler_core::{Connection, CredentialMode, Folder, FolderId, SecretBytes, Tree};
use zeroize::Zeroizing;

use crate::{AppError, ExportCommand, ExportForm, ExportReport, Host, Reply};

/// What is exported.
struct Selection<'a> {
    tree: &'a Tree,
    /// Folders, each behind those that it stands in.
    folders: Vec<&'a Folder>,
    connections: Vec<&'a Connection>,
}

/// What a format makes of a selection.
#[derive(Default)]
struct Made {
    content: Zeroizing<Vec<u8>>,
    /// What is not in the file, and why.
    left_out: Vec<(String, String)>,
}

/// Opens the secrets of a local credential, by their fields.
type OpenAll<'a> = dyn Fn(&CredentialMode) -> Result<BTreeMap<String, SecretBytes>, AppError> + 'a;

impl Host {
    pub(crate) fn export(&self, command: &ExportCommand) -> Result<Reply, AppError> {
        let (vault, snapshot) = (self.vault()?, self.snapshot()?);
        let selection = Selection::of(&snapshot.tree, command)?;
        let opened = std::cell::Cell::new(0_u64);
        let open = |credential: &CredentialMode| {
            let CredentialMode::Local(local) = credential else { return Ok(BTreeMap::new()) };
            let mut all = BTreeMap::new();
            for id in local.secrets.values().filter(|_| command.with_secrets) {
                let secret = vault.open_secret(*id)?;
                opened.set(opened.get() + 1);
                all.insert(secret.field.name().to_owned(), secret.bytes);
            }
            Ok(all)
        };
        let made = match command.format {
            ExportForm::Json => json::write(&selection, &open, command.with_secrets)?,
            ExportForm::Csv => csv::write(&selection, &open)?,
            ExportForm::Rdp => rdp::write(&selection)?,
            ExportForm::SshConfig => ssh_config::write(&selection),
        };
        let (folders, connections) =
            (selection.folders.len(), selection.connections.len() - made.left_out.len());
        let details = [
            ("file", command.file.display().to_string()),
            ("format", command.format.name().to_owned()),
            ("connections", connections.to_string()),
            ("secrets", opened.get().to_string()),
        ];
        self.audit.success(EventClass::Export, &details)?;
        write_new(&command.file, &made.content)
            .map_err(|source| AppError::File { file: command.file.clone(), source })?;
        Ok(Reply::Exported(ExportReport {
            file: command.file.clone(),
            folders: u64::try_from(folders).unwrap_or(u64::MAX),
            connections: u64::try_from(connections).unwrap_or(u64::MAX),
            secrets: opened.get(),
            left_out: made.left_out,
        }))
    }
}

impl<'a> Selection<'a> {
    fn of(tree: &'a Tree, command: &ExportCommand) -> Result<Self, AppError> {
        if let Some(name) = &command.connection {
            return Ok(Self { tree, folders: Vec::new(), connections: vec![tree.find_connection(name)?] });
        }
        let within: Option<FolderId> = tree.find_folder(&command.folder)?;
        let (mut folders, mut connections) = match within {
            Some(folder) => {
                let (mut folders, connections) = tree.below(folder);
                folders.extend(tree.folder(folder));
                (folders, connections)
            }
            None => (tree.folders().collect(), tree.connections().collect()),
        };
        // In the order in which people see them.
        folders.sort_by_cached_key(|folder| tree.folder_path(Some(folder.id)));
        folders.dedup_by_key(|folder| folder.id);
        connections.sort_by_cached_key(|connection| tree.connection_path(connection));
        Ok(Self { tree, folders, connections })
    }

    /// Returns the names of the folders that something stands in, outermost first.
    fn place(&self, folder: Option<FolderId>) -> Vec<String> {
        let mut names: Vec<String> =
            self.tree.enclosing(folder).iter().map(|folder| folder.name.clone()).collect();
        names.reverse();
        names
    }

    /// Returns the user name and domain that a connection logs in with, as far as they are known.
    fn login(&self, connection: &Connection) -> (Option<String>, Option<String>) {
        match self.tree.effective_credential(connection) {
            Some((local, _)) => (local.user.clone(), local.domain.clone()),
            None => (None, None),
        }
    }
}

/// Writes a new file that only the user can read.
fn write_new(file: &Path, content: &[u8]) -> std::io::Result<()> {
    let mut out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    out.write_all(content)?;
    out.sync_all()
}
