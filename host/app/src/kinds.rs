//! The types of connection that can be stored, with their default ports.
//!
//! A type can be stored although no launcher opens it yet: imports must lose nothing.

/// The well-known types and their ports.
const KNOWN: [(&str, u16); 4] = [("ssh", 22), ("rdp", 3389), ("telnet", 23), ("vnc", 5900)];

/// Returns the default port of a well-known type.
pub(crate) fn default_port(kind: &str) -> Option<u16> {
    KNOWN.iter().find(|(known, _)| *known == kind).map(|(_, port)| *port)
}

/// Returns the well-known types, for an error's hint.
pub(crate) fn names() -> String {
    KNOWN.map(|(kind, _)| kind).join(", ")
}
