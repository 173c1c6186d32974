//! Sessions: what an engine implements, what it needs, and what it reports.
//!
//! Reading drives a session: whoever does not ask for the next event makes the remote end wait, so no queue
//! grows. This crate names no protocol library and no async runtime.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    BoxFuture, ChallengeAlgorithm, DesktopEvent, DesktopSize, Endpoint, KeyInput, PointerInput, Prompter,
    SecretBytes, SessionPlan, Sink, SlotName,
};

/// Carries out plans of one protocol.
pub trait SessionEngine: Send + Sync {
    /// Returns the protocol, as [`SessionPlan::protocol`] names it.
    fn protocol(&self) -> &'static str;

    /// Opens the session: connects, checks the host, logs in, starts what the plan says.
    ///
    /// Dropping the future closes the wire.
    fn open<'a>(
        &'a self,
        plan: &'a SessionPlan,
        context: SessionContext,
    ) -> BoxFuture<'a, Result<OpenedSession, SessionError>>;
}

/// What an engine may ask while a session opens.
#[derive(Clone)]
pub struct SessionContext {
    /// Opens slots, for the places that their sinks allow.
    pub secrets: Arc<dyn SecretInjector>,
    /// Decides about host keys and certificates.
    pub host_keys: Arc<dyn HostKeyVerifier>,
    /// Asks the person, where the server does.
    pub prompter: Arc<dyn Prompter>,
    /// The terminal, where there is one to show the session on.
    pub terminal: TerminalSize,
    /// The terminal's type, such as `xterm-256color`.
    pub terminal_type: String,
}

/// The size of a terminal in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TerminalSize {
    /// Characters in a row.
    pub columns: u16,
    /// Rows.
    pub rows: u16,
}

/// An open session, split so that reading and writing don't wait for each other.
pub struct OpenedSession {
    /// What the session shows.
    pub events: Box<dyn SessionEvents>,
    /// What the user does.
    pub control: Box<dyn SessionControl>,
}

/// The reading half.
pub trait SessionEvents: Send {
    /// Waits for the next event. After [`SessionEvent::Ended`] it returns that again.
    fn next(&mut self) -> BoxFuture<'_, SessionEvent>;
}

/// The writing half. Dropping it does not close the session; `SessionInput::Close` does.
pub trait SessionControl: Send {
    /// Sends what the user did; waits while the remote end takes no more.
    ///
    /// # Errors
    /// Fails once the session has ended.
    fn send(&mut self, input: SessionInput) -> BoxFuture<'_, Result<(), SessionError>>;
}

/// Something that a session shows or tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionEvent {
    /// Bytes for the surface, at most 64 KiB.
    Output {
        /// Where they came from.
        stream: OutputStream,
        /// The bytes as the remote end sent them.
        bytes: Vec<u8>,
    },
    /// Something for a desktop.
    Desktop(DesktopEvent),
    /// A note for the recording, at this place.
    Marker(String),
    /// The session is over.
    Ended(SessionEnd),
}

/// The stream that output came on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutputStream {
    /// Standard output, or the terminal.
    Standard,
    /// Standard error, where there is no terminal.
    Error,
}

/// Something that the user does in a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum SessionInput {
    /// Bytes typed or pasted or piped.
    Bytes(Vec<u8>),
    /// No more bytes will come.
    EndOfInput,
    /// The terminal has a new size.
    Resize(TerminalSize),
    /// The window of the desktop has a new size.
    ResizeDesktop(DesktopSize),
    /// The pointer did something.
    Pointer(PointerInput),
    /// A key went down or up.
    Key(KeyInput),
    /// The user copied this text.
    Clipboard(String),
    /// Close the session.
    Close,
}

/// How a session ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionEnd {
    /// What the remote program ended with.
    pub exit: Exit,
    /// Why the session is over.
    pub reason: EndReason,
}

/// What a remote program ended with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exit {
    /// An exit status.
    Status(u32),
    /// A signal, such as `TERM`.
    Signal(String),
    /// The remote end did not say.
    Unknown,
}

/// Why a session is over (feature CM-26).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EndReason {
    /// The remote program ended.
    Finished,
    /// The user closed it.
    ClosedHere,
    /// The server closed it, with its own words if it gave any.
    ClosedByServer(String),
    /// The wire broke.
    ConnectionLost(String),
    /// The server did not answer keepalives.
    NoAnswer,
}

impl fmt::Display for EndReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Finished => f.write_str("the remote program ended"),
            Self::ClosedHere => f.write_str("closed here"),
            Self::ClosedByServer(words) if words.is_empty() => f.write_str("closed by the server"),
            Self::ClosedByServer(words) => write!(f, "closed by the server: {words}"),
            Self::ConnectionLost(cause) => write!(f, "the connection was lost: {cause}"),
            Self::NoAnswer => f.write_str("the server stopped answering"),
        }
    }
}

/// Why a session could not be opened or used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// The host name has no address.
    #[error("the host name '{host}' has no address")]
    UnknownHost {
        /// The host.
        host: String,
    },
    /// Nothing listens there.
    #[error("{target} refused the connection")]
    Refused {
        /// Where.
        target: Endpoint,
    },
    /// No way leads there.
    #[error("{target} can't be reached: {cause}")]
    Unreachable {
        /// Where.
        target: Endpoint,
        /// What the operating system said.
        cause: String,
    },
    /// It took too long.
    #[error("{target} did not answer within {seconds} s")]
    TimedOut {
        /// Where.
        target: Endpoint,
        /// The limit in seconds.
        seconds: u32,
    },
    /// The host's key was not accepted.
    #[error("the host key of {target} was not accepted: {reason}")]
    HostKey {
        /// Where.
        target: Endpoint,
        /// Why not.
        reason: String,
        /// Whether another key was known: a possible attack.
        changed: bool,
    },
    /// The server did not accept the credential.
    #[error(
        "{target} did not accept the credential for '{user}' (tried {tried}; the server offers {offered})"
    )]
    WrongCredential {
        /// Where.
        target: Endpoint,
        /// The user name.
        user: String,
        /// What was tried, such as `password`.
        tried: String,
        /// What the server would take.
        offered: String,
    },
    /// As [`Self::WrongCredential`], where the server says why in its own words.
    #[error("{target} did not accept the credential: {cause}")]
    CredentialRefused {
        /// Where.
        target: Endpoint,
        /// The server's words.
        cause: String,
    },
    /// A private key can't be used.
    #[error("the private key can't be used: {reason}")]
    BadKey {
        /// What is wrong with it; never a part of it.
        reason: String,
    },
    /// A secret was not handed over.
    #[error(transparent)]
    Injection(#[from] InjectError),
    /// Both ends have no algorithm in common, or the protocol was broken.
    #[error("{target} does not speak the protocol in a way that fits: {cause}")]
    Protocol {
        /// Where.
        target: Endpoint,
        /// What went wrong.
        cause: String,
    },
    /// The connection ended before the session was open.
    #[error("{target} ended the connection before the session was open: {cause}")]
    Lost {
        /// Where.
        target: Endpoint,
        /// What the server or the operating system said.
        cause: String,
    },
    /// The person was asked and declined.
    #[error("{0}")]
    Prompt(#[from] crate::PromptError),
    /// The server refused to run what the plan says.
    #[error("the server refused to start {what}")]
    NotStarted {
        /// Such as `the shell`.
        what: String,
    },
    /// This engine can't carry out such a plan.
    #[error("this build has no engine for '{protocol}' sessions")]
    NoEngine {
        /// The plan's protocol.
        protocol: String,
    },
    /// The plugin that drives the session could not open it.
    #[error("the session could not be opened: {cause}")]
    Driver {
        /// Why not, in its words or the host's.
        cause: String,
    },
    /// The session has ended.
    #[error("the session has ended")]
    Ended,
}

/// Why a secret was not handed over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InjectError {
    /// The slot names nothing.
    #[error("the credential has no slot '{slot}'")]
    NoSuchSlot {
        /// The slot.
        slot: SlotName,
    },
    /// The sink is not among the secret's sinks.
    #[error("the secret in slot '{slot}' may not go to the {sink}")]
    WrongSink {
        /// The slot.
        slot: SlotName,
        /// Where it was to go.
        sink: Sink,
    },
    /// It could not be written down before it happened, so it did not happen.
    #[error("the use of slot '{slot}' could not be audited, so it was refused: {cause}")]
    NotAudited {
        /// The slot.
        slot: SlotName,
        /// Why not.
        cause: String,
    },
    /// The store can't open the secret.
    #[error("the secret in slot '{slot}' can't be opened: {cause}")]
    Unreadable {
        /// The slot.
        slot: SlotName,
        /// Why not.
        cause: String,
    },
}

/// Opens slots for the places that their sinks allow; writes down each use before it happens.
pub trait SecretInjector: Send + Sync {
    /// Returns the secret for this very place.
    ///
    /// # Errors
    /// Refuses a slot that does not exist, a sink that the secret does not have, and a use that can't be audited.
    fn inject(&self, slot: &SlotName, sink: &Sink) -> Result<SecretBytes, InjectError>;

    /// Answers a challenge of this place with the secret as the key. The challenge has a length that the algorithm takes.
    ///
    /// # Errors
    /// As [`SecretInjector::inject`]. Where nothing else is said, no challenge is answered.
    fn answer(
        &self,
        slot: &SlotName,
        _sink: &Sink,
        _algorithm: ChallengeAlgorithm,
        _challenge: &[u8],
    ) -> Result<Vec<u8>, InjectError> {
        Err(InjectError::Unreadable { slot: slot.clone(), cause: "no challenge is answered here".to_owned() })
    }

    /// Returns the secret to a plugin that may read it. `given` is what the person entered into this slot in the same call.
    ///
    /// # Errors
    /// As [`SecretInjector::inject`]; it has no sink. Where nothing else is said, no secret is read.
    fn reveal(&self, slot: &SlotName, _given: Option<&SecretBytes>) -> Result<SecretBytes, InjectError> {
        Err(InjectError::Unreadable { slot: slot.clone(), cause: "no secret is read here".to_owned() })
    }
}

/// A server's public key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostKey {
    /// The algorithm, such as `ssh-ed25519`.
    pub algorithm: String,
    /// The key in OpenSSH's one-line form: algorithm and base64, no comment.
    pub openssh: String,
    /// The fingerprint as OpenSSH prints it: `SHA256:` and unpadded base64.
    pub fingerprint: String,
}

/// What was decided about a host key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostKeyDecision {
    /// Go on.
    Accept,
    /// Stop.
    Reject {
        /// Why, for the person.
        reason: String,
        /// Whether another key was known for this host.
        changed: bool,
    },
}

/// Decides about host keys.
pub trait HostKeyVerifier: Send + Sync {
    /// Decides; may ask the person.
    fn verify<'a>(&'a self, target: &'a Endpoint, key: &'a HostKey) -> BoxFuture<'a, HostKeyDecision>;

    /// Returns the algorithms of the keys that are known for the host, such as `ssh-ed25519`. An engine asks the server
    /// for these first, so that a known host does not look like a new one because it has several keys.
    fn known_algorithms(&self, _target: &Endpoint) -> Vec<String> {
        Vec::new()
    }
}
