//! The keys of the store: passphrase, key file, keyring, rotation. Each change is audited before it happens.

use std::path::Path;

use ostler_audit::{EventClass, Outcome};
use ostler_core::SecretBytes;
use ostler_vault::{Factors, KdfParameters, KeyFile, VaultError};

use crate::factors::{KdfChange, StoreFactors};
use crate::{AppError, Host, Reply, keyring};

const KEYRING_DROPPED: &str =
    "; the keyring opens the store no more: 'ostler store keyring enable' lets it again";

impl Host {
    pub(crate) fn change_passphrase(
        &self,
        current: &StoreFactors,
        new: &SecretBytes,
        change: KdfChange,
    ) -> Result<Reply, AppError> {
        let kdf = with_change(self.vault()?.info()?.kdf.raised(), change)?;
        let key_file = read(current.key_file.as_deref())?;
        self.change_factors(
            EventClass::VaultPassphraseChange,
            current,
            key_file.as_ref(),
            new,
            key_file.as_ref(),
            kdf,
        )?;
        Ok(Reply::Done("the passphrase was changed; the old one opens nothing any more".to_owned()))
    }

    pub(crate) fn change_key_file(
        &self,
        current: &StoreFactors,
        new: Option<&Path>,
    ) -> Result<Reply, AppError> {
        let info = self.vault()?.info()?;
        if new.is_none() && !info.key_file {
            return Err(AppError::bad("the key file", "the store wants none"));
        }
        let (old_file, new_file) = (read(current.key_file.as_deref())?, read(new)?);
        let passphrase = &current.passphrase.0;
        let class = EventClass::VaultKeyFileChange;
        let dropped = self.change_factors(
            class,
            current,
            old_file.as_ref(),
            passphrase,
            new_file.as_ref(),
            info.kdf.raised(),
        )?;
        let done = if new_file.is_some() {
            "the store now wants the key file beside the passphrase: keep a copy of it in a safe place, without it \
             nothing opens"
        } else {
            "the store wants no key file any more"
        };
        Ok(Reply::Done(format!("{done}{}", if dropped { KEYRING_DROPPED } else { "" })))
    }

    pub(crate) fn keyring_enable(&self, current: &StoreFactors) -> Result<Reply, AppError> {
        let key_file = read(current.key_file.as_deref())?;
        let factors = Factors { passphrase: &current.passphrase.0, key_file: key_file.as_ref() };
        let class = EventClass::VaultKeyringEnable;
        self.audit.success(class, &[])?;
        let made = self.vault()?.new_keyring_slot(factors, self.clock.as_ref());
        let (secret, slot) = made.map_err(|error| self.refused(class, error))?;
        // First the keyring: a slot whose secret nobody has would be of no use.
        keyring::keep(self.vault()?.store_id(), &secret)?;
        self.vault()?.set_keyring_slot(Some(slot))?;
        Ok(Reply::Done(
            "the store opens without a passphrase while the desktop's keyring is open; keep the passphrase for when it \
             is not"
                .to_owned(),
        ))
    }

    pub(crate) fn keyring_disable(&self) -> Result<Reply, AppError> {
        self.audit.success(EventClass::VaultKeyringDisable, &[])?;
        let removed = self.vault()?.set_keyring_slot(None)?;
        // The slot is gone, so what the keyring kept opens nothing, whether it can be removed or not.
        let forgotten = keyring::forget(self.vault()?.store_id());
        let rest = match forgotten {
            Ok(()) => String::new(),
            Err(error) => format!("; what it kept could not be removed ({error}), but opens nothing"),
        };
        let done = if removed {
            "the keyring opens the store no more"
        } else {
            "the keyring did not open the store"
        };
        Ok(Reply::Done(format!("{done}{rest}")))
    }

    pub(crate) fn rekey(&self, current: &StoreFactors) -> Result<Reply, AppError> {
        let key_file = read(current.key_file.as_deref())?;
        let factors = Factors { passphrase: &current.passphrase.0, key_file: key_file.as_ref() };
        let class = EventClass::VaultRotate;
        self.audit.success(class, &[])?;
        let done =
            self.vault()?.rekey(factors, self.clock.as_ref()).map_err(|error| self.refused(class, error))?;
        Ok(Reply::Done(format!(
            "the store has new keys (epoch {}): {} values were sealed anew; backups from before still open with what \
             opened them{}",
            done.epoch,
            done.rows,
            if done.keyring_dropped { KEYRING_DROPPED } else { "" }
        )))
    }

    pub(crate) fn accept_history(&self) -> Result<Reply, AppError> {
        self.audit.success(EventClass::VaultHistoryAccept, &[])?;
        self.vault()?.accept_history()?;
        Ok(Reply::Done("the store as it is now counts as the newest on this device".to_owned()))
    }

    fn change_factors(
        &self,
        class: EventClass,
        current: &StoreFactors,
        old_file: Option<&KeyFile>,
        new: &SecretBytes,
        new_file: Option<&KeyFile>,
        kdf: KdfParameters,
    ) -> Result<bool, AppError> {
        self.audit.success(class, &[("key-derivation", kdf.to_string())])?;
        let old = Factors { passphrase: &current.passphrase.0, key_file: old_file };
        let new = Factors { passphrase: new, key_file: new_file };
        let changed = self.vault()?.change_factors(old, new, kdf, self.clock.as_ref());
        changed.map_err(|error| self.refused(class, error))
    }

    /// Audits that an act which was written down did not happen.
    fn refused(&self, class: EventClass, error: VaultError) -> AppError {
        let mut event = self.audit.event(class, Outcome::Failure);
        event.reason = Some(error.to_string());
        match self.audit.write(&event) {
            Ok(()) => error.into(),
            Err(unaudited) => unaudited.into(),
        }
    }
}

fn read(key_file: Option<&Path>) -> Result<Option<KeyFile>, AppError> {
    Ok(key_file.map(KeyFile::read).transpose()?)
}

/// Works out how a passphrase is to be stretched. Weaker than a new store's is refused: the next sign-in would undo it.
fn with_change(present: KdfParameters, change: KdfChange) -> Result<KdfParameters, AppError> {
    let wanted = match (present, change.memory_mib) {
        (KdfParameters::Argon2id { memory_kib, passes, lanes }, memory) => KdfParameters::Argon2id {
            memory_kib: memory.map_or(memory_kib, |mib| mib.saturating_mul(1024)),
            passes: change.passes.unwrap_or(passes),
            lanes,
        },
        (KdfParameters::Pbkdf2 { .. }, Some(_)) => {
            return Err(AppError::bad("the memory", "PBKDF2, which the store's FIPS profile has, uses none"));
        }
        (KdfParameters::Pbkdf2 { rounds }, None) => {
            KdfParameters::Pbkdf2 { rounds: change.passes.unwrap_or(rounds) }
        }
    };
    if wanted.raised() == wanted {
        Ok(wanted)
    } else {
        Err(AppError::bad("the key derivation", format!("{wanted} is weaker than a new store's")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_the_key_derivation_is_never_to_a_weaker_one() {
        let change = |memory_mib, passes| KdfChange { memory_mib, passes };
        let default = KdfParameters::DEFAULT;
        assert_eq!(with_change(default, change(None, None)).unwrap(), default);
        let stronger = KdfParameters::Argon2id { memory_kib: 128 * 1024, passes: 4, lanes: 1 };
        assert_eq!(with_change(default, change(Some(128), Some(4))).unwrap(), stronger);
        assert_eq!(
            with_change(stronger, change(None, None)).unwrap(),
            stronger,
            "it stays as strong as it is"
        );
        for weaker in [change(Some(63), None), change(None, Some(2)), change(Some(1024), Some(1))] {
            assert!(with_change(default, weaker).is_err(), "{weaker:?}");
        }
        let fips = KdfParameters::FIPS;
        assert_eq!(
            with_change(fips, change(None, Some(2_000_000))).unwrap(),
            KdfParameters::Pbkdf2 { rounds: 2_000_000 }
        );
        assert!(with_change(fips, change(None, Some(600_000))).is_err());
        assert!(with_change(fips, change(Some(64), None)).is_err());
    }
}
