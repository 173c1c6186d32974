//! The count of wrong passphrases, kept in the store so that a restart does not reset it.
//!
//! It stands outside of what the passphrase protects, since it is needed before the passphrase is known. So it slows
//! down whoever types at this program; it does nothing against somebody who holds a copy of the file, and is not meant
//! to: there only the passphrase and Argon2id stand.

use std::time::Duration;

use ostler_core::{BackOff, Timestamp};
use rusqlite::{Connection, TransactionBehavior, params};

use crate::VaultError;

/// What is kept.
#[derive(Debug, Clone, Copy)]
struct Tries {
    failures: u32,
    last: Timestamp,
}

impl Tries {
    fn read(connection: &Connection) -> Result<Self, VaultError> {
        let sql = "SELECT failures, last_try FROM sign_in";
        Ok(connection
            .query_row(sql, [], |row| Ok(Self { failures: row.get(0)?, last: Timestamp(row.get(1)?) }))?)
    }

    fn write(self, connection: &Connection) -> Result<(), VaultError> {
        let sql = "UPDATE sign_in SET failures = ?1, last_try = ?2";
        connection.execute(sql, params![self.failures, self.last.0])?;
        Ok(())
    }

    /// How long from `now` until the next try. A clock that ran backwards makes it the whole delay, never more.
    fn wait(self, now: Timestamp) -> Duration {
        let delay = BackOff { failures: self.failures }.delay();
        let passed = u64::try_from(now.0.saturating_sub(self.last.0)).unwrap_or(0);
        delay.saturating_sub(Duration::from_micros(passed))
    }
}

/// Writes the row for the first time.
pub(crate) fn insert(connection: &Connection) -> Result<(), VaultError> {
    connection.execute("INSERT INTO sign_in (id, failures, last_try) VALUES (1, 0, 0)", [])?;
    Ok(())
}

/// Returns how long the next try has to wait.
///
/// Where the clock ran backwards, the delay starts again now, so that it ends.
pub(crate) fn wait(connection: &mut Connection, now: Timestamp) -> Result<Duration, VaultError> {
    let tries = Tries::read(connection)?;
    if tries.last > now && tries.wait(now) > Duration::ZERO {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        restarted(&transaction, now)?;
        transaction.commit()?;
    }
    Ok(tries.wait(now))
}

/// Counts a try as failed, before it is known to be: whoever kills the program while the passphrase is being checked
/// has used the try up. Returns the failures so far.
pub(crate) fn begin(connection: &mut Connection, now: Timestamp) -> Result<BackOff, VaultError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let tries = restarted(&transaction, now)?;
    let wait = tries.wait(now);
    let refused = wait > Duration::ZERO;
    let failures = tries.failures.saturating_add(1);
    if !refused {
        Tries { failures, last: now }.write(&transaction)?;
    }
    transaction.commit()?;
    if refused { Err(VaultError::TooSoon { wait }) } else { Ok(BackOff { failures }) }
}

/// Forgets all failures, after a right passphrase.
pub(crate) fn succeed(connection: &Connection, now: Timestamp) -> Result<(), VaultError> {
    Tries { failures: 0, last: now }.write(connection)
}

/// Reads the tries; a last one in the future is set to now.
fn restarted(connection: &Connection, now: Timestamp) -> Result<Tries, VaultError> {
    let mut tries = Tries::read(connection)?;
    if tries.last > now {
        tries.last = now;
        tries.write(connection)?;
    }
    Ok(tries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_ends_when_the_delay_has_passed_and_is_never_longer_than_it() {
        let tries = Tries { failures: 4, last: Timestamp(1_000_000_000) };
        let wait = |now| tries.wait(Timestamp(now)).as_micros();
        assert_eq!(wait(1_000_000_000), 10_000_000);
        assert_eq!(wait(1_009_999_999), 1);
        assert_eq!(wait(1_010_000_000), 0);
        assert_eq!(wait(0), 10_000_000);
        assert_eq!(wait(i64::MIN), 10_000_000);
        assert_eq!(wait(i64::MAX), 0);
    }
}
