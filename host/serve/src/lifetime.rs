//! How long a store stays unlocked.
//!
//! Time is taken from both clocks: the one that never runs backwards stops while the machine sleeps, and the one on the
//! wall can be set. The store locks as soon as either says so.

use std::time::Duration;

use ostler_core::{Clock, Timestamp};

/// How long a store stays unlocked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lifetime {
    /// In all; none for no end.
    pub whole: Option<Duration>,
    /// Without a command; none for no end.
    pub idle: Option<Duration>,
}

/// A moment on both clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    wall: Timestamp,
    monotonic: Duration,
}

impl Moment {
    pub(crate) fn now(clock: &dyn Clock) -> Self {
        Self { wall: clock.now(), monotonic: clock.monotonic() }
    }

    /// Returns how long ago it was, by the clock that says more.
    pub(crate) fn age(self, clock: &dyn Clock) -> Duration {
        let wall = clock.now().0.saturating_sub(self.wall.0);
        let wall = Duration::from_micros(u64::try_from(wall).unwrap_or(0));
        wall.max(clock.monotonic().saturating_sub(self.monotonic))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    struct Set(Mutex<(i64, u64)>);

    impl Clock for Set {
        fn now(&self) -> Timestamp {
            Timestamp(self.0.lock().unwrap().0 * 1_000_000)
        }

        fn monotonic(&self) -> Duration {
            Duration::from_secs(self.0.lock().unwrap().1)
        }
    }

    fn age(wall: i64, monotonic: u64) -> u64 {
        let clock = Set(Mutex::new((1_000, 1_000)));
        let moment = Moment::now(&clock);
        *clock.0.lock().unwrap() = (wall, monotonic);
        moment.age(&clock).as_secs()
    }

    #[test]
    fn sleep_counts_and_a_clock_that_is_set_back_gives_no_time() {
        assert_eq!(age(1_060, 1_060), 60);
        assert_eq!(age(9_000, 1_060), 8_000, "the machine slept");
        assert_eq!(age(10, 1_060), 60, "the clock was set back");
    }
}
