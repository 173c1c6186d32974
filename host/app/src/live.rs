//! Plugins that are loaded, and what they may at this moment: what a user takes, or a policy forbids, is taken from them
//! while they run, whichever process it was done in.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use ostler_plugin_api::Grants;
use ostler_registry::FoundPlugin;
use ostler_runtime::{Plugin, WeakPlugin};

use crate::host::Shared;

/// How often the store and the policy files are looked at while a plugin is loaded.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// What a plugin was given.
pub(crate) struct Given {
    pub(crate) grants: Grants,
    /// The key that signed its file.
    pub(crate) signed_by: Option<String>,
}

/// A plugin that is loaded.
struct Live {
    found: FoundPlugin,
    plugin: WeakPlugin,
    /// What it was last given.
    given: Given,
}

/// The plugins that are loaded in this process.
#[derive(Default)]
pub(crate) struct LivePlugins(Mutex<Vec<Live>>);

impl LivePlugins {
    /// Adds a plugin that was loaded with these grants, and sees to it that somebody looks after them. Must be called inside of
    /// the async runtime.
    pub(crate) fn add(&self, found: &FoundPlugin, plugin: &Plugin, given: Given, shared: Weak<Shared>) {
        let mut all = self.all();
        let watched = !all.is_empty();
        all.push(Live { found: found.clone(), plugin: plugin.downgrade(), given });
        if !watched {
            tokio::spawn(watch(shared));
        }
    }

    /// Gives each what it may now.
    pub(crate) fn refresh(&self, may: impl Fn(&FoundPlugin, &Given) -> Grants) {
        for live in self.all().iter_mut() {
            let Some(plugin) = live.plugin.upgrade() else { continue };
            let grants = may(&live.found, &live.given);
            if grants != live.given.grants {
                plugin.set_grants(grants.clone());
                live.given.grants = grants;
            }
        }
    }

    /// Forgets those that nobody uses any more. Only the watch does, and ends where none is left: so there is one while there are
    /// plugins.
    fn none_left(&self) -> bool {
        let mut all = self.all();
        all.retain(|live| live.plugin.upgrade().is_some());
        all.is_empty()
    }

    fn all(&self) -> MutexGuard<'_, Vec<Live>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks after the grants until no plugin is loaded any more, or the host is gone.
async fn watch(shared: Weak<Shared>) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let Some(shared) = shared.upgrade() else { return };
        if shared.live.none_left() {
            return;
        }
        // It reads files and waits for the store.
        let looked = tokio::task::spawn_blocking({
            let shared = Arc::clone(&shared);
            move || shared.refresh_rights()
        });
        if let Err(error) = looked.await {
            tracing::error!(%error, "grants could not be looked at");
        }
    }
}
