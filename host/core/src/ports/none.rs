//! A host that has nothing behind the ports, for tests and test kits.

use super::{ConnectionTree, PortError, TimeZone, TreeChange, ZoneAt};
use crate::{Timestamp, Tree};

/// Stands where there is nothing to reach: every call fails, and the time zone is UTC.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoHost;

fn nothing<T>() -> Result<T, PortError> {
    Err(PortError("there is no host".to_owned()))
}

impl TimeZone for NoHost {
    fn at(&self, _: Timestamp) -> ZoneAt {
        ZoneAt { name: None, east_seconds: 0 }
    }
}

impl ConnectionTree for NoHost {
    fn read(&self, _: &mut dyn FnMut(&Tree)) -> Result<(), PortError> {
        nothing()
    }

    fn change(&self, _: &mut dyn FnMut(&Tree) -> Option<TreeChange>) -> Result<(), PortError> {
        nothing()
    }

    fn knows_kind(&self, _: &str) -> bool {
        false
    }
}
