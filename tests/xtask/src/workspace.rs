//! The workspace: its root, its packages, and running programs in it.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, ensure};
use cargo_metadata::{Metadata, MetadataCommand};

/// The root, the target directory and the packages.
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    pub(crate) target: PathBuf,
    /// The members: folder below the root, written with `/`, to package name.
    pub(crate) members: BTreeMap<String, String>,
    pub(crate) metadata: Metadata,
}

impl Workspace {
    /// Finds the workspace that this program belongs to.
    pub(crate) fn find() -> anyhow::Result<Self> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.toml");
        let manifest = manifest.canonicalize().with_context(|| format!("{} is gone", manifest.display()))?;
        let metadata = MetadataCommand::new().manifest_path(&manifest).no_deps().exec()?;
        let root = metadata.workspace_root.clone().into_std_path_buf();
        let members = metadata
            .packages
            .iter()
            .filter_map(|package| {
                let folder = package.manifest_path.strip_prefix(&metadata.workspace_root).ok()?.parent()?;
                Some((folder.as_str().replace('\\', "/"), package.name.to_string()))
            })
            .collect();
        let target = metadata.target_directory.clone().into_std_path_buf();
        Ok(Self { root, target, members, metadata })
    }

    /// Returns the packages directly below a folder, such as `plugins`.
    pub(crate) fn packages_in(&self, folder: &str) -> Vec<String> {
        let inside = |path: &str| {
            path.strip_prefix(folder)
                .and_then(|rest| rest.strip_prefix('/'))
                .is_some_and(|name| !name.contains('/'))
        };
        self.members.iter().filter(|(path, _)| inside(path)).map(|(_, name)| name.clone()).collect()
    }

    /// Makes a command that runs in the root and reads no input.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        #[expect(clippy::disallowed_methods, reason = "running programs is what this crate is for")]
        let mut command = Command::new(program);
        command.current_dir(&self.root).stdin(Stdio::null());
        command
    }

    /// Makes a command that runs the same cargo as the one that runs this program.
    pub(crate) fn cargo(&self) -> Command {
        self.command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
    }
}

/// Runs a command and fails where it fails. Says so on standard error: standard output is the command's.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    eprintln!("$ {}", shown(command));
    let started = Instant::now();
    let status = command.status().with_context(|| format!("{} can't be run", shown(command)))?;
    ensure!(status.success(), "{} failed: {status}", shown(command));
    eprintln!("  {:.1} s", started.elapsed().as_secs_f32());
    Ok(())
}

/// Runs a command silently and returns what it printed; none where it fails or is not there.
pub(crate) fn output(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().into_owned();
    let arguments = command.get_args().map(|argument| argument.to_string_lossy().into_owned());
    std::iter::once(name).chain(arguments).collect::<Vec<_>>().join(" ")
}
