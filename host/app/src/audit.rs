//! Reading and verifying the audit log (feature NEW-94).

use ostler_audit::{AuditError, AuditRecord, Outcome};
use ostler_vault::Vault;

use crate::host::rfc3339;
use crate::{AppError, AuditView, Host, Reply, VerifiedAudit};

impl Host {
    /// Returns the records of the log from a number on.
    pub(crate) fn audit_records<'a>(
        &self,
        vault: &'a Vault,
        from: u64,
    ) -> Result<impl Iterator<Item = Result<AuditRecord, AuditError>> + use<'a>, AppError> {
        Ok(ostler_audit::read(&self.places.audit(), vault.store_id(), vault.envelope(), from)?)
    }

    pub(crate) fn audit_show(&self, last: Option<u64>) -> Result<Reply, AppError> {
        let views = self
            .audit_records(&self.vault()?, 0)?
            .map(|record| record.map(|record| view(&record)))
            .collect::<Result<Vec<AuditView>, AuditError>>()?;
        let shown = last.and_then(|last| usize::try_from(last).ok()).unwrap_or(usize::MAX);
        let skipped = views.len().saturating_sub(shown);
        Ok(Reply::Audit(views.into_iter().skip(skipped).collect()))
    }

    pub(crate) fn audit_verify(&self, anchor: Option<&str>) -> Result<Reply, AppError> {
        let report = ostler_audit::verify(&self.places.audit(), anchor)?;
        Ok(Reply::AuditVerified(VerifiedAudit {
            lines: report.lines,
            checkpoints: report.checkpoints,
            root: report.root,
            anchored: anchor.is_some(),
        }))
    }

    pub(crate) fn audit_checkpoint(&self) -> Result<Reply, AppError> {
        Ok(Reply::Checkpoint(ostler_audit::checkpoint(&self.places.audit())?))
    }
}

fn view(record: &AuditRecord) -> AuditView {
    let event = &record.event;
    AuditView {
        sequence: record.sequence,
        time: rfc3339(record.time),
        class: event.class.clone(),
        outcome: match event.outcome {
            Outcome::Success => "success",
            Outcome::Failure => "failure",
            Outcome::Denied => "denied",
        }
        .to_owned(),
        reason: event.reason.clone(),
        actor: event.actor.clone(),
        plugin: event.plugin.as_ref().map(|plugin| plugin.id.clone()),
        target: event.target.clone(),
        session: event.session.map(|id| id.to_string()),
        recording: event.recording.map(|id| id.to_string()),
        details: event.details.clone(),
    }
}
