//! Changing what opens a store: passphrase, key file, the keyring's secret. The root key stays.
//!
//! Never replaces a slot that another program changed in the meantime, and leaves no copy of the old one in the files where
//! it can be helped. Copies of the store that were made before open as they did.

use ostler_core::Clock;
use ostler_sealing::{Factors, KdfParameters, KeyFile, RandomSecret, SlotInfo, seal_random_slot, seal_slot};

use crate::locked::check_new_passphrase;
use crate::{Vault, VaultError};

/// A slot for the keyring that is not in the store yet.
#[derive(Debug)]
pub struct KeyringSlot {
    slot: Vec<u8>,
    /// The passphrase's slot of the same root key.
    beside: Vec<u8>,
}

impl Vault {
    /// Wraps the store's root key under another passphrase, another key file, or both; the old ones open nothing any more.
    /// Another key file drops the slot for the keyring, which was bound to the old one; true if there was one.
    ///
    /// # Errors
    /// [`VaultError::WrongPassphrase`] and its kin if `old` do not open the store, [`VaultError::TooSoon`],
    /// [`VaultError::WeakPassphrase`], [`VaultError::KeySlot`], [`VaultError::Conflict`] if another program changed the slots
    /// in the meantime.
    pub fn change_factors(
        &self,
        old: Factors<'_>,
        new: Factors<'_>,
        kdf: KdfParameters,
        clock: &dyn Clock,
    ) -> Result<bool, VaultError> {
        check_new_passphrase(new.passphrase)?;
        // Outside of the transaction, since the key derivations take their time.
        let (old_slot, root) = self.open_root(old, clock)?;
        let new_slot = seal_slot(&root, new, kdf, self.store_id())?;
        let same_file = match (old.key_file, new.key_file) {
            (None, None) => true,
            (Some(old), Some(new)) => old.is_same(new),
            _ => false,
        };
        let dropped = self.write(|writer| {
            if writer.meta().slot != old_slot {
                return Err(VaultError::Conflict);
            }
            let keyring = writer.meta().keyring_slot.clone();
            let dropped = keyring.is_some() && !same_file;
            writer.set_slots(new_slot, keyring.filter(|_| same_file))?;
            Ok(dropped)
        })?;
        self.empty_log()?;
        Ok(dropped)
    }

    /// Makes a secret for the keyring and a slot that it opens. Nothing is written: first the keyring has to keep the
    /// secret, then [`Vault::set_keyring_slot`] takes the slot.
    ///
    /// # Errors
    /// [`VaultError::WrongPassphrase`] and its kin if `factors` do not open the store, [`VaultError::TooSoon`].
    pub fn new_keyring_slot(
        &self,
        factors: Factors<'_>,
        clock: &dyn Clock,
    ) -> Result<(RandomSecret, KeyringSlot), VaultError> {
        let (beside, root) = self.open_root(factors, clock)?;
        let wanted = SlotInfo::of(&beside, self.store_id())?.key_file;
        let key_file: Option<&KeyFile> = factors.key_file.filter(|_| wanted);
        let secret = RandomSecret::random()?;
        let slot = seal_random_slot(&root, &secret, key_file, self.store_id())?;
        Ok((secret, KeyringSlot { slot, beside }))
    }

    /// Sets the keyring's slot, or removes it; false if there was none to remove.
    ///
    /// # Errors
    /// [`VaultError::Conflict`] if another program changed the slots in the meantime; failures of the disk.
    pub fn set_keyring_slot(&self, slot: Option<KeyringSlot>) -> Result<bool, VaultError> {
        let changed = self.write(|writer| {
            let meta = writer.meta();
            let (passphrase, present) = (meta.slot.clone(), meta.keyring_slot.is_some());
            match slot {
                Some(slot) if slot.beside != passphrase => Err(VaultError::Conflict),
                None if !present => Ok(false),
                slot => writer.set_slots(passphrase, slot.map(|slot| slot.slot)).map(|()| true),
            }
        })?;
        if changed {
            self.empty_log()?;
        }
        Ok(changed)
    }

    /// Replaces the passphrase's slot by one that the same factors open.
    pub(crate) fn replace_slot(&self, old: &[u8], new: Vec<u8>) -> Result<(), VaultError> {
        self.write(|writer| {
            if writer.meta().slot != old {
                return Err(VaultError::Conflict);
            }
            let keyring = writer.meta().keyring_slot.clone();
            writer.set_slots(new, keyring)
        })?;
        self.empty_log()
    }

    /// Empties the write-ahead log, in which old slots and old sealings also stand.
    pub(crate) fn empty_log(&self) -> Result<(), VaultError> {
        let emptied: i64 =
            self.working().connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        if emptied != 0 {
            tracing::warn!(
                "another program is reading: what was replaced stays in store.db-wal until it closes"
            );
        }
        Ok(())
    }
}
