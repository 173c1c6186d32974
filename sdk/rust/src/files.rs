//! Files, folders and local sockets that somebody named (capability `files`).
//!
//! A path is absolute and written plainly. In a native build every call answers `unavailable`.

#[cfg(target_family = "wasm")]
use crate::machine_bindings::ostler::files::files as host;

pub use crate::machine_bindings::ostler::files::files::{
    Change, Entry, EntryKind, FileError, LocalSocket, Reader, Watcher,
};

/// Opens a file to read it, part by part.
///
/// # Errors
/// `refused` without the grant, for a path that it does not cover and for a link that leads out of it; `not-found`; `unfit`
/// where it is no file.
pub fn open(path: &str) -> Result<Reader, FileError> {
    #[cfg(target_family = "wasm")]
    return host::open(path);
    #[cfg(not(target_family = "wasm"))]
    return Err(no_host(path));
}

/// Reads a file of at most `most` bytes.
///
/// # Errors
/// As [`open`]; `unfit` where it is larger.
pub fn read(path: &str, most: usize) -> Result<Vec<u8>, FileError> {
    let reader = open(path)?;
    let mut content = Vec::new();
    loop {
        let part = reader.read(u32::MAX)?;
        if part.is_empty() {
            return Ok(content);
        }
        content.extend(part);
        if content.len() > most {
            return Err(FileError::Unfit(format!("it has more than {most} bytes")));
        }
    }
}

/// Lists a folder, ordered by name.
///
/// # Errors
/// As [`open`]; `unfit` where it is no folder.
pub fn list(path: &str) -> Result<Vec<Entry>, FileError> {
    #[cfg(target_family = "wasm")]
    return host::list(path);
    #[cfg(not(target_family = "wasm"))]
    return Err(no_host(path));
}

/// Writes a file as a whole: it has the old content or the new one, never a part.
///
/// # Errors
/// As [`open`]; `refused` with `unavailable` where the write can't be audited.
pub fn write(path: &str, content: &[u8]) -> Result<(), FileError> {
    #[cfg(target_family = "wasm")]
    return host::write(path, content);
    #[cfg(not(target_family = "wasm"))]
    {
        let _ = content;
        Err(no_host(path))
    }
}

/// Watches a folder, not what is in its folders.
///
/// # Errors
/// As [`list`].
pub fn watch(path: &str) -> Result<Watcher, FileError> {
    #[cfg(target_family = "wasm")]
    return host::watch(path);
    #[cfg(not(target_family = "wasm"))]
    return Err(no_host(path));
}

/// Connects to a local socket, such as that of an agent.
///
/// # Errors
/// As [`open`]; `unfit` where it is no socket.
pub fn connect(path: &str) -> Result<LocalSocket, FileError> {
    #[cfg(target_family = "wasm")]
    return host::connect(path);
    #[cfg(not(target_family = "wasm"))]
    return Err(no_host(path));
}

#[cfg(not(target_family = "wasm"))]
fn no_host(_: &str) -> FileError {
    FileError::Refused(crate::types::no_host())
}
