//! Where things live. The front end decides (from flags, environment and the platform's rules); this crate only
//! uses what it is told.

use std::path::PathBuf;

/// The places that a host works with.
#[derive(Debug, Clone)]
pub struct Places {
    /// The store's directory.
    pub store: PathBuf,
    /// What belongs to this device and user, such as the device key. Not in the store.
    pub state: PathBuf,
    /// What can be made again, such as compiled plugins.
    pub cache: PathBuf,
    /// The bundled plugins, if they were found beside the program.
    pub bundled_plugins: Option<PathBuf>,
    /// The program that starts a process for a native plugin when it is given `--native-plugin-child`; none where there is no such
    /// program.
    pub program: Option<PathBuf>,
    /// The policy files, the one with the most authority first. One that is not there says nothing.
    pub policies: Vec<PathBuf>,
    /// A further policy file, which has to be there.
    pub further_policy: Option<PathBuf>,
    /// OpenSSH's files of known hosts, read beside the store's own.
    pub known_hosts_files: Vec<PathBuf>,
}

impl Places {
    /// Returns the file of the device key.
    #[must_use]
    pub fn device_key(&self) -> PathBuf {
        self.state.join("device.key")
    }

    /// Returns the directory in which this device remembers the newest state of each store.
    #[must_use]
    pub fn anchors(&self) -> PathBuf {
        self.state.join("stores")
    }

    /// Tells whether there is a store, of whatever kind and in whatever state.
    #[must_use]
    pub fn has_store(&self) -> bool {
        self.store.join("store.db").exists()
    }

    /// Returns the directory of recordings.
    #[must_use]
    pub fn recordings(&self) -> PathBuf {
        self.store.join("recordings")
    }

    /// Returns the directory of the audit log.
    #[must_use]
    pub fn audit(&self) -> PathBuf {
        self.store.join("audit")
    }

    /// Returns the directory of plugins that the user installed.
    #[must_use]
    pub fn installed_plugins(&self) -> PathBuf {
        self.store.join("plugins")
    }

    /// Returns the directory of compiled plugins.
    #[must_use]
    pub fn compiled_plugins(&self) -> PathBuf {
        self.cache.join("compiled-plugins")
    }
}
