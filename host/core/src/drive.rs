//! What a plugin is given to carry out a session of a protocol of its own.
//!
//! Names, settings and slots only, as for a plan.

use crate::{ConnectionId, DrivenSurface, Endpoint, Settings, SlotDescription, TerminalSize};

/// What a driver is asked to carry out.
#[derive(Debug, Clone, PartialEq)]
pub struct DriveRequest {
    /// The connection's id.
    pub connection: ConnectionId,
    /// Its name.
    pub name: String,
    /// Its type, such as `telnet`; also the protocol of the sinks of its secrets.
    pub kind: String,
    /// The plan's target.
    pub target: Endpoint,
    /// The user name, if known.
    pub user: Option<String>,
    /// The domain, if any.
    pub domain: Option<String>,
    /// Its effective settings.
    pub settings: Settings,
    /// The slots that the session may name.
    pub slots: Vec<SlotDescription>,
    /// What the session shows.
    pub surface: DrivenSurface,
    /// The terminal, where it shows one.
    pub terminal: TerminalSize,
    /// The terminal's type, such as `xterm-256color`.
    pub terminal_type: String,
}

/// A way to answer a challenge with a secret as the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChallengeAlgorithm {
    /// DES as VNC uses it (RFC 6143, 7.2.2): 16 bytes in, 16 bytes out.
    VncDes,
    /// HMAC with SHA-256 (RFC 2104): 1 to 4096 bytes in, 32 bytes out.
    HmacSha256,
}

impl ChallengeAlgorithm {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::VncDes, Self::HmacSha256];

    /// Returns the name, as plugins write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::VncDes => "vnc-des",
            Self::HmacSha256 => "hmac-sha-256",
        }
    }

    /// Tells whether a challenge has a length that the algorithm takes.
    #[must_use]
    pub fn takes(self, length: usize) -> bool {
        match self {
            Self::VncDes => length == 16,
            Self::HmacSha256 => (1..=4096).contains(&length),
        }
    }
}
