//! The tree of folders and connections (capabilities `connections.read` and `connections.write`), as far as the granted
//! folders reach.
//!
//! No secret passes here: of a credential come its mode, its names and its slots. A connection that is made here, or gets
//! another host, port or type here, neither inherits a credential nor has one acquired until the user lets it, and its own
//! secrets stay bound to the place that they were stored for. In a native build every call answers `unavailable`.
//!
//! ```
//! use ostler_sdk::connections::{Query, WriteError, all, change};
//!
//! /// Tags every connection that it may see.
//! fn mark() -> Result<(), WriteError> {
//!     for mut found in all(&Query::under("")).map_err(WriteError::Refused)? {
//!         found.data.tags.push("seen".to_owned());
//!         change(&found)?;
//!     }
//!     Ok(())
//! }
//! # assert!(matches!(mark(), Err(WriteError::Refused(_))), "there is no host here");
//! ```

#[cfg(not(target_family = "wasm"))]
use self::no_host::{read, write};
pub use crate::store_bindings::ostler::connections::read::{ConnectionPage, FolderPage, Query};
pub use crate::store_bindings::ostler::connections::types::{
    Connection, ConnectionData, Credential, Folder, FolderData, LocalCredential, SourceCredential,
};
pub use crate::store_bindings::ostler::connections::write::WriteError;
#[cfg(target_family = "wasm")]
use crate::store_bindings::ostler::connections::{read, write};
use crate::types::CapabilityError;

impl Query {
    /// Asks for all connections in a folder and below it; the empty path for all that the grant covers.
    pub fn under(path: impl Into<String>) -> Self {
        Self { under: path.into(), kind: None, tag: None }
    }

    /// Asks for those of a type only.
    #[must_use]
    pub fn kind(self, kind: impl Into<String>) -> Self {
        Self { kind: Some(kind.into()), ..self }
    }

    /// Asks for those with a tag only.
    #[must_use]
    pub fn tag(self, tag: impl Into<String>) -> Self {
        Self { tag: Some(tag.into()), ..self }
    }
}

/// Returns a page of connections; `after` is the `next` of the page before.
///
/// # Errors
/// `denied` without the grant or for a folder that it does not cover, `limit` beyond 10,000 questions in a call.
pub fn list(query: &Query, after: Option<&str>) -> Result<ConnectionPage, CapabilityError> {
    read::list_connections(query, after)
}

/// Returns all connections that fit, page after page.
///
/// # Errors
/// As [`list`].
pub fn all(query: &Query) -> Result<Vec<Connection>, CapabilityError> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = list(query, after.as_deref())?;
        found.extend(page.connections);
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(found),
        }
    }
}

/// Returns one connection, if there is one of this id.
///
/// # Errors
/// As [`list`].
pub fn get(id: &str) -> Result<Option<Connection>, CapabilityError> {
    read::get_connection(id)
}

/// Returns a page of the folders below a folder; the empty path stands for all that the grant covers.
///
/// # Errors
/// As [`list`].
pub fn list_folders(under: &str, after: Option<&str>) -> Result<FolderPage, CapabilityError> {
    read::list_folders(under, after)
}

/// Returns one folder, if there is one at this path.
///
/// # Errors
/// As [`list`].
pub fn get_folder(path: &str) -> Result<Option<Folder>, CapabilityError> {
    read::get_folder(path)
}

/// Makes a connection in a folder that exists.
///
/// # Errors
/// See [`WriteError`].
pub fn create(folder: &str, data: &ConnectionData) -> Result<Connection, WriteError> {
    write::create_connection(folder, data)
}

/// Writes a connection back that was read and changed. Id, folder and credential stay.
///
/// # Errors
/// [`WriteError::Conflict`] where somebody else changed it since it was read; see [`WriteError`].
pub fn change(connection: &Connection) -> Result<Connection, WriteError> {
    write::change_connection(&connection.id, &connection.revision, &connection.data)
}

/// Deletes a connection with its secrets, if it still is as it was read.
///
/// # Errors
/// As [`change`].
pub fn delete(connection: &Connection) -> Result<(), WriteError> {
    write::delete_connection(&connection.id, &connection.revision)
}

/// Makes a folder in one that exists.
///
/// # Errors
/// See [`WriteError`].
pub fn create_folder(parent: &str, data: &FolderData) -> Result<Folder, WriteError> {
    write::create_folder(parent, data)
}

/// Writes a folder back that was read and changed.
///
/// # Errors
/// As [`change`].
pub fn change_folder(folder: &Folder) -> Result<Folder, WriteError> {
    write::change_folder(&folder.path, &folder.revision, &folder.data)
}

/// Deletes a folder that has nothing in it, if it still is as it was read.
///
/// # Errors
/// As [`change`].
pub fn delete_folder(folder: &Folder) -> Result<(), WriteError> {
    write::delete_folder(&folder.path, &folder.revision)
}

#[cfg(not(target_family = "wasm"))]
mod no_host {
    //! What a native build calls.

    pub(super) mod read {
        use super::super::{Connection, ConnectionPage, Folder, FolderPage, Query};
        use crate::types::{CapabilityError, no_host};

        pub(in super::super) fn list_connections(
            _: &Query,
            _: Option<&str>,
        ) -> Result<ConnectionPage, CapabilityError> {
            Err(no_host())
        }

        pub(in super::super) fn get_connection(_: &str) -> Result<Option<Connection>, CapabilityError> {
            Err(no_host())
        }

        pub(in super::super) fn list_folders(
            _: &str,
            _: Option<&str>,
        ) -> Result<FolderPage, CapabilityError> {
            Err(no_host())
        }

        pub(in super::super) fn get_folder(_: &str) -> Result<Option<Folder>, CapabilityError> {
            Err(no_host())
        }
    }

    pub(super) mod write {
        use super::super::{Connection, ConnectionData, Folder, FolderData, WriteError};
        use crate::types::no_host;

        fn nothing<T>() -> Result<T, WriteError> {
            Err(WriteError::Refused(no_host()))
        }

        pub(in super::super) fn create_connection(
            _: &str,
            _: &ConnectionData,
        ) -> Result<Connection, WriteError> {
            nothing()
        }

        pub(in super::super) fn change_connection(
            _: &str,
            _: &str,
            _: &ConnectionData,
        ) -> Result<Connection, WriteError> {
            nothing()
        }

        pub(in super::super) fn delete_connection(_: &str, _: &str) -> Result<(), WriteError> {
            nothing()
        }

        pub(in super::super) fn create_folder(_: &str, _: &FolderData) -> Result<Folder, WriteError> {
            nothing()
        }

        pub(in super::super) fn change_folder(
            _: &str,
            _: &str,
            _: &FolderData,
        ) -> Result<Folder, WriteError> {
            nothing()
        }

        pub(in super::super) fn delete_folder(_: &str, _: &str) -> Result<(), WriteError> {
            nothing()
        }
    }
}
