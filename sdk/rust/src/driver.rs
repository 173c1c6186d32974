//! Drivers: a launcher that plans a `driven` session speaks the protocol itself, one event at a time.
//!
//! A driver opens a [`Wire`](crate::net::Wire) to the session's target, shows what comes on a [surface](crate::terminal), and waits for
//! [`next_event`] in between. It names secrets by their slots ([`crate::secrets`]) and never reads one. From one event to the next it has
//! 5 s of computing; waiting costs nothing, so a session may last for days.

use std::time::Duration;

use crate::net::NetError;
use crate::types::{CapabilityError, SettingValue, SlotName};

pub use crate::bindings::driver::ostler::driver::types::{
    Buttons, DesktopSize, DriveError, DriveRequest, EndReason, Event, Key, Point, Pointer, Slot, Surface,
    TerminalSize,
};

/// What a launcher is that drives sessions. Its plans are [`DrivenPlan`](crate::launcher::DrivenPlan)s.
///
/// ```no_run
/// use ostler_sdk::driver::{DriveError, DriveRequest, Driver, EndReason, Event, next_event};
/// use ostler_sdk::{net, terminal};
///
/// struct Raw;
///
/// impl Driver for Raw {
///     fn drive(request: DriveRequest) -> Result<EndReason, DriveError> {
///         let wire = net::connect(&request.target)?;
///         loop {
///             match next_event(None) {
///                 Event::Readable(_) => {
///                     let bytes = wire.read(65_536)?;
///                     if bytes.is_empty() {
///                         return Ok(EndReason::ClosedByServer(String::new()));
///                     }
///                     terminal::show(&bytes)?;
///                 }
///                 Event::Input(bytes) => wire.write(&bytes)?,
///                 Event::Close => return Ok(EndReason::ClosedHere),
///                 _ => {}
///             }
///         }
///     }
/// }
/// ```
pub trait Driver {
    /// Carries out a session, to its end.
    ///
    /// # Errors
    /// Says why the session could not be opened. What ends a session that was open is an [`EndReason`].
    fn drive(request: DriveRequest) -> Result<EndReason, DriveError>;
}

/// Waits for the next event, or so long. In a native build it is always [`Event::Close`].
#[must_use]
pub fn next_event(timeout: Option<Duration>) -> Event {
    let milliseconds = timeout.map(|timeout| u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX));
    #[cfg(target_family = "wasm")]
    return crate::bindings::driver::ostler::driver::events::next_event(milliseconds);
    #[cfg(not(target_family = "wasm"))]
    {
        let _ = milliseconds;
        Event::Close
    }
}

impl DriveRequest {
    /// Returns the first slot whose secret is for a field, such as `password`.
    #[must_use]
    pub fn slot(&self, field: &str) -> Option<&SlotName> {
        self.slots.iter().find(|slot| slot.field == field).map(|slot| &slot.name)
    }

    /// Returns a setting that is text.
    ///
    /// # Errors
    /// `bad-setting` if it is something else.
    pub fn text(&self, key: &str) -> Result<Option<&str>, DriveError> {
        match self.settings.iter().find(|setting| setting.key == key).map(|setting| &setting.value) {
            None => Ok(None),
            Some(SettingValue::Text(text)) => Ok(Some(text)),
            Some(other) => Err(DriveError::BadSetting((
                key.to_owned(),
                format!("it is {}, not text", other.type_name()),
            ))),
        }
    }

    /// Returns a setting that is yes or no.
    ///
    /// # Errors
    /// `bad-setting` if it is something else.
    pub fn flag(&self, key: &str) -> Result<Option<bool>, DriveError> {
        match self.settings.iter().find(|setting| setting.key == key).map(|setting| &setting.value) {
            None => Ok(None),
            Some(SettingValue::Flag(flag)) => Ok(Some(*flag)),
            Some(other) => {
                let reason = format!("it is {}, not yes or no", other.type_name());
                Err(DriveError::BadSetting((key.to_owned(), reason)))
            }
        }
    }
}

impl From<NetError> for DriveError {
    fn from(error: NetError) -> Self {
        match error {
            NetError::Refused(error) => error.into(),
            NetError::Unreachable(reason) | NetError::Tls(reason) | NetError::Lost(reason) => {
                Self::Unreachable(reason)
            }
            NetError::Closed => Self::Unreachable("the wire is closed".to_owned()),
        }
    }
}

impl From<CapabilityError> for DriveError {
    fn from(error: CapabilityError) -> Self {
        Self::Refused(error.reason().to_owned())
    }
}
