//! What a loaded plugin may do at this moment: grants that can be given and taken while it runs.
//!
//! A call that has begun keeps nothing of an old grant: each host function looks here again. Never decides what to grant.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};

use ostler_plugin_api::{Capability, Grants, Scope};

/// The grants of one loaded plugin, shared by all its instances.
#[derive(Debug)]
pub(crate) struct Rights {
    /// Whether each capability is given, by its number: read at every call, so without a lock.
    given: [AtomicBool; Capability::ALL.len()],
    grants: RwLock<Grants>,
}

impl Rights {
    pub(crate) fn new(grants: Grants) -> Self {
        let rights = Self { given: Default::default(), grants: RwLock::default() };
        rights.set(grants);
        rights
    }

    /// Replaces the grants. Calls that begin afterwards see the new ones.
    pub(crate) fn set(&self, grants: Grants) {
        let mut held = self.grants.write().unwrap_or_else(PoisonError::into_inner);
        for (capability, given) in
            Capability::ALL.into_iter().map(|capability| (capability, self.flag(capability)))
        {
            if let Some(given) = given {
                given.store(grants.0.contains_key(&capability), Ordering::SeqCst);
            }
        }
        *held = grants;
    }

    pub(crate) fn has(&self, capability: Capability) -> bool {
        self.flag(capability).is_some_and(|given| given.load(Ordering::SeqCst))
    }

    /// Tells whether the capability is given, and every layer of its grant covers something.
    pub(crate) fn covers(&self, capability: Capability, covers: impl Fn(&Scope) -> bool) -> bool {
        let grants = self.grants.read().unwrap_or_else(PoisonError::into_inner);
        grants.0.get(&capability).is_some_and(|grant| grant.layers.iter().all(covers))
    }

    /// Returns the layers of a capability's grant; none where it is not given.
    pub(crate) fn layers(&self, capability: Capability) -> Option<Vec<Scope>> {
        let grants = self.grants.read().unwrap_or_else(PoisonError::into_inner);
        grants.0.get(&capability).map(|grant| grant.layers.clone())
    }

    fn flag(&self, capability: Capability) -> Option<&AtomicBool> {
        self.given.get(capability as usize)
    }
}
