//! The database file of a store, as far as it is read before the passphrase: anybody can have changed it.

use std::path::{Path, PathBuf};

use ostler_core::SecretBytes;
use ostler_vault::{Factors, KdfParameters, LockedVault};

use super::{Still, Taken};
use crate::Input;

const DATABASE: &str = "store.db";

pub(super) fn good(_: &[PathBuf]) -> anyhow::Result<Vec<Input>> {
    let home = tempfile::tempdir()?;
    let directory = home.path().join("store");
    let passphrase = SecretBytes::new(b"C0rrect horse!".to_vec());
    drop(LockedVault::create(&directory, Factors::from(&passphrase), KdfParameters::FLOOR, &Still)?);
    Ok(vec![Input::of(std::fs::read(directory.join(DATABASE))?)])
}

pub(super) fn take(input: &Input, scratch: &Path) -> anyhow::Result<Taken> {
    let directory = scratch.join("store");
    let mut files = input.clone();
    files.files.iter_mut().for_each(|(name, _)| DATABASE.clone_into(name));
    files.write(&directory)?;
    Ok(match LockedVault::open(&directory) {
        Ok(vault) => {
            drop(format!("{vault:?} {:?}", vault.wait_before_try(&Still)));
            drop(vault.envelope_key());
            Taken::Read
        }
        Err(error) => {
            drop(error.to_string());
            Taken::Refused
        }
    })
}
