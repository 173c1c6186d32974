//! From a host name to a TCP connection: every address in turn, and the failure that tells most.

use std::io::{self, ErrorKind};
use std::net::{Shutdown, SocketAddr};

use ostler_core::{Endpoint, SessionError};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use crate::deadline::Deadline;

/// Cuts the wire when it is dropped, wherever the protocol's own task is at that moment.
#[derive(Debug)]
pub(crate) struct WireCutter(std::net::TcpStream);

impl WireCutter {
    /// Cuts the wire; a second time does nothing.
    pub(crate) fn cut(&self) {
        if let Err(error) = self.0.shutdown(Shutdown::Both) {
            tracing::trace!(%error, "the wire was cut already");
        }
    }
}

impl Drop for WireCutter {
    fn drop(&mut self) {
        self.cut();
    }
}

/// Connects to the first address of the host that answers.
pub(crate) async fn connect(
    target: &Endpoint,
    deadline: &Deadline,
) -> Result<(TcpStream, WireCutter), SessionError> {
    let unknown = || SessionError::UnknownHost { host: target.host.clone() };
    let addresses: Vec<SocketAddr> = match lookup_host((target.host.as_str(), target.port)).await {
        Ok(addresses) => addresses.collect(),
        Err(error) => {
            tracing::debug!(%error, host = target.host, "the host name was not resolved");
            return Err(unknown());
        }
    };
    let mut worst = None;
    for (index, address) in addresses.iter().enumerate() {
        // An address that does not answer leaves their share of the time to those after it.
        let left = u32::try_from(addresses.len().saturating_sub(index)).unwrap_or(u32::MAX).max(1);
        let attempt = timeout(deadline.remaining() / left, TcpStream::connect(address)).await;
        match attempt.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into())).and_then(with_cutter) {
            Ok(wire) => {
                tracing::debug!(%address, "connected");
                return Ok(wire);
            }
            Err(error) => {
                tracing::debug!(%address, %error, "no connection");
                worst = most_telling(worst, error);
            }
        }
    }
    let Some(error) = worst else { return Err(unknown()) };
    let target = target.clone();
    Err(match error.kind() {
        ErrorKind::ConnectionRefused => SessionError::Refused { target },
        _ => SessionError::Unreachable { target, cause: error.to_string() },
    })
}

fn with_cutter(stream: TcpStream) -> io::Result<(TcpStream, WireCutter)> {
    stream.set_nodelay(true)?;
    let stream = stream.into_std()?;
    let cutter = WireCutter(stream.try_clone()?);
    Ok((TcpStream::from_std(stream)?, cutter))
}

/// Of two failures at two addresses, returns the one that says more about the host.
fn most_telling(known: Option<io::Error>, new: io::Error) -> Option<io::Error> {
    let telling = |error: &io::Error| match error.kind() {
        ErrorKind::ConnectionRefused => 2,
        ErrorKind::TimedOut => 1,
        _ => 0,
    };
    match known {
        Some(known) if telling(&known) >= telling(&new) => Some(known),
        _ => Some(new),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_tells_more_than_a_missing_route() {
        let worst = most_telling(None, ErrorKind::NetworkUnreachable.into());
        let worst = most_telling(worst, ErrorKind::ConnectionRefused.into());
        let worst = most_telling(worst, ErrorKind::TimedOut.into());
        assert_eq!(worst.unwrap().kind(), ErrorKind::ConnectionRefused);
    }
}
