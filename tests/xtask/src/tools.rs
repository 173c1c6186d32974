//! Programs that the tests and measures work with: real servers and editors, peers, and asciinema's own player.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::workspace::{Workspace, output, run};

/// A program and the package (of Debian and its kin) that has it.
pub(crate) struct Tool {
    program: &'static str,
    package: &'static str,
}

/// What the tests need.
pub(crate) const OF_TESTS: [Tool; 33] = [
    Tool { program: "sshd", package: "openssh-server" },
    Tool { program: "ssh-keygen", package: "openssh-client" },
    Tool { program: "curl", package: "curl" },
    Tool { program: "tmux", package: "tmux" },
    Tool { program: "vim", package: "vim" },
    Tool { program: "htop", package: "htop" },
    Tool { program: "python3", package: "python3" },
    Tool { program: "pip3", package: "python3-pip" },
    Tool { program: "rsyslogd", package: "rsyslog" },
    Tool { program: "strace", package: "strace" },
    Tool { program: "prlimit", package: "util-linux" },
    Tool { program: "setpriv", package: "util-linux" },
    Tool { program: "dbus-daemon", package: "dbus-daemon" },
    Tool { program: "dbus-send", package: "dbus-bin" },
    Tool { program: "gnome-keyring-daemon", package: "gnome-keyring" },
    Tool { program: "faketime", package: "faketime" },
    Tool { program: "less", package: "less" },
    Tool { program: "zsh", package: "zsh" },
    Tool { program: "fish", package: "fish" },
    Tool { program: "mandoc", package: "mandoc" },
    Tool { program: "node", package: "nodejs" },
    Tool { program: "npm", package: "npm" },
    Tool { program: "minisign", package: "minisign" },
    Tool { program: "telnetd", package: "inetutils-telnetd" },
    Tool { program: "softhsm2-util", package: "softhsm2" },
    Tool { program: "pkcs11-tool", package: "opensc" },
    Tool { program: "Xvnc", package: "tigervnc-standalone-server" },
    Tool { program: "vncpasswd", package: "tigervnc-tools" },
    Tool { program: "x11vnc", package: "x11vnc" },
    Tool { program: "Xvfb", package: "xvfb" },
    Tool { program: "xterm", package: "xterm" },
    Tool { program: "xclip", package: "xclip" },
    Tool { program: "xwd", package: "x11-apps" },
];

/// What the measures need.
pub(crate) const OF_MEASURES: [Tool; 3] = [
    Tool { program: "sshd", package: "openssh-server" },
    Tool { program: "ssh", package: "openssh-client" },
    Tool { program: "keepassxc-cli", package: "keepassxc" },
];

/// asciinema's own player, exactly this version, which reads asciicast v3.
const PLAYER: &str = "asciinema-player@3.18.0";

/// Models of OCSF, made from its schema.
const OCSF_MODELS: &str = "pydantic-ocsf==3.0.0";

/// Makes components of Python.
const COMPONENTIZE: &str = "componentize-py==0.25.1";

/// What runs the fuzz targets.
const CARGO_FUZZ: &str = "cargo-fuzz@0.13.2";

/// Installs the programs that are missing. Prints nothing to standard output.
pub(crate) fn install(workspace: &Workspace, tools: &[Tool]) -> anyhow::Result<()> {
    let missing: Vec<&str> =
        tools.iter().filter(|tool| find(tool.program).is_none()).map(|tool| tool.package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.join(" ");
    let how = format!("these packages are needed: {names}");
    if find("apt-get").is_none() {
        bail!("{how}; install them");
    }
    let root = output(workspace.command("id").arg("-u")).as_deref() == Some("0");
    let sudo = !root && output(workspace.command("sudo").args(["-n", "true"])).is_some();
    if !root && !sudo {
        bail!("{how}; install them with: sudo apt-get install {names}");
    }
    let apt = |arguments: &[&str]| {
        let mut command = workspace.command(if sudo { "sudo" } else { "apt-get" });
        if sudo {
            command.args(["-n", "apt-get"]);
        }
        command.env("DEBIAN_FRONTEND", "noninteractive").args(arguments).stdout(std::io::stderr());
        run(&mut command)
    };
    apt(&["update", "--quiet"]).with_context(|| how.clone())?;
    let install = ["install", "--yes", "--quiet", "--no-install-recommends"];
    apt(&[install.as_slice(), missing.as_slice()].concat()).context(how)
}

/// Installs cargo-fuzz, where it is missing.
pub(crate) fn cargo_fuzz(workspace: &Workspace) -> anyhow::Result<()> {
    if output(workspace.cargo().args(["fuzz", "--version"])).is_some() {
        return Ok(());
    }
    run(workspace.cargo().args(["install", "--locked", CARGO_FUZZ]))
        .with_context(|| format!("fuzzing needs {CARGO_FUZZ}"))
}

/// Installs asciinema's own player into the target directory, and returns where, with the script that plays a file with
/// it.
pub(crate) fn asciinema_player(workspace: &Workspace) -> anyhow::Result<PathBuf> {
    let directory = workspace.target.join("test-tools");
    std::fs::create_dir_all(&directory)?;
    let script = workspace.root.join("tests/xtask/tools/play-asciicast.mjs");
    let installed = directory.join("play-asciicast.mjs");
    std::fs::copy(&script, &installed).with_context(|| format!("{} is missing", script.display()))?;
    let version = PLAYER.rsplit('@').next().unwrap_or_default();
    let manifest = directory.join("node_modules/asciinema-player/package.json");
    let present = std::fs::read_to_string(manifest)
        .is_ok_and(|text| text.contains(&format!("\"version\": \"{version}\"")));
    if !present {
        let mut npm = workspace.command("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--no-save", "--ignore-scripts", "--prefix"]);
        run(npm.arg(&directory).arg(PLAYER))
            .with_context(|| format!("the tests play recordings with {PLAYER}, which npm can't install"))?;
    }
    Ok(directory)
}

/// Installs models of OCSF into the directory of the tests' tools, with the script that checks events with them.
pub(crate) fn ocsf_models(workspace: &Workspace, tools: &Path) -> anyhow::Result<()> {
    let script = workspace.root.join("tests/xtask/tools/check-ocsf.py");
    std::fs::copy(&script, tools.join("check-ocsf.py"))
        .with_context(|| format!("{} is missing", script.display()))?;
    let modules = tools.join("python");
    let installed = OCSF_MODELS.replace('-', "_").replace("==", "-") + ".dist-info";
    if modules.join(installed).is_dir() {
        return Ok(());
    }
    let mut pip = workspace.command("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--no-input", "--upgrade", "--target"]).arg(&modules);
    run(pip.arg(OCSF_MODELS))
        .with_context(|| format!("the tests check events with {OCSF_MODELS}, which pip can't install"))
}

/// Installs what makes components of Python into the directory of the tests' tools.
pub(crate) fn componentize(workspace: &Workspace, tools: &Path) -> anyhow::Result<()> {
    let modules = tools.join("componentize");
    let installed = COMPONENTIZE.replace('-', "_").replace("==", "-") + ".dist-info";
    if modules.join(installed).is_dir() {
        return Ok(());
    }
    let mut pip = workspace.command("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--no-input", "--upgrade", "--target"]).arg(&modules);
    run(pip.arg(COMPONENTIZE)).with_context(|| {
        format!("the tests build the example in Python with {COMPONENTIZE}, which pip can't install")
    })
}

/// Finds a program in PATH, and where system administrators have theirs.
fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin", "/usr/local/sbin"].map(PathBuf::from))
        .map(|directory| directory.join(program))
        .find(|file| file.is_file())
}
