//! Where exported events go: a file, or a socket of a log server. Knows bytes and framing, nothing of events.
//!
//! [`Sink::take`] returns when the other side has what it was given, as far as it tells: a file when it is on the disk, a
//! stream when the server has read it to its end and closed. A datagram is only sent; nobody says whether it came.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::net::{Shutdown, TcpStream, ToSocketAddrs as _, UdpSocket};
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How long a log server may take for one step.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where events go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SinkAddress {
    /// A file that they are added to.
    File(PathBuf),
    /// A server's TCP port, as `host:port`.
    Tcp(String),
    /// A server's UDP port, as `host:port`.
    Udp(String),
    /// A datagram socket on this machine, such as `/dev/log`.
    Unix(PathBuf),
}

impl fmt::Display for SinkAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Tcp(address) => write!(f, "tcp://{address}"),
            Self::Udp(address) => write!(f, "udp://{address}"),
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
        }
    }
}

impl FromStr for SinkAddress {
    type Err = &'static str;

    /// Takes `tcp://HOST:PORT`, `udp://HOST:PORT` or `unix:///PATH`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let with_port = |address: &str| match address.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => Ok(address.to_owned()),
            _ => Err("expected a host and a port, such as tcp://127.0.0.1:514"),
        };
        match text.split_once("://") {
            Some(("tcp", address)) => Ok(Self::Tcp(with_port(address)?)),
            Some(("udp", address)) => Ok(Self::Udp(with_port(address)?)),
            Some(("unix", path)) if path.starts_with('/') => Ok(Self::Unix(path.into())),
            _ => Err("expected tcp://HOST:PORT, udp://HOST:PORT or unix:///PATH"),
        }
    }
}

/// How messages are told apart in a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// Each ends with a line break.
    Lines,
    /// Each begins with its length (RFC 6587, octet counting).
    OctetCounting,
}

/// Takes messages in batches.
pub(super) struct Sink {
    address: SinkAddress,
    framing: Framing,
}

impl Sink {
    pub(super) const fn new(address: SinkAddress, framing: Framing) -> Self {
        Self { address, framing }
    }

    /// Hands messages over. A failure may leave some of them there: they are sent again then.
    pub(super) fn take(&self, messages: &[String]) -> io::Result<()> {
        match &self.address {
            SinkAddress::File(path) => {
                let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
                // A pipe has no end to look at, and can't be synced.
                if !file.metadata()?.is_file() {
                    return file.write_all(&framed(messages, Framing::Lines));
                }
                mend(path, &mut file, messages)?;
                file.write_all(&framed(messages, Framing::Lines))?;
                file.sync_data()
            }
            SinkAddress::Tcp(address) => {
                let mut stream = connect(address)?;
                stream.write_all(&framed(messages, self.framing))?;
                // Bytes that were written may still be lost with the server. That it closes its side after all of ours was
                // read is the only receipt that there is.
                stream.shutdown(Shutdown::Write)?;
                io::copy(&mut stream.take(64 * 1024), &mut io::sink()).map(|_| ())
            }
            SinkAddress::Udp(address) => {
                let target = first(address)?;
                let socket = UdpSocket::bind(if target.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" })?;
                socket.connect(target)?;
                messages.iter().try_for_each(|message| socket.send(message.as_bytes()).map(|_| ()))
            }
            SinkAddress::Unix(path) => {
                let socket = UnixDatagram::unbound()?;
                socket.set_write_timeout(Some(PATIENCE))?;
                socket.connect(path)?;
                messages.iter().try_for_each(|message| socket.send(message.as_bytes()).map(|_| ()))
            }
        }
    }
}

fn framed(messages: &[String], framing: Framing) -> Vec<u8> {
    let frame = |message: &String| match framing {
        Framing::Lines => format!("{message}\n"),
        Framing::OctetCounting => format!("{} {message}", message.len()),
    };
    messages.iter().map(frame).collect::<String>().into_bytes()
}

/// Sees to it that a file ends with a whole line, whatever was cut off there: half of a message that comes again is taken
/// away, and after anything else the line is ended.
fn mend(path: &Path, file: &mut File, messages: &[String]) -> io::Result<()> {
    let length = file.metadata()?.len();
    let longest = messages.iter().map(String::len).max().unwrap_or(0);
    let start = length.saturating_sub(u64::try_from(longest).unwrap_or(u64::MAX).saturating_add(1));
    let mut tail = Vec::new();
    let mut reader = File::open(path)?;
    reader.seek(SeekFrom::Start(start))?;
    reader.take(length - start).read_to_end(&mut tail)?;
    let begun = tail.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    if begun.is_empty() {
        return Ok(());
    }
    let at = length.saturating_sub(u64::try_from(begun.len()).unwrap_or(u64::MAX));
    let whole_before = at == 0 || at > start;
    if whole_before && messages.iter().any(|message| message.as_bytes().starts_with(begun)) {
        return file.set_len(at);
    }
    file.write_all(b"\n")
}

fn connect(address: &str) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&first(address)?, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

fn first(address: &str) -> io::Result<std::net::SocketAddr> {
    let found = address.to_socket_addrs()?.next();
    found.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the host has no address"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_url_of_a_kind_that_is_known() {
        let same = |text: &str| text.parse::<SinkAddress>().map(|address| address.to_string());
        for text in ["tcp://127.0.0.1:514", "udp://[::1]:514", "udp://log.example:514", "unix:///dev/log"] {
            assert_eq!(same(text), Ok(text.to_owned()));
        }
        for text in
            ["", "tcp://log.example", "tls://log.example:6514", "unix://log", "tcp://:514", "/dev/log"]
        {
            assert!(same(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_file_that_was_cut_off_goes_on_with_a_whole_line() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("events");
        let sink = Sink::new(SinkAddress::File(path.clone()), Framing::Lines);
        let messages = ["first".to_owned(), "second".to_owned()];
        for (before, after) in [
            ("", "first\nsecond\n"),
            ("older\n", "older\nfirst\nsecond\n"),
            ("fir", "first\nsecond\n"),
            ("older\nfirst\nsec", "older\nfirst\nfirst\nsecond\n"),
            ("older\nfirst\nsecond", "older\nfirst\nfirst\nsecond\n"),
            ("of somebody else", "of somebody else\nfirst\nsecond\n"),
            ("is not first\nnor second", "is not first\nnor second\nfirst\nsecond\n"),
        ] {
            File::create(&path).unwrap().write_all(before.as_bytes()).unwrap();
            sink.take(&messages).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), after, "{before:?}");
        }
    }

    #[test]
    fn messages_with_their_lengths_need_no_line_breaks() {
        let messages = ["<110>1 ä".to_owned(), "b".to_owned()];
        assert_eq!(framed(&messages, Framing::OctetCounting), "9 <110>1 ä1 b".as_bytes());
        assert_eq!(framed(&messages, Framing::Lines), "<110>1 ä\nb\n".as_bytes());
    }
}
