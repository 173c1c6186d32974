//! The handshake: key exchange, the check of the host's key, and what the wire says about its own end.

use std::sync::{Arc, Mutex, PoisonError};

use ostler_core::{
    EndReason, Endpoint, HostKey, HostKeyDecision, HostKeyVerifier, SessionContext, SessionError,
};
use russh::client::{self, ChannelOpenHandle, Config, DisconnectReason, Handle, Msg, Session};
use russh::keys::{HashAlg, PublicKeyOrCertificate};
use russh::{Channel, ChannelId};
use tokio::net::TcpStream;

use crate::deadline::Deadline;
use crate::ending::Ending;
use crate::text;

/// The most bytes of a banner that are kept.
const LONGEST_BANNER: usize = 16 * 1024;

/// What the server wanted to be read before the log-in.
pub(crate) type Banner = Arc<Mutex<String>>;

/// Why the protocol's task ended.
#[derive(Debug)]
pub(crate) enum WireFault {
    /// The host's key was not accepted.
    HostKey { reason: String, changed: bool },
    /// Anything else.
    Protocol(russh::Error),
}

impl From<russh::Error> for WireFault {
    fn from(error: russh::Error) -> Self {
        Self::Protocol(error)
    }
}

/// The client's side of a connection, as russh calls it.
pub(crate) struct Client {
    target: Endpoint,
    host_keys: Arc<dyn HostKeyVerifier>,
    deadline: Arc<Deadline>,
    ending: Arc<Ending>,
    banner: Banner,
}

/// Exchanges keys and has the host's key checked. The check is off the clock, because it may ask a person.
pub(crate) async fn shake_hands(
    stream: TcpStream,
    config: Arc<Config>,
    target: &Endpoint,
    context: &SessionContext,
    deadline: &Arc<Deadline>,
    ending: &Arc<Ending>,
) -> Result<(Handle<Client>, Banner), SessionError> {
    let banner = Banner::default();
    let client = Client {
        target: target.clone(),
        host_keys: Arc::clone(&context.host_keys),
        deadline: Arc::clone(deadline),
        ending: Arc::clone(ending),
        banner: Arc::clone(&banner),
    };
    match client::connect_stream(config, stream, client).await {
        Ok(handle) => Ok((handle, banner)),
        Err(WireFault::HostKey { reason, changed }) => {
            Err(SessionError::HostKey { target: target.clone(), reason, changed })
        }
        Err(WireFault::Protocol(error)) => {
            Err(SessionError::Protocol { target: target.clone(), cause: cause_of(&error) })
        }
    }
}

/// Says what went wrong in a handshake.
fn cause_of(error: &russh::Error) -> String {
    match error {
        russh::Error::Disconnect | russh::Error::HUP | russh::Error::IO(_) => {
            "it ended the connection during the handshake".to_owned()
        }
        russh::Error::NoCommonAlgo { kind, theirs, .. } => {
            let kind = match kind {
                russh::AlgorithmKind::Kex => "key exchange",
                russh::AlgorithmKind::Key => "host key",
                russh::AlgorithmKind::Cipher => "cipher",
                russh::AlgorithmKind::Compression => "compression",
                russh::AlgorithmKind::Mac => "MAC",
            };
            text::one_line(&format!("no common {kind} algorithm, it offers {}", theirs.join(", ")))
        }
        other => text::one_line(&other.to_string()),
    }
}

fn end_of(error: &russh::Error) -> EndReason {
    match error {
        russh::Error::KeepaliveTimeout => EndReason::NoAnswer,
        // How russh ends a log-in for which the server offers no method any more.
        russh::Error::NoAuthMethod => EndReason::ClosedByServer(String::new()),
        russh::Error::Disconnect | russh::Error::HUP => {
            EndReason::ConnectionLost("the server ended it without a word".to_owned())
        }
        russh::Error::IO(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            EndReason::ConnectionLost("the server ended it without a word".to_owned())
        }
        other => EndReason::ConnectionLost(text::one_line(&other.to_string())),
    }
}

fn host_key(key: &PublicKeyOrCertificate) -> Result<HostKey, WireFault> {
    let PublicKeyOrCertificate::PublicKey { key, .. } = key else {
        // Not asked for, so a server that sends one breaks the protocol.
        return Err(russh::Error::UnknownKey.into());
    };
    let line = key.to_openssh().map_err(russh::Error::from)?;
    // The key's own type: RSA keys are `ssh-rsa`, whichever hash signs.
    let mut words = line.split_whitespace();
    let (Some(algorithm), Some(base64)) = (words.next(), words.next()) else {
        return Err(russh::Error::UnknownKey.into());
    };
    Ok(HostKey {
        algorithm: algorithm.to_owned(),
        openssh: format!("{algorithm} {base64}"),
        fingerprint: key.fingerprint(HashAlg::Sha256).to_string(),
    })
}

impl client::Handler for Client {
    type Error = WireFault;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, WireFault> {
        let key = host_key(key)?;
        tracing::debug!(target = %self.target, fingerprint = key.fingerprint, "the host showed its key");
        let decision = self.deadline.off_the_clock(self.host_keys.verify(&self.target, &key)).await;
        match decision {
            HostKeyDecision::Accept => Ok(true),
            HostKeyDecision::Reject { reason, changed } => Err(WireFault::HostKey { reason, changed }),
        }
    }

    async fn auth_banner(&mut self, words: &str, _session: &mut Session) -> Result<(), WireFault> {
        let mut banner = self.banner.lock().unwrap_or_else(PoisonError::into_inner);
        let left = LONGEST_BANNER.saturating_sub(banner.len());
        banner.extend(text::lines(words).chars().take(left));
        Ok(())
    }

    async fn channel_close(&mut self, _channel: ChannelId, _session: &mut Session) -> Result<(), WireFault> {
        self.ending.channel_closed();
        Ok(())
    }

    // A server opens no channels here: nothing was forwarded. Dropping the reply refuses them; russh would accept.

    async fn server_channel_open_forwarded_tcpip(
        &mut self,
        _channel: Channel<Msg>,
        _connected_address: &str,
        _connected_port: u32,
        _originator_address: &str,
        _originator_port: u32,
        _reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), WireFault> {
        Ok(())
    }

    async fn server_channel_open_forwarded_streamlocal(
        &mut self,
        _channel: Channel<Msg>,
        _socket_path: &str,
        _reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), WireFault> {
        Ok(())
    }

    async fn server_channel_open_agent_forward(
        &mut self,
        _channel: Channel<Msg>,
        _reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), WireFault> {
        Ok(())
    }

    async fn server_channel_open_session(
        &mut self,
        _channel: Channel<Msg>,
        _reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), WireFault> {
        Ok(())
    }

    async fn server_channel_open_direct_tcpip(
        &mut self,
        _channel: Channel<Msg>,
        _host_to_connect: &str,
        _port_to_connect: u32,
        _originator_address: &str,
        _originator_port: u32,
        _reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), WireFault> {
        Ok(())
    }

    async fn server_channel_open_direct_streamlocal(
        &mut self,
        _channel: Channel<Msg>,
        _socket_path: &str,
        _reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), WireFault> {
        Ok(())
    }

    async fn server_channel_open_x11(
        &mut self,
        _channel: Channel<Msg>,
        _originator_address: &str,
        _originator_port: u32,
        _reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), WireFault> {
        Ok(())
    }

    async fn disconnected(&mut self, reason: DisconnectReason<WireFault>) -> Result<(), WireFault> {
        self.ending.wire_gone(match &reason {
            DisconnectReason::ReceivedDisconnect(words) => {
                EndReason::ClosedByServer(text::one_line(&words.message))
            }
            DisconnectReason::Error(WireFault::Protocol(error)) => end_of(error),
            DisconnectReason::Error(WireFault::HostKey { reason, .. }) => {
                EndReason::ConnectionLost(reason.clone())
            }
        });
        Ok(())
    }
}
