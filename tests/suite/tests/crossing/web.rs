//! A web server for tests, which keeps all that it was sent.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A server on this machine:
/// * `/items` answers with JSON, in which `echo` is the header `x-token` that it was sent;
/// * `/to?URL` redirects;
/// * `/file` answers with text, and the header at its end;
/// * `/hold` answers when it is let.
pub(crate) struct Web {
    pub(crate) port: u16,
    seen: Arc<Mutex<Vec<String>>>,
    held: Receiver<Sender<()>>,
}

impl Web {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::<Mutex<Vec<String>>>::default();
        let (hold, held) = channel();
        let to = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (seen, hold) = (Arc::clone(&to), hold.clone());
                std::thread::spawn(move || answer(stream.unwrap(), &seen, &hold));
            }
        });
        Self { port, seen, held }
    }

    pub(crate) fn url(&self, rest: &str) -> String {
        format!("http://127.0.0.1:{}{rest}", self.port)
    }

    /// Returns what it was sent: heads and bodies.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    /// Waits until somebody asks for `/hold`, does something, and lets it be answered.
    pub(crate) fn while_it_holds<T>(&self, does: impl FnOnce() -> T) -> T {
        let release = self.held.recv_timeout(Duration::from_secs(60)).unwrap();
        let done = does();
        release.send(()).unwrap();
        done
    }
}

/// Answers one request. A client that goes away is none of the server's business.
fn answer(stream: TcpStream, seen: &Mutex<Vec<String>>, hold: &Sender<Sender<()>>) {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).unwrap_or_default() == 0 {
            return;
        }
    }
    let lower = head.to_ascii_lowercase();
    let value = |name: &str| lower.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    let mut body = vec![0; value("content-length: ").parse().unwrap_or_default()];
    if reader.read_exact(&mut body).is_err() {
        return;
    }
    seen.lock().unwrap().push(format!("{head}{}", String::from_utf8_lossy(&body)));
    let echo = head.lines().find(|line| line.starts_with("x-token:")).unwrap_or_default();
    let path = head.split(' ').nth(1).unwrap_or_default();
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let (status, more, body) = match path {
        "/to" => ("302 Found", format!("location: {query}\r\n"), String::new()),
        "/file" => ("200 OK", String::new(), format!("all of it {echo}")),
        "/hold" => {
            let (release, released) = channel();
            hold.send(release).unwrap();
            released.recv().ok();
            ("200 OK", String::new(), String::new())
        }
        _ => {
            let body =
                format!(r#"{{"items":[{{"name":"words-of-the-server"}}],"token":"t0ken","echo":"{echo}"}}"#);
            ("200 OK", String::new(), body)
        }
    };
    let head =
        format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n{more}\r\n", body.len());
    let stream = reader.get_mut();
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes())).ok();
}
