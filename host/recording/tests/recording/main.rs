//! Recordings, from the recorder over the files to the reader, and what happens when somebody touches the files.
#![expect(clippy::unwrap_used, clippy::panic, reason = "the helpers of tests may fail as tests do")]
#![expect(clippy::disallowed_methods, reason = "tests damage files, and kill a process")]

mod asciicast;
mod common;
mod desktop;
mod session;
mod tampering;
