//! Where things live: flags, then environment, then the XDG base directories. Reads the environment and looks for the
//! bundled plugins; creates nothing.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use ostler_app::Places;

use crate::error::CliError;

/// What the administrator of the machine decided. Nothing says that it lies elsewhere: whoever could, could get around it.
const SYSTEM_POLICY: &str = "/etc/ostler/policy.toml";

/// Where the program finds its files.
#[derive(Debug, Clone)]
pub(crate) struct Located {
    /// What the host works with.
    pub(crate) places: Places,
    /// The configuration file.
    pub(crate) config: PathBuf,
    /// Whether the user named the configuration file, so that it must exist.
    pub(crate) config_named: bool,
    /// The directory of sockets.
    pub(crate) run: PathBuf,
}

/// What places are worked out from.
pub(crate) struct Surroundings<'a> {
    /// Looks a variable up.
    pub(crate) variable: &'a dyn Fn(&str) -> Option<OsString>,
    /// The program's own file.
    pub(crate) program: Option<PathBuf>,
    /// The store that the user named.
    pub(crate) store: Option<PathBuf>,
    /// The configuration file that the user named.
    pub(crate) config: Option<PathBuf>,
}

impl Surroundings<'_> {
    /// Works out the places.
    ///
    /// # Errors
    /// Fails where a place is needed and neither its variable nor `HOME` is set.
    pub(crate) fn locate(&self) -> Result<Located, CliError> {
        let state = self.base("XDG_STATE_HOME", ".local/state")?.join("ostler");
        let cache = self.base("XDG_CACHE_HOME", ".cache")?.join("ostler");
        let store = match &self.store {
            Some(store) => store.clone(),
            None => self.base("XDG_DATA_HOME", ".local/share")?.join("ostler").join("store"),
        };
        let config = match &self.config {
            Some(config) => config.clone(),
            None => self.base("XDG_CONFIG_HOME", ".config")?.join("ostler").join("config.toml"),
        };
        let mut policies = vec![PathBuf::from(SYSTEM_POLICY)];
        policies.extend(
            self.base("XDG_CONFIG_HOME", ".config").ok().map(|base| base.join("ostler").join("policy.toml")),
        );
        let run = match (self.variable)("XDG_RUNTIME_DIR").map(PathBuf::from) {
            Some(directory) if directory.is_absolute() => directory.join("ostler"),
            _ => state.join("run"),
        };
        let mut known_hosts_files = vec![PathBuf::from("/etc/ssh/ssh_known_hosts")];
        known_hosts_files.extend(self.home().map(|home| home.join(".ssh").join("known_hosts")));
        Ok(Located {
            places: Places {
                store,
                state,
                cache,
                bundled_plugins: self.program.as_deref().and_then(bundled_plugins),
                program: self.program.clone(),
                policies,
                further_policy: (self.variable)("OSTLER_POLICY").map(PathBuf::from),
                known_hosts_files,
            },
            config,
            config_named: self.config.is_some(),
            run,
        })
    }

    fn home(&self) -> Option<PathBuf> {
        (self.variable)("HOME").map(PathBuf::from).filter(|home| home.is_absolute())
    }

    /// Returns a base directory. A relative one is ignored, as the XDG specification says.
    fn base(&self, variable: &'static str, below_home: &str) -> Result<PathBuf, CliError> {
        (self.variable)(variable)
            .map(PathBuf::from)
            .filter(|directory| directory.is_absolute())
            .or_else(|| self.home().map(|home| home.join(below_home)))
            .ok_or(CliError::NoHome(variable))
    }
}

/// Finds the bundled plugins: in `plugins` beside the program, or in `../lib/ostler/plugins`.
fn bundled_plugins(program: &Path) -> Option<PathBuf> {
    let directory = program.parent()?;
    let beside = directory.join("plugins");
    let installed = directory.parent().map(|above| above.join("lib").join("ostler").join("plugins"));
    std::iter::once(beside).chain(installed).find(|candidate| candidate.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locate(variables: &[(&str, &str)], store: Option<&str>) -> Result<Located, CliError> {
        let variable = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
        };
        Surroundings { variable: &variable, program: None, store: store.map(PathBuf::from), config: None }
            .locate()
    }

    #[test]
    fn without_variables_everything_is_below_home() {
        let located = locate(&[("HOME", "/home/u")], None).unwrap();
        assert_eq!(located.places.store, Path::new("/home/u/.local/share/ostler/store"));
        assert_eq!(located.places.state, Path::new("/home/u/.local/state/ostler"));
        assert_eq!(located.places.cache, Path::new("/home/u/.cache/ostler"));
        assert_eq!(located.config, Path::new("/home/u/.config/ostler/config.toml"));
    }

    #[test]
    fn variables_win_unless_they_are_relative() {
        let located =
            locate(&[("HOME", "/home/u"), ("XDG_DATA_HOME", "/data"), ("XDG_CACHE_HOME", "cache")], None)
                .unwrap();
        assert_eq!(located.places.store, Path::new("/data/ostler/store"));
        assert_eq!(located.places.cache, Path::new("/home/u/.cache/ostler"));
    }

    #[test]
    fn a_store_that_was_named_wins() {
        let located = locate(&[("HOME", "/home/u"), ("XDG_DATA_HOME", "/data")], Some("/mine")).unwrap();
        assert_eq!(located.places.store, Path::new("/mine"));
    }

    #[test]
    fn without_a_home_the_missing_variable_is_named() {
        let error = locate(&[], None).unwrap_err();
        assert_eq!(error.to_string(), "neither XDG_STATE_HOME nor HOME says where your files are");
    }
}
