//! How often a plugin may fail before it is left alone, and for how long (feature NEW-83).
//!
//! Pure arithmetic: whoever keeps the history and the clock decides where they live.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// Faults within [`FAULT_WINDOW`] after which a plugin is held back.
pub const MOST_FAULTS: usize = 3;

/// The time within which faults count together.
pub const FAULT_WINDOW: Duration = Duration::from_secs(60);

/// How long a plugin is held back the first time; each further time is twice as long.
pub const FIRST_HOLD: Duration = Duration::from_secs(30);

/// How often a plugin is held back before it is given up.
pub const MOST_HOLDS: u32 = 4;

/// The time without a fault after which earlier holds are forgotten.
pub const FORGIVEN_AFTER: Duration = Duration::from_secs(600);

/// How a plugin stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It may run.
    Ready,
    /// It failed too often in a short time, and does not run until then.
    Held {
        /// When it may run again.
        until: Timestamp,
    },
    /// It failed again after each hold, and does not run until the person lets it.
    GivenUp,
}

/// The faults of a plugin: crashes, and calls that a limit ended.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FaultHistory {
    /// The latest faults that count together, the newest last.
    recent: Vec<Timestamp>,
    /// How often it was held back since it last stood well.
    holds: u32,
    /// When the last hold ends.
    until: Option<Timestamp>,
}

impl FaultHistory {
    /// Returns how the plugin stands at a time.
    #[must_use]
    pub fn standing(&self, now: Timestamp) -> Standing {
        if self.holds > MOST_HOLDS {
            return Standing::GivenUp;
        }
        match self.until {
            // A hold that seems longer than it was made comes of a clock that was set back.
            Some(until) if now < until && until <= after(now, hold(self.holds)) => Standing::Held { until },
            _ => Standing::Ready,
        }
    }

    /// Takes in a fault, and returns how the plugin stands then.
    pub fn fail(&mut self, now: Timestamp) -> Standing {
        let newest = self.recent.last().copied();
        if newest.is_none_or(|newest| after(newest, FORGIVEN_AFTER) <= now) && self.holds <= MOST_HOLDS {
            self.holds = 0;
        }
        self.recent.retain(|fault| *fault <= now && now < after(*fault, FAULT_WINDOW));
        self.recent.push(now);
        // Who was held back already has used up its tries.
        if self.holds > 0 || self.recent.len() >= MOST_FAULTS {
            self.holds = self.holds.saturating_add(1);
            self.until = Some(after(now, hold(self.holds)));
            self.recent = vec![now];
        }
        self.standing(now)
    }
}

/// The length of the hold of this number, counted from 1.
fn hold(number: u32) -> Duration {
    FIRST_HOLD.saturating_mul(1 << number.saturating_sub(1).min(MOST_HOLDS))
}

fn after(time: Timestamp, span: Duration) -> Timestamp {
    Timestamp(time.0.saturating_add(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: i64 = 1_700_000_000;

    fn at(seconds: i64) -> Timestamp {
        Timestamp((START + seconds) * 1_000_000)
    }

    fn held(until: i64) -> Standing {
        Standing::Held { until: at(until) }
    }

    #[test]
    fn three_faults_within_a_minute_hold_a_plugin_back_and_it_comes_back_by_itself() {
        let mut history = FaultHistory::default();
        assert_eq!(history.fail(at(0)), Standing::Ready);
        assert_eq!(history.fail(at(10)), Standing::Ready);
        assert_eq!(history.fail(at(20)), held(50));
        assert_eq!(history.standing(at(49)), held(50));
        assert_eq!(history.standing(at(50)), Standing::Ready);
    }

    #[test]
    fn faults_far_from_each_other_hold_nothing_back() {
        let mut history = FaultHistory::default();
        for minute in 0..100 {
            assert_eq!(history.fail(at(minute * 31)), Standing::Ready, "{minute}");
        }
    }

    #[test]
    fn who_fails_again_after_each_hold_is_held_twice_as_long_and_then_given_up() {
        let mut history = FaultHistory::default();
        for second in 0..3 {
            history.fail(at(second));
        }
        let mut now = 32;
        for length in [60, 120, 240] {
            assert_eq!(history.standing(at(now)), Standing::Ready);
            assert_eq!(history.fail(at(now)), held(now + length));
            now += length;
        }
        assert_eq!(history.fail(at(now)), Standing::GivenUp);
        assert_eq!(history.standing(at(now + 1_000_000)), Standing::GivenUp);
        assert_eq!(
            FaultHistory::default().standing(at(now)),
            Standing::Ready,
            "the person lets it run again"
        );
    }

    #[test]
    fn holds_are_forgotten_after_ten_minutes_without_a_fault() {
        let mut history = FaultHistory::default();
        for second in 0..3 {
            history.fail(at(second));
        }
        assert_eq!(history.fail(at(603)), Standing::Ready);
        assert_eq!(history.standing(at(604)), Standing::Ready);
    }

    #[test]
    fn a_clock_that_was_set_back_holds_nothing_back_for_longer_than_a_hold() {
        let mut history = FaultHistory::default();
        for second in 0..3 {
            history.fail(at(second));
        }
        assert_eq!(history.standing(at(-86_400)), Standing::Ready);
        assert_eq!(history.standing(at(2)), held(32));
    }
}
