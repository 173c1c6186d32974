//! The time zone of the machine.

use crate::Timestamp;

/// A time zone at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneAt {
    /// Its name in the IANA database, such as `Europe/Berlin`, where the machine has one.
    pub name: Option<String>,
    /// Seconds east of UTC; negative is west.
    pub east_seconds: i32,
}

/// Tells the time zone of this machine.
pub trait TimeZone: Send + Sync {
    /// Returns the zone as it is at a time.
    fn at(&self, time: Timestamp) -> ZoneAt;
}
