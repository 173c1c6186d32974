//! What ends a session, or keeps it from beginning.

use thiserror::Error;

/// What is wrong with what the server sent. Its own words stand last, as it sent them.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Fault {
    /// The first bytes are not those of a VNC server.
    #[error("this is no VNC server: it does not begin with 'RFB' and a version")]
    NotRfb,
    /// A repeater answers, and nobody told which server is wanted.
    #[error("this is a VNC repeater; name the server behind it in the setting 'vnc.repeater'")]
    Repeater,
    /// The setting names a server behind a repeater, and no repeater answers.
    #[error("this is no VNC repeater; the setting 'vnc.repeater' is for those only")]
    NoRepeater,
    /// The server refused before anybody logged in.
    #[error("the server refused: {0}")]
    Refused(String),
    /// No way of logging in that the server offers is one of this client's.
    #[error("{0}")]
    NoCommonSecurity(String),
    /// The server asks for a password, and none is stored.
    #[error("the server asks for a password, and the connection has none")]
    PasswordMissing,
    /// The server did not accept the answer.
    #[error("the server did not accept the password: {0}")]
    WrongPassword(String),
    /// The desktop is larger than the host shows, or has no pixels.
    #[error("the desktop is {width}x{height}; each side has 1 to 8192 pixels, and there are at most 16 Mi")]
    DesktopSize {
        /// Pixels in a row.
        width: u16,
        /// Rows.
        height: u16,
    },
    /// A length of the server is more than anything needs.
    #[error("{what} has {length} bytes, more than {most}")]
    TooLong {
        /// What it is the length of.
        what: &'static str,
        /// What the server says.
        length: usize,
        /// The limit.
        most: usize,
    },
    /// A rectangle that is not on the desktop.
    #[error("a rectangle of {width}x{height} at {x},{y} is not on the desktop")]
    Outside {
        /// Its left.
        x: u16,
        /// Its top.
        y: u16,
        /// Its width.
        width: u16,
        /// Its height.
        height: u16,
    },
    /// A message of the server that is in no specification, or was not asked for.
    #[error("the server sent a message of the unknown type {0}")]
    UnknownMessage(u8),
    /// Pixels in an encoding that was not asked for.
    #[error("the server sent pixels in the encoding {0}, which was not asked for")]
    UnknownEncoding(i32),
    /// Pixels that can't be what the server was given to draw.
    #[error("{0}")]
    Pixels(&'static str),
    /// A protocol step that is not in order.
    #[error("{0}")]
    Order(&'static str),
}
