//! A real telnetd (GNU inetutils), with a log-in of its own: what inetd would do for it.

use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Stdio};

/// The user and the password of the log-in.
pub(crate) const USER: &str = "operator-of-the-switch";
pub(crate) const PASSWORD: &str = "Tn-5e%a_9vQ";

/// What the user sees after the log-in, in the terminal that the server made.
const SHELL: &str = r#"
stty -echo 2>/dev/null
printf 'switch login: '
read -r user
printf 'Password: '
read -r password
stty echo 2>/dev/null
if [ "$user" = "$EXPECTED_USER" ] && [ "$password" = "$EXPECTED_PASSWORD" ]; then
    printf '\nwelcome to the switch\n'
    printf 'you said %s\n' "$password"
    PS1='switch> ' exec sh -i
fi
printf '\nLogin incorrect\n'
"#;

/// A server that is stopped when it is dropped.
pub(crate) struct Telnetd {
    pub(crate) port: u16,
}

impl Telnetd {
    pub(crate) fn start(room: &Path) -> Self {
        let program = "/usr/sbin/telnetd";
        assert!(Path::new(program).exists(), "{program} is needed; 'cargo xtask test' installs it");
        let login = room.join("login");
        let script = format!("#!/bin/sh\nEXPECTED_USER='{USER}'\nEXPECTED_PASSWORD='{PASSWORD}'\n{SHELL}");
        std::fs::write(&login, script).unwrap();
        std::fs::set_permissions(&login, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        // The thread lives as long as the test's process: what waits for a connection can't be asked to end.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = OwnedFd::from(stream.unwrap());
                let served = Command::new(program)
                    .arg("--no-hostinfo")
                    .arg(format!("--exec-login={}", login.display()))
                    .stdin(Stdio::from(stream.try_clone().unwrap()))
                    .stdout(Stdio::from(stream))
                    .stderr(Stdio::null())
                    .spawn();
                let mut served = served.unwrap();
                std::thread::spawn(move || served.wait());
            }
        });
        Self { port }
    }
}
