//! A native plugin for tests: `browse` takes the name of what it tries as the folder, and its one entry's name says what came of it.
//! Never does anything outside of the process that it runs in unless the confinement fails.
#![expect(
    unsafe_code,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "what it tries is what plugins must not do"
)]

use ostler_sdk_native::{
    CredentialSource, Description, Entry, Failure, FailureKind, LeasedSecret, Secrets, Settings,
};

struct Guest;

ostler_sdk_native::export_credential_source!(Guest);

impl CredentialSource for Guest {
    fn browse(settings: &Settings, attempt: Option<&str>) -> Result<Vec<Entry>, Failure> {
        let (what, path) =
            attempt.unwrap_or_default().split_once(' ').unwrap_or((attempt.unwrap_or_default(), ""));
        let tried = match what {
            "abort" => std::process::abort(),
            "exit" => std::process::exit(3),
            "panic" => by_panic(),
            "null" => {
                // SAFETY: it is not: that is the attempt.
                unsafe { std::ptr::null_mut::<u8>().write_volatile(1) };
                "survived".to_owned()
            }
            "loop" => loop {
                std::hint::spin_loop();
            },
            "memory" => {
                let mut held: Vec<Vec<u8>> = Vec::new();
                loop {
                    held.push(vec![1; 16 << 20]);
                }
            }
            "answer" => {
                return Ok(vec![Entry {
                    reference: "x".repeat(2 << 20),
                    name: String::new(),
                    folder: false,
                }]);
            }
            "print" => {
                println!("this must not reach the host as an answer");
                "printed".to_owned()
            }
            "read" => say(std::fs::read(path).map(|bytes| format!("{} bytes", bytes.len()))),
            "write" => say(std::fs::write(path, b"x").map(|()| "wrote".to_owned())),
            "connect" => say(std::net::TcpStream::connect(path).map(|_| "connected".to_owned())),
            "listen" => say(std::net::TcpListener::bind("127.0.0.1:0").map(|_| "listening".to_owned())),
            "execute" => {
                say(std::process::Command::new("/bin/true").status().map(|status| status.to_string()))
            }
            // SAFETY: the child ends at once.
            "fork" => match unsafe { libc::fork() } {
                -1 => say(Err(std::io::Error::last_os_error())),
                // SAFETY: as above.
                0 => unsafe { libc::_exit(0) },
                _ => "forked".to_owned(),
            },
            // SAFETY: signal 0 only asks whether it could be sent.
            "kill" => match unsafe { libc::kill(libc::getppid(), 0) } {
                0 => "reached".to_owned(),
                _ => say(Err(std::io::Error::last_os_error())),
            },
            "thread" => {
                say(std::thread::Builder::new().spawn(|| 7).map(|thread| format!("{:?}", thread.join().ok())))
            }
            "environment" => format!("{:?}", std::env::vars_os().collect::<Vec<_>>()),
            "descriptors" => {
                // SAFETY: it only asks for the flags.
                let open = (0..64).filter(|fd| unsafe { libc::fcntl(*fd, libc::F_GETFD) } != -1);
                format!("{:?}", open.collect::<Vec<i32>>())
            }
            "settings" => format!("{settings:?}"),
            _ => "nothing".to_owned(),
        };
        Ok(vec![Entry { reference: what.to_owned(), name: tried, folder: false }])
    }

    fn describe(_: &Settings, reference: &str) -> Result<Description, Failure> {
        Err(Failure { kind: FailureKind::NotFound, text: format!("there is no '{reference}'\u{1b}[31m") })
    }

    fn acquire(_: &Settings, _: &str, _: &str, _: &Secrets) -> Result<Vec<LeasedSecret>, Failure> {
        Ok(Vec::new())
    }
}

fn say(tried: std::io::Result<String>) -> String {
    tried.unwrap_or_else(|error| format!("refused: {:?}", error.kind()))
}

#[expect(clippy::panic, reason = "the attempt")]
fn by_panic() -> String {
    panic!("at once")
}
