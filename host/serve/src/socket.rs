//! The socket: where it lies, who may lie in wait there, and who is at the other end.

use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use ostler_app::Places;
use sha2::{Digest as _, Sha256};
use tokio::net::UnixStream;

use crate::ServeError;

/// The longest path that a socket can have on Linux, without the zero at its end (`unix(7)`).
const LONGEST_PATH: usize = 107;

/// Returns the name of the socket for these places: stores, devices and builds that lie elsewhere have another one, so
/// that a command never gets an answer from a host that works with other files.
#[must_use]
pub fn socket_name(places: &Places) -> String {
    let mut digest = Sha256::new();
    let bundled = places.bundled_plugins.iter();
    let all = [&places.store, &places.state, &places.cache].into_iter().chain(bundled);
    for path in all.chain(&places.known_hosts_files) {
        // A place that does not exist yet is the same only to those who spell it alike.
        let path = path.canonicalize().unwrap_or_else(|_| path.clone());
        digest.update(path.as_os_str().as_encoded_bytes());
        digest.update([0]);
    }
    let bytes: [u8; 32] = digest.finalize().into();
    bytes.iter().take(8).map(|byte| format!("{byte:02x}")).chain([".sock".to_owned()]).collect()
}

/// Makes the socket's directory where it is missing, and checks that nobody else can put anything there.
pub(crate) fn own_directory(socket: &Path) -> Result<(), ServeError> {
    let Some(directory) = socket.parent() else { return Ok(()) };
    let failed = |source| ServeError::Io { path: directory.to_owned(), source };
    if socket.as_os_str().len() > LONGEST_PATH {
        return Err(ServeError::LongPath { socket: socket.to_owned() });
    }
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(failed)?;
    if !is_own(directory).map_err(failed)? {
        return Err(ServeError::OpenDirectory { directory: directory.to_owned() });
    }
    Ok(())
}

fn is_own(directory: &Path) -> io::Result<bool> {
    let found = std::fs::symlink_metadata(directory)?;
    let mine = found.is_dir() && found.uid() == rustix::process::geteuid().as_raw();
    Ok(mine && found.permissions().mode() & 0o077 == 0)
}

/// Returns the process at the other end, which must belong to this user.
pub(crate) fn peer(stream: &UnixStream, socket: &Path) -> Result<u32, ServeError> {
    let failed = |source| ServeError::Io { path: socket.to_owned(), source };
    let peer = stream.peer_cred().map_err(failed)?;
    if peer.uid() != rustix::process::geteuid().as_raw() {
        return Err(ServeError::OtherUser { socket: socket.to_owned(), uid: peer.uid() });
    }
    Ok(peer.pid().and_then(|pid| u32::try_from(pid).ok()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_others_can_write_to_is_refused() {
        let room = tempfile::tempdir().unwrap();
        let socket = room.path().join("run").join("a.sock");
        own_directory(&socket).unwrap();
        let directory = socket.parent().unwrap();
        std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o770)).unwrap();
        assert!(matches!(own_directory(&socket), Err(ServeError::OpenDirectory { .. })));
        std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o700)).unwrap();
        own_directory(&socket).unwrap();
    }

    #[test]
    fn a_link_is_no_directory_of_ours() {
        let room = tempfile::tempdir().unwrap();
        let (real, link) = (room.path().join("real"), room.path().join("link"));
        std::fs::DirBuilder::new().mode(0o700).create(&real).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        assert!(own_directory(&real.join("a.sock")).is_ok());
        assert!(matches!(own_directory(&link.join("a.sock")), Err(ServeError::OpenDirectory { .. })));
    }

    #[test]
    fn other_places_have_another_socket() {
        let room = tempfile::tempdir().unwrap();
        let places = |store: &str| Places {
            store: room.path().join(store),
            state: room.path().join("state"),
            cache: room.path().join("cache"),
            bundled_plugins: None,
            program: None,
            policies: Vec::new(),
            further_policy: None,
            known_hosts_files: Vec::new(),
        };
        assert_eq!(socket_name(&places("a")), socket_name(&places("a")));
        assert_ne!(socket_name(&places("a")), socket_name(&places("b")));
    }
}
