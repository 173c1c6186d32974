//! Secrets of plugins' own: each under a key of its own, as all secrets are, and found by plugin and name.
//!
//! Which secrets are whose stands in a document for each plugin, changed in the same transaction as the secret.

use std::collections::BTreeMap;

use ostler_core::{SecretField, SecretId, SinkRule};

use crate::integrity::bucket_of;
use crate::keys::Keys;
use crate::records::unwritable;
use crate::sides::Side;
use crate::vault::Vault;
use crate::write::{Writer, check_bucket};
use crate::{Changes, StoredSecret, VaultError, secrets};

/// A secret of a plugin, without its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPluginSecret {
    /// Its id, by which it is opened.
    pub id: SecretId,
    /// The protocol field that it is meant for.
    pub field: SecretField,
    /// Where it may go.
    pub rules: Vec<SinkRule>,
}

/// The secrets of a plugin by name.
type Names = BTreeMap<String, SecretId>;

impl Vault {
    /// Returns the secrets of a plugin by name. Opens none.
    ///
    /// # Errors
    /// [`VaultError::Damaged`], failures of the disk.
    pub fn plugin_secrets(&self, plugin: &str) -> Result<BTreeMap<String, StoredPluginSecret>, VaultError> {
        let keys = self.keys();
        let side = names_of(keys, plugin);
        self.read(|connection, known, meta| {
            check_bucket(connection, meta, known.checked_mut(), bucket_of(side.id()))?;
            let names = parse(side.read(connection, keys)?.as_deref().map(Vec::as_slice))?;
            let opened = names.into_iter().map(|(name, id)| {
                check_bucket(connection, meta, known.checked_mut(), bucket_of(&id.to_bytes()))?;
                let (field, rules) = secrets::rules(connection, keys, id)?;
                Ok((name, StoredPluginSecret { id, field, rules }))
            });
            opened.collect()
        })
    }

    /// Stores a secret of a plugin under a name, in the place of one that has it.
    ///
    /// # Errors
    /// [`VaultError::Damaged`], failures of the disk. Then nothing is changed.
    pub fn put_plugin_secret(
        &self,
        plugin: &str,
        name: &str,
        secret: StoredSecret,
    ) -> Result<(), VaultError> {
        let id = secret.id;
        self.write(|writer| {
            let mut names = read(writer, plugin)?;
            let before = names.insert(name.to_owned(), id);
            let changes = Changes {
                delete_secrets: before.into_iter().collect(),
                put_secrets: vec![secret],
                ..Changes::default()
            };
            change(writer, plugin, &names, &changes)
        })
    }

    /// Deletes a secret of a plugin, and tells whether there was one.
    ///
    /// # Errors
    /// As [`Vault::put_plugin_secret`].
    pub fn delete_plugin_secret(&self, plugin: &str, name: &str) -> Result<bool, VaultError> {
        self.write(|writer| {
            let mut names = read(writer, plugin)?;
            let Some(id) = names.remove(name) else { return Ok(false) };
            let changes = Changes { delete_secrets: vec![id], ..Changes::default() };
            change(writer, plugin, &names, &changes)?;
            Ok(true)
        })
    }
}

fn names_of(keys: &Keys, plugin: &str) -> Side {
    Side::document(keys, &format!("vault.plugin-secrets {plugin}"))
}

fn read(writer: &mut Writer<'_>, plugin: &str) -> Result<Names, VaultError> {
    let side = names_of(writer.keys(), plugin);
    writer.touch(side.id())?;
    parse(side.read(writer.connection(), writer.keys())?.as_deref().map(Vec::as_slice))
}

fn change(writer: &mut Writer<'_>, plugin: &str, names: &Names, changes: &Changes) -> Result<(), VaultError> {
    secrets::apply(writer, changes)?;
    let text = serde_json::to_vec(names).map_err(|_| unwritable())?;
    names_of(writer.keys(), plugin).write(writer, (!names.is_empty()).then_some(text.as_slice()))?;
    writer.next_generation();
    Ok(())
}

fn parse(text: Option<&[u8]>) -> Result<Names, VaultError> {
    let Some(text) = text else { return Ok(Names::new()) };
    serde_json::from_slice(text)
        .map_err(|_| VaultError::damaged("the list of a plugin's secrets can't be read by this program"))
}
