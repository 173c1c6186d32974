//! How long a sign-in waits after wrong passphrases (feature CM-03).
//!
//! Pure arithmetic: whoever keeps the count and the clock decides where they live.

use std::time::Duration;

/// Wrong passphrases that cost no delay.
pub const FREE_TRIES: u32 = 3;

const STEP_SECONDS: u64 = 5;
const LONGEST_SECONDS: u64 = 25;

/// The delay rule: three free tries, then 5 s more for each failure, up to 25 s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BackOff {
    /// Wrong passphrases in a row so far.
    pub failures: u32,
}

impl BackOff {
    /// Returns how long must have passed since the last failure before the next try.
    #[must_use]
    pub fn delay(self) -> Duration {
        let charged = u64::from(self.failures.saturating_sub(FREE_TRIES - 1));
        Duration::from_secs(charged.saturating_mul(STEP_SECONDS).min(LONGEST_SECONDS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_tries_are_free_then_the_delay_grows_by_five_up_to_25_seconds() {
        let delays: Vec<u64> = (0..10).map(|failures| BackOff { failures }.delay().as_secs()).collect();
        assert_eq!(delays, [0, 0, 0, 5, 10, 15, 20, 25, 25, 25]);
    }
}
