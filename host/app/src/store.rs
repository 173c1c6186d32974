//! The store as a whole: facts, checks, backup.

use std::path::Path;

use ostler_audit::EventClass;

use crate::host::rfc3339;
use crate::{AppError, Host, Reply, StoreView, VerifiedStore};

impl Host {
    pub(crate) fn store_info(&self) -> Result<Reply, AppError> {
        let info = self.vault()?.info()?;
        Ok(Reply::Store(StoreView {
            id: info.id.to_string(),
            directory: self.places.store.clone(),
            created: rfc3339(info.created),
            format: info.format,
            folders: info.folders,
            connections: info.connections,
            secrets: info.secrets,
            key_derivation: info.kdf.to_string(),
            key_file: info.key_file,
            keyring: info.keyring,
            epoch: info.epoch,
            generation: info.generation.0,
            database_bytes: info.database_bytes,
        }))
    }

    pub(crate) fn store_verify(&self) -> Result<Reply, AppError> {
        let report = self.vault()?.verify()?;
        self.audit.success(EventClass::VaultVerify, &[("rows", report.rows.to_string())])?;
        Ok(Reply::StoreVerified(VerifiedStore {
            rows: report.rows,
            secrets: report.secrets,
            generation: report.generation.0,
        }))
    }

    pub(crate) fn store_backup(&self, to: &Path) -> Result<Reply, AppError> {
        self.audit.success(EventClass::VaultBackup, &[("file", to.display().to_string())])?;
        self.vault()?.backup(to)?;
        Ok(Reply::Done(format!("the store was copied to {}", to.display())))
    }
}
