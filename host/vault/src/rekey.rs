//! Rotation: a new root key, and everything sealed anew under what grows from it.
//!
//! One transaction, so that a kill at any moment leaves the old store or the new one. Never seals in what it did not check:
//! every row is opened, and every digest compared, before the old rows go. The private keys of earlier epochs' envelopes stay,
//! sealed, since recordings and audit log are not sealed anew.

use ostler_core::Clock;
use ostler_sealing::{EnvelopePrivateKey, Factors, RootKey, SlotInfo, seal_slot};
use rusqlite::{Connection, TransactionBehavior};
use zeroize::Zeroizing;

use crate::integrity::Digester;
use crate::keys::Keys;
use crate::rows::{self, OwnedRow};
use crate::schema::Table;
use crate::sides::Side;
use crate::vault::{Working, compare};
use crate::write::Writer;
use crate::{Vault, VaultError, records, secrets, sides};

/// What a rotation did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rekeyed {
    /// The number of the new epoch.
    pub epoch: u64,
    /// How many rows were sealed anew.
    pub rows: u64,
    /// Whether a slot for the keyring was dropped: its secret opens nothing any more.
    pub keyring_dropped: bool,
}

impl Vault {
    /// Gives the store a new root key and seals everything anew, in one transaction. Afterwards this vault, and every other
    /// that is open, says [`VaultError::Rekeyed`]: sign in again. Backups from before still open with what opened them.
    ///
    /// # Errors
    /// [`VaultError::WrongPassphrase`] and its kin if `factors` do not open the store, [`VaultError::TooSoon`];
    /// [`VaultError::Damaged`] if anything in the store is not what was written; [`VaultError::Conflict`] if the key slots
    /// changed in the meantime; [`VaultError::Busy`]; failures of the disk. Then nothing is changed.
    pub fn rekey(&self, factors: Factors<'_>, clock: &dyn Clock) -> Result<Rekeyed, VaultError> {
        let (old_slot, _) = self.open_root(factors, clock)?;
        let store = self.store_id();
        let kdf = SlotInfo::of(&old_slot, store)?.kdf.raised();
        let root = RootKey::random()?;
        let slot = seal_slot(&root, factors, kdf, store)?;
        let old = self.keys();
        let new = Keys::new(store, old.epoch().saturating_add(1), &root);

        let mut working = self.working();
        let Working { connection, known } = &mut *working;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let meta = known.begin(&transaction, old)?;
        if meta.slot != old_slot {
            return Err(VaultError::Conflict);
        }
        let keyring_dropped = meta.keyring_slot.is_some();
        let rows = read_all(&transaction)?;
        let mut digester = Digester::new();
        rows.iter().for_each(|row| digester.take(&row.borrowed()));
        compare(&transaction, &meta, digester)?;

        let mut writer = Writer::new(&transaction, &new, meta, known.checked_mut());
        writer.start_epoch()?;
        for row in &rows {
            let row = row.borrowed();
            match row.table {
                Table::Records => records::reseal(&mut writer, old, &row)?,
                Table::Secrets => secrets::reseal(&mut writer, old, &row)?,
                Table::PluginValues | Table::Documents => sides::reseal(&mut writer, old, &row)?,
            }
        }
        retire_envelope(&mut writer, old)?;
        writer.set_slots(slot, None)?;
        writer.next_generation();
        let revision = writer.finish()?;
        transaction.commit()?;
        drop(working);
        revision.into_iter().for_each(|revision| self.note_revision(revision));
        self.empty_log()?;
        let epoch = u64::try_from(new.epoch()).unwrap_or_default();
        Ok(Rekeyed { epoch, rows: rows.len() as u64, keyring_dropped })
    }
}

/// Adds the envelope keys of earlier epochs to the keys.
pub(crate) fn with_retired_envelopes(connection: &Connection, keys: Keys) -> Result<Keys, VaultError> {
    let Some(sealed) = Side::retired_envelopes(&keys).read(connection, &keys)? else {
        return Ok(keys);
    };
    let (retired, rest) = sealed.as_chunks::<32>();
    let damaged = || VaultError::damaged("table documents: an envelope key of an earlier epoch is no key");
    let retired: Result<Vec<_>, _> = retired.iter().map(EnvelopePrivateKey::from_bytes).collect();
    if rest.is_empty() { Ok(keys.with_retired(retired.map_err(|_| damaged())?)) } else { Err(damaged()) }
}

fn retire_envelope(writer: &mut Writer<'_>, old: &Keys) -> Result<(), VaultError> {
    let retired = std::iter::once(old.envelope()).chain(old.envelope().retired());
    let mut bytes = Zeroizing::new(Vec::with_capacity(32 * (old.envelope().retired().len() + 1)));
    retired.for_each(|key| bytes.extend_from_slice(key.to_bytes().as_slice()));
    Side::retired_envelopes(writer.keys()).write(writer, Some(&bytes))
}

/// Reads every row as it stands sealed.
fn read_all(connection: &Connection) -> Result<Vec<OwnedRow>, VaultError> {
    let mut all = Vec::new();
    for table in Table::ALL {
        rows::each(connection, table, &[], |row| {
            all.push(OwnedRow::of(row));
            Ok(())
        })?;
    }
    Ok(all)
}
