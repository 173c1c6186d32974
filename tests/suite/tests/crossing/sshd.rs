//! A real OpenSSH server on 127.0.0.1, with its own keys and configuration, that ends with the test.
//!
//! It runs as the user of the test and lets only that user in, by key.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running `sshd`.
pub(crate) struct Sshd {
    child: Child,
    pub(crate) port: u16,
    /// The private key that logs in.
    pub(crate) key: PathBuf,
    pub(crate) user: String,
}

impl Sshd {
    pub(crate) fn start(home: &Path) -> Self {
        let program = ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/sbin/sshd"]
            .into_iter()
            .find(|path| Path::new(path).exists());
        let program = program.expect("sshd is missing: install openssh-server");
        let (host_key, key) = (home.join("host_key"), home.join("user_key"));
        for path in [&host_key, &key] {
            let made =
                Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(path).status();
            assert!(made.expect("ssh-keygen is missing: install openssh-client").success());
        }
        fs::copy(key.with_extension("pub"), home.join("authorized_keys")).unwrap();
        let user = output("id", &["-un"]);
        if user == "root" {
            // Debian's sshd wants this directory when it starts as root.
            fs::create_dir_all("/run/sshd").unwrap();
        }
        let port = free_port();
        let configuration = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nStrictModes no\nUsePAM no\n\
             PasswordAuthentication no\nPermitRootLogin yes\nPidFile none\nPrintMotd no\nPrintLastLog no\n",
            host_key.display(),
            home.join("authorized_keys").display()
        );
        let file = home.join("sshd_config");
        fs::write(&file, configuration).unwrap();
        let child = Command::new(program)
            .args(["-D", "-e", "-f"])
            .arg(&file)
            .stdin(Stdio::null())
            .stderr(fs::File::create(home.join("sshd.log")).unwrap())
            .spawn()
            .unwrap();
        let sshd = Self { child, port, key, user };
        let until = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert!(
                Instant::now() < until,
                "sshd does not listen: {}",
                fs::read_to_string(home.join("sshd.log")).unwrap()
            );
            std::thread::yield_now();
        }
        sshd
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
