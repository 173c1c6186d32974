//! A small web server for tests, in the clear or over TLS, and a proxy.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What a server was sent: the head's lines, and the body.
pub(crate) type Seen = Arc<Mutex<Vec<(Vec<String>, String)>>>;

/// A server, with all that it was sent.
pub(crate) struct Web {
    pub(crate) port: u16,
    pub(crate) seen: Seen,
    /// The certificate of its issuer (PEM), where it speaks TLS.
    pub(crate) issuer: Vec<u8>,
}

impl Web {
    pub(crate) fn start() -> Self {
        Self::serve(None, Vec::new())
    }

    /// Speaks TLS, as `host`, with a certificate of an issuer of its own.
    pub(crate) fn over_tls(host: &str) -> Self {
        let mut parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let issuer_key = rcgen::KeyPair::generate().unwrap();
        let issuer_certificate = parameters.self_signed(&issuer_key).unwrap();
        let issuer = rcgen::Issuer::new(parameters, issuer_key);
        let key = rcgen::KeyPair::generate().unwrap();
        let own =
            rcgen::CertificateParams::new(vec![host.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![own.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
            .unwrap();
        Self::serve(Some(Arc::new(config)), issuer_certificate.pem().into_bytes())
    }

    fn serve(tls: Option<Arc<ServerConfig>>, issuer: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Seen::default();
        let to = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, tls, seen) = (stream.unwrap(), tls.clone(), Arc::clone(&to));
                std::thread::spawn(move || match tls {
                    None => answer(stream, &seen),
                    Some(config) => {
                        answer(StreamOwned::new(ServerConnection::new(config).unwrap(), stream), &seen);
                    }
                });
            }
        });
        Self { port, seen, issuer }
    }

    pub(crate) fn requests(&self) -> Vec<(Vec<String>, String)> {
        self.seen.lock().unwrap().clone()
    }
}

/// Answers one request. A client that goes away is none of the server's business.
fn answer(stream: impl Read + Write, seen: &Seen) {
    let mut stream = BufReader::new(stream);
    let Some((head, body)) = request(&mut stream) else { return };
    let path = head[0].split(' ').nth(1).unwrap().to_owned();
    let sent =
        head.iter().find_map(|line| line.to_ascii_lowercase().starts_with("x-token:").then(|| line.clone()));
    seen.lock().unwrap().push((head, body));
    let (path, query) = path.split_once('?').unwrap_or((&path, ""));
    let (status, more, body) = match path {
        "/to" => ("302 Found", format!("location: {query}\r\n"), String::new()),
        "/file" => ("200 OK", String::new(), "file ".repeat(1000)),
        _ => {
            let echo = sent.unwrap_or_default();
            let body = format!(
                r#"{{"items":[{{"name":"a","price":7}},{{"name":"b"}}],"token":"t0ken-of-the-answer","echo":"{echo}"}}"#
            );
            ("200 OK", "x-served-by: test\r\nset-cookie: secret=1\r\n".to_owned(), body)
        }
    };
    let head =
        format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n{more}\r\n", body.len());
    let stream = stream.get_mut();
    stream
        .write_all(head.as_bytes())
        .and_then(|()| stream.write_all(body.as_bytes()))
        .and_then(|()| stream.flush())
        .ok();
}

fn request(stream: &mut BufReader<impl Read>) -> Option<(Vec<String>, String)> {
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_owned();
        if line.is_empty() {
            break;
        }
        head.push(line);
    }
    let length =
        head.iter().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).ok()?;
    Some((head, String::from_utf8(body).unwrap()))
}

/// A proxy that leads every host to this machine, and tells which it was asked for.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let to = Arc::clone(&asked);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (client, asked) = (client.unwrap(), Arc::clone(&to));
                std::thread::spawn(move || lead(client, &asked));
            }
        });
        Self { port, asked }
    }
}

fn lead(client: TcpStream, asked: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(client.try_clone().unwrap());
    let Some((head, _)) = request(&mut reader) else { return };
    asked.lock().unwrap().push(head[0].clone());
    let target = head[0].split(' ').nth(1).unwrap();
    let port = target
        .trim_start_matches("http://")
        .split('/')
        .next()
        .unwrap()
        .rsplit_once(':')
        .unwrap()
        .1
        .to_owned();
    let mut server = TcpStream::connect(("127.0.0.1", port.parse::<u16>().unwrap())).unwrap();
    let mut client_out = client.try_clone().unwrap();
    if head[0].starts_with("CONNECT") {
        client_out.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
    } else {
        let path = target.trim_start_matches("http://").split_once('/').unwrap().1;
        server.write_all(format!("GET /{path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).unwrap();
    }
    let mut server_in = server.try_clone().unwrap();
    std::thread::spawn(move || std::io::copy(&mut server_in, &mut client_out));
    std::io::copy(&mut reader, &mut server).ok();
}
