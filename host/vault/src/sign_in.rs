//! The count of wrong passphrases, kept in the store so that a restart does not reset it.
//!
//! It stands outside of what the passphrase protects, since it is needed before the passphrase is known. So it slows
//! down whoever types at this program; it does nothing against somebody who holds a copy of the file, and is not meant
//! to: there only the passphrase and Argon2id stand.
//!
//! The device authenticates the count, so that it can't be set back by an editor of the file; a count that is not this
//! device's own costs one short wait, since a store that was carried here has such a one too.

use std::time::Duration;

use ostler_core::{BackOff, Clock, StoreId, Timestamp};
use ostler_sealing::{DeviceKey, Factors, RootKey, SlotError, SlotInfo, open_slot};
use rusqlite::{Connection, TransactionBehavior, params};

use crate::VaultError;
use crate::anchor::Anchors;
use crate::meta::Meta;

const LABEL: &[u8] = b"ostler failed sign-ins";

/// The failures that are assumed where the count is not this device's own: enough for one wait of 5 s.
const ASSUMED_FAILURES: u32 = 3;

/// Whose tries are counted, and who vouches for the count.
#[derive(Clone, Copy)]
pub(crate) struct Counter<'a> {
    pub(crate) store: StoreId,
    /// None believes the count as it stands.
    pub(crate) device: Option<&'a DeviceKey>,
}

impl<'a> Counter<'a> {
    pub(crate) fn new(store: StoreId, anchors: Option<&'a Anchors>) -> Self {
        Self { store, device: anchors.map(Anchors::device) }
    }

    fn tag(self, tries: Tries) -> Vec<u8> {
        self.device
            .map(|device| device.mac(&self.parts(tries).each_ref().map(Vec::as_slice)).to_vec())
            .unwrap_or_default()
    }

    fn vouches(self, tries: Tries, tag: &[u8]) -> bool {
        self.device.is_none_or(|device| {
            tag.try_into()
                .is_ok_and(|tag| device.verify_mac(&self.parts(tries).each_ref().map(Vec::as_slice), tag))
        })
    }

    fn parts(self, tries: Tries) -> [Vec<u8>; 4] {
        let (failures, last) = (tries.failures.to_be_bytes(), tries.last.0.to_be_bytes());
        [LABEL.to_vec(), self.store.to_bytes().to_vec(), failures.to_vec(), last.to_vec()]
    }

    /// Reads the tries. A last one in the future, and a count that is not this device's, begin to be waited for now.
    fn read(self, connection: &Connection, now: Timestamp) -> Result<Tries, VaultError> {
        let sql = "SELECT failures, last_try, tag FROM sign_in";
        let (mut tries, tag): (Tries, Vec<u8>) = connection.query_row(sql, [], |row| {
            Ok((Tries { failures: row.get(0)?, last: Timestamp(row.get(1)?) }, row.get(2)?))
        })?;
        let own = self.vouches(tries, &tag);
        if !own {
            tries.failures = tries.failures.max(ASSUMED_FAILURES);
        }
        if !own || tries.last > now {
            tries.last = now;
            self.write(connection, tries)?;
        }
        Ok(tries)
    }

    fn write(self, connection: &Connection, tries: Tries) -> Result<(), VaultError> {
        let sql = "UPDATE sign_in SET failures = ?1, last_try = ?2, tag = ?3";
        connection.execute(sql, params![tries.failures, tries.last.0, self.tag(tries)])?;
        Ok(())
    }

    /// Takes the count that stands there as this device's own.
    pub(crate) fn adopt(self, connection: &Connection) -> Result<(), VaultError> {
        let sql = "SELECT failures, last_try FROM sign_in";
        let tries = connection
            .query_row(sql, [], |row| Ok(Tries { failures: row.get(0)?, last: Timestamp(row.get(1)?) }))?;
        self.write(connection, tries)
    }
}

/// What is kept.
#[derive(Debug, Clone, Copy)]
struct Tries {
    failures: u32,
    last: Timestamp,
}

impl Tries {
    /// How long from `now` until the next try. A clock that ran backwards makes it the whole delay, never more.
    fn wait(self, now: Timestamp) -> Duration {
        let delay = BackOff { failures: self.failures }.delay();
        let passed = u64::try_from(now.0.saturating_sub(self.last.0)).unwrap_or(0);
        delay.saturating_sub(Duration::from_micros(passed))
    }
}

/// Writes the row for the first time.
pub(crate) fn insert(connection: &Connection) -> Result<(), VaultError> {
    connection.execute("INSERT INTO sign_in (id, failures, last_try, tag) VALUES (1, 0, 0, x'')", [])?;
    Ok(())
}

/// Returns how long the next try has to wait.
pub(crate) fn wait(
    connection: &mut Connection,
    counter: Counter<'_>,
    now: Timestamp,
) -> Result<Duration, VaultError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let tries = counter.read(&transaction, now)?;
    transaction.commit()?;
    Ok(tries.wait(now))
}

/// Opens the passphrase's slot, and returns it with the root key. Takes as long as the key derivation.
///
/// The caller holds the store's lock: tries go one after the other, so that many at once give no more guesses.
pub(crate) fn open_root(
    connection: &mut Connection,
    counter: Counter<'_>,
    factors: Factors<'_>,
    clock: &dyn Clock,
) -> Result<(Vec<u8>, RootKey), VaultError> {
    let slot = Meta::read(connection)?.slot;
    let wants_key_file = SlotInfo::of(&slot, counter.store).is_ok_and(|info| info.key_file);
    if wants_key_file && factors.key_file.is_none() {
        // Nothing can be tried without it, so this is no try.
        return Err(VaultError::KeyFileWanted);
    }
    let tried = begin(connection, counter, clock.now())?;
    let root = open_slot(&slot, factors, counter.store).map_err(|error| match error {
        SlotError::WrongPassphrase => VaultError::WrongPassphrase { wait: tried.delay() },
        SlotError::WrongFactors => VaultError::WrongFactors { wait: tried.delay() },
        other => other.into(),
    })?;
    // After a right passphrase, the failures are forgotten.
    counter.write(connection, Tries { failures: 0, last: clock.now() })?;
    Ok((slot, root))
}

/// Counts a try as failed, before it is known to be: whoever kills the program while the passphrase is being checked
/// has used the try up. Returns the failures so far.
fn begin(connection: &mut Connection, counter: Counter<'_>, now: Timestamp) -> Result<BackOff, VaultError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let tries = counter.read(&transaction, now)?;
    let wait = tries.wait(now);
    let refused = wait > Duration::ZERO;
    let failures = tries.failures.saturating_add(1);
    if !refused {
        counter.write(&transaction, Tries { failures, last: now })?;
    }
    transaction.commit()?;
    if refused { Err(VaultError::TooSoon { wait }) } else { Ok(BackOff { failures }) }
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
