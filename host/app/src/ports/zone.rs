//! The time zone of this machine, as every program finds it.

use jiff::tz;
use ostler_core::{TimeZone, Timestamp, ZoneAt};

/// The zone that the machine is set to.
pub(crate) struct MachineZone;

impl TimeZone for MachineZone {
    fn at(&self, time: Timestamp) -> ZoneAt {
        let zone = tz::TimeZone::system();
        let time = jiff::Timestamp::from_microsecond(time.0).unwrap_or_default();
        ZoneAt { name: zone.iana_name().map(ToOwned::to_owned), east_seconds: zone.to_offset(time).seconds() }
    }
}
