//! A real OpenSSH server on 127.0.0.1, with its own keys, that ends with the measure.
//!
//! It runs as the user of the measure and lets only that user in, by key. It offers one cipher.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use tempfile::TempDir;

/// The cipher that both sides use.
pub(crate) const CIPHER: &str = "aes256-gcm@openssh.com";

/// A running `sshd`.
pub(crate) struct Sshd {
    child: Child,
    home: TempDir,
    pub(crate) port: u16,
    /// The user that may log in.
    pub(crate) user: String,
}

impl Sshd {
    pub(crate) fn start() -> anyhow::Result<Self> {
        let program = ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/sbin/sshd"]
            .iter()
            .find(|path| Path::new(path).exists());
        let program = program.context("sshd is missing: install openssh-server")?;
        let home = tempfile::tempdir()?;
        for key in ["host_key", "user_key"] {
            let mut keygen = command("ssh-keygen");
            keygen.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(home.path().join(key));
            ensure!(keygen.status().context("install openssh-client")?.success(), "ssh-keygen failed");
        }
        let user = String::from_utf8(command("id").arg("-un").output()?.stdout)?.trim().to_owned();
        if user == "root" {
            // Debian's sshd wants this directory when it starts as root.
            fs::create_dir_all("/run/sshd")?;
        }
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        // With a home of its own, no shell reads what the user has set up, which can take longer than the measure.
        let configuration = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {home}/host_key\nAuthorizedKeysFile {home}/user_key.pub\n\
             StrictModes no\nUsePAM no\nPasswordAuthentication no\nPermitRootLogin yes\nPidFile none\nPrintMotd no\n\
             PrintLastLog no\nCompression no\nCiphers {CIPHER}\n\
             SetEnv HOME={home}\n",
            home = home.path().display()
        );
        write(&home.path().join("sshd_config"), configuration.as_bytes())?;
        let child = command(program)
            .args(["-D", "-e", "-f"])
            .arg(home.path().join("sshd_config"))
            .stderr(fs::File::create(home.path().join("sshd.log"))?)
            .spawn()?;
        let sshd = Self { child, home, port, user };
        let until = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            let said = || fs::read_to_string(sshd.path("sshd.log")).unwrap_or_default();
            ensure!(Instant::now() < until, "sshd does not listen: {}", said());
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(sshd)
    }

    /// The home of its files, for files of the measure too.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// The private key that logs in.
    pub(crate) fn user_key(&self) -> anyhow::Result<Vec<u8>> {
        Ok(fs::read(self.path("user_key"))?)
    }

    /// The host's public key: algorithm and base64.
    pub(crate) fn host_key(&self) -> anyhow::Result<String> {
        let line = fs::read_to_string(self.path("host_key.pub"))?;
        Ok(line.split(' ').take(2).collect::<Vec<_>>().join(" ").trim().to_owned())
    }

    /// OpenSSH's client, about to run a command there; what it shows is thrown away.
    pub(crate) fn client(&self, remote: &str) -> Command {
        let mut ssh = command("ssh");
        ssh.args([
            "-F",
            "none",
            "-T",
            "-o",
            "BatchMode=yes",
            "-o",
            "IdentitiesOnly=yes",
            "-o",
            "LogLevel=ERROR",
        ])
        .args(["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-c", CIPHER])
        .arg("-i")
        .arg(self.path("user_key"))
        .args(["-p", &self.port.to_string(), &format!("{}@127.0.0.1", self.user), remote])
        .stdout(Stdio::null());
        ssh
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn command(program: &str) -> Command {
    #[expect(clippy::disallowed_methods, reason = "the server and the peer are programs")]
    let mut command = Command::new(program);
    command.stdin(Stdio::null());
    command
}

/// Writes a file that nobody reads before the measure begins.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    #[expect(clippy::disallowed_methods, reason = "nobody reads this file before it is whole")]
    fs::write(path, bytes).with_context(|| format!("{} can't be written", path.display()))
}
