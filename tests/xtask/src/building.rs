//! Building: the plugins as components, then the programs with the plugins' digests compiled in.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};

use crate::tools;
use crate::workspace::{Workspace, output, run};

/// What plugins and guests are built for.
const WASM_TARGET: &str = "wasm32-wasip2";

/// The variable through which the host's build script learns where the bundled plugins are.
pub(crate) const BUNDLED_PLUGINS: &str = "OSTLER_BUNDLED_PLUGINS";

/// What a build left behind.
pub(crate) struct Built {
    /// The program `ostler`.
    pub(crate) program: PathBuf,
    /// The bundled plugins, named by package.
    pub(crate) plugins: PathBuf,
}

/// What is built beside the programs. In one command, since cargo compiles libraries anew for each other choice of
/// packages whose features differ.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beside {
    /// Nothing.
    Nothing,
    /// The demo.
    Demo,
    /// The measures.
    Measures,
    /// Every test.
    Tests,
}

/// Builds the plugins and the programs, and lays the plugins beside the programs.
pub(crate) fn build(workspace: &Workspace, release: bool, beside: Beside) -> anyhow::Result<Built> {
    let plugins = components(workspace, &["plugins"], "bundled-plugins")?;
    let mut command = workspace.cargo();
    command.arg("build").env(BUNDLED_PLUGINS, &plugins);
    if release {
        command.arg("--release");
    }
    let programs = programs(workspace);
    match (beside, release) {
        (Beside::Tests, _) => {
            command.args(["--workspace", "--all-targets"]);
        }
        // With the features of the tests, so that these find every library compiled.
        (_, false) => {
            command.args(["--workspace", "--lib", "--example", "demo"]);
            command.args(programs.iter().flat_map(|(_, program)| ["--bin", program]));
        }
        // With the features of the programs and nothing else.
        (_, true) => {
            command.args(programs.iter().flat_map(|(package, program)| ["-p", package, "--bin", program]));
            match beside {
                Beside::Demo => command.args(["-p", "xtask", "--example", "demo"]),
                Beside::Measures => command.args(["-p", "ostler-bench", "--bin", "ostler-bench"]),
                Beside::Nothing | Beside::Tests => &mut command,
            };
        }
    }
    run(&mut command)?;
    let directory = workspace.target.join(if release { "release" } else { "debug" });
    let files = wasm_files(&plugins)?;
    lay_out(&files, &directory.join("plugins"))?;
    native_plugins(workspace, release, &directory)?;
    let program = executable(&directory, "ostler");
    eprintln!("built {} with {} bundled plugins", program.display(), files.len());
    Ok(Built { program, plugins })
}

/// Lays the native plugins beside the programs, each with its package's name. No program finds them there by itself: each is
/// installed by hand, where policy pins it.
fn native_plugins(workspace: &Workspace, release: bool, directory: &Path) -> anyhow::Result<()> {
    let packages = workspace.packages_in("plugins/native");
    if release {
        let mut command = workspace.cargo();
        command.args(["build", "--release", "--lib"]);
        run(command.args(packages.iter().flat_map(|package| ["-p", package])))?;
    }
    let file = |package: &String| {
        let library = directory.join(format!("lib{}.so", package.replace('-', "_")));
        (format!("{package}.so"), library)
    };
    lay_out(&packages.iter().map(file).collect::<Vec<_>>(), &directory.join("native-plugins"))
}

/// Builds, then runs the demo with the built program.
pub(crate) fn demo(workspace: &Workspace, release: bool) -> anyhow::Result<()> {
    let built = build(workspace, release, Beside::Demo)?;
    let examples = built.program.with_file_name("examples");
    run(workspace.command(executable(&examples, "demo")).arg(&built.program))
}

fn executable(directory: &Path, name: &str) -> PathBuf {
    directory.join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

/// Builds the plugins, the guests, the programs and the measures, and takes the measures. Prints nothing but those to
/// standard output, so that scripts can read them.
pub(crate) fn bench(workspace: &Workspace, arguments: &[String]) -> anyhow::Result<()> {
    tools::install(workspace, &tools::OF_MEASURES)?;
    let guests = guests(workspace)?;
    let built = build(workspace, true, Beside::Measures)?;
    let program = executable(&workspace.target.join("release"), "ostler-bench");
    let mut command = workspace.command(program);
    command.arg("--plugins").arg(&built.plugins).arg("--guests").arg(&guests);
    command.arg("--program").arg(&built.program).args(arguments);
    ensure!(command.status()?.success(), "a measure failed");
    Ok(())
}

/// Builds the plugins for tests: the guests, and the examples of the guide for plugin authors.
pub(crate) fn guests(workspace: &Workspace) -> anyhow::Result<PathBuf> {
    components(workspace, &["tests/guests", "sdk/examples"], "guests")
}

/// Builds the packages of folders as components into a directory below the target directory, which then holds nothing
/// else; each file has its package's name.
pub(crate) fn components(workspace: &Workspace, folders: &[&str], into: &str) -> anyhow::Result<PathBuf> {
    let packages: BTreeSet<String> = folders
        .iter()
        .flat_map(|folder| workspace.packages_in(folder))
        .map(|name| name.to_string())
        .collect();
    let directory = workspace.target.join(into);
    if packages.is_empty() {
        lay_out(&[], &directory)?;
        return Ok(directory);
    }
    ensure_target(workspace)?;
    let mut command = workspace.cargo();
    command.args(["build", "--target", WASM_TARGET, "--profile", "plugin"]);
    for package in &packages {
        command.args(["-p", package]);
    }
    run(&mut command)?;
    let built = workspace.target.join(WASM_TARGET).join("plugin");
    let files: Vec<(String, PathBuf)> = packages
        .iter()
        .map(|package| (format!("{package}.wasm"), built.join(format!("{}.wasm", package.replace('-', "_")))))
        .collect();
    lay_out(&files, &directory)?;
    Ok(directory)
}

/// Returns the programs of the host: package and program.
fn programs(workspace: &Workspace) -> Vec<(String, String)> {
    let host = workspace.packages_in("host");
    let mut programs = Vec::new();
    for package in
        workspace.metadata.packages.iter().filter(|package| host.contains(&package.name.to_string()))
    {
        for target in package.targets.iter().filter(|target| target.is_bin()) {
            programs.push((package.name.to_string(), target.name.clone()));
        }
    }
    programs
}

/// Adds the target for components where it is missing.
fn ensure_target(workspace: &Workspace) -> anyhow::Result<()> {
    // Asking the compiler also works where Rust came without rustup.
    let libraries =
        output(workspace.command("rustc").args(["--print", "target-libdir", "--target", WASM_TARGET]));
    if libraries.is_some_and(|path| Path::new(&path).is_dir()) {
        return Ok(());
    }
    run(workspace.command("rustup").args(["target", "add", WASM_TARGET]))
        .with_context(|| format!("plugins are built for {WASM_TARGET}; install that target of Rust"))
}

fn wasm_files(directory: &Path) -> anyhow::Result<Vec<(String, PathBuf)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if let Some(name) = path.file_name().and_then(|name| name.to_str()) {
            files.push((name.to_owned(), path.clone()));
        }
    }
    files.sort();
    Ok(files)
}

/// Makes a directory hold these files and no others. A file that is the same already is left alone, so that nothing is
/// built again for it.
fn lay_out(files: &[(String, PathBuf)], directory: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(directory)?;
    let wanted: BTreeSet<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if !entry.file_name().to_str().is_some_and(|name| wanted.contains(name)) {
            fs::remove_file(entry.path())?;
        }
    }
    for (name, from) in files {
        let Ok(bytes) = fs::read(from) else { bail!("the build did not leave {}", from.display()) };
        let to = directory.join(name);
        if fs::read(&to).ok().as_ref() != Some(&bytes) {
            fs::copy(from, &to).with_context(|| format!("{} can't be written", to.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::disallowed_methods, reason = "a test lays its files out plainly")]
    #[test]
    fn a_directory_is_made_to_hold_what_is_wanted_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        let from = root.path().join("built.wasm");
        let directory = root.path().join("plugins");
        fs::write(&from, "new").unwrap();
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join("stale.wasm"), "old").unwrap();
        lay_out(&[("a.wasm".to_owned(), from)], &directory).unwrap();
        assert_eq!(wasm_files(&directory).unwrap(), [("a.wasm".to_owned(), directory.join("a.wasm"))]);
        assert_eq!(fs::read_to_string(directory.join("a.wasm")).unwrap(), "new");
        let gone = root.path().join("gone.wasm");
        assert!(lay_out(&[("b.wasm".to_owned(), gone)], &directory).is_err());
    }
}
