//! A host that has nothing behind the ports, for tests and test kits.

use super::{
    BoxFuture, ConnectionTree, EventHistory, FinishedRecording, HostEvent, PluginSecret, PluginSecrets,
    PortError, RecordedMoments, RecordingArchive, Resolver, SecretUses, TimeZone, TreeChange, UseLog, ZoneAt,
};
use crate::{RecordingId, SecretBytes, Sink, SlotName, Timestamp, Tree};

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

impl RecordingArchive for NoHost {
    fn list(&self) -> Result<Vec<FinishedRecording>, PortError> {
        nothing()
    }

    fn open(&self, _: RecordingId) -> Result<Box<dyn RecordedMoments>, PortError> {
        nothing()
    }
}

impl EventHistory for NoHost {
    fn latest(&self) -> Result<u64, PortError> {
        nothing()
    }

    fn since(&self, _: u64, _: usize) -> Result<(Vec<HostEvent>, u64), PortError> {
        nothing()
    }
}

impl PluginSecrets for NoHost {
    fn list(&self) -> Result<Vec<PluginSecret>, PortError> {
        nothing()
    }

    fn put(&self, _: &PluginSecret, _: SecretBytes) -> Result<(), PortError> {
        nothing()
    }

    fn delete(&self, _: &str) -> Result<(), PortError> {
        nothing()
    }
}

impl Resolver for NoHost {
    fn resolve<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Vec<std::net::IpAddr>, PortError>> {
        Box::pin(async { nothing() })
    }
}

impl SecretUses for NoHost {
    fn write(&self, _: &str, _: &SlotName, _: &Sink) -> Result<(), PortError> {
        nothing()
    }
}

impl UseLog for NoHost {
    fn note(&self, _: &str, _: &str) -> Result<(), PortError> {
        nothing()
    }
}
