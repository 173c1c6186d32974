//! Reading, verifying and proving the audit log (feature NEW-94).

mod export;
mod filter;
mod sink;

use std::path::Path;
use std::time::Duration;

use ostler_audit::{AuditError, AuditRecord, EventClass, Outcome, ProvedGrowth, ProvedLine, ReadFrom};
use ostler_vault::Vault;

pub use export::{AuditExport, ExportFormat};
pub use filter::AuditFilter;
pub use sink::SinkAddress;

use crate::replace::replace_file;
use crate::{AppError, AuditView, Event, Host, Reply, VerifiedAudit};

/// How often the log is looked at for new events while they are followed.
const FOLLOW_EVERY: Duration = Duration::from_millis(500);

/// Checks a proof that a line stands in a log, with the log's public keys. Needs no store.
///
/// # Errors
/// Fails where the proof does not hold.
pub fn check_line_proof(keys: &str, proof: &str) -> Result<ProvedLine, AppError> {
    Ok(ostler_audit::check_line(keys, proof).map_err(AuditError::from)?)
}

/// Checks a proof that a log continues an older checkpoint, with the log's public keys. Needs no store.
///
/// # Errors
/// Fails where the proof does not hold.
pub fn check_growth_proof(keys: &str, anchor: &str, proof: &str) -> Result<ProvedGrowth, AppError> {
    Ok(ostler_audit::check_growth(keys, anchor, proof).map_err(AuditError::from)?)
}

impl Host {
    /// Returns the records of the log from a place on.
    pub(crate) fn audit_records<'a>(
        &self,
        vault: &'a Vault,
        from: ReadFrom,
    ) -> Result<impl Iterator<Item = Result<AuditRecord, AuditError>> + use<'a>, AppError> {
        Ok(ostler_audit::read(&self.places.audit(), vault.store_id(), vault.envelope(), from)?)
    }

    pub(crate) async fn audit_show(
        &self,
        filter: &AuditFilter,
        last: Option<u64>,
        follow: bool,
    ) -> Result<Reply, AppError> {
        let wanted = self.wanted(filter)?;
        let (records, mut next) = self.filtered(&wanted, last)?;
        let views: Vec<AuditView> = records.iter().map(view).collect();
        if !follow {
            return Ok(Reply::Audit(views));
        }
        for view in views {
            self.front.show(Event::Audited(Box::new(view))).await;
        }
        // Ends when the program is told to: whoever waits for this drops it.
        loop {
            tokio::time::sleep(FOLLOW_EVERY).await;
            let (records, seen) = self.matching(&wanted, ReadFrom::Line(next))?;
            next = seen.unwrap_or(next);
            for record in &records {
                self.front.show(Event::Audited(Box::new(view(record)))).await;
            }
        }
    }

    pub(crate) fn audit_verify(&self, anchor: Option<&str>) -> Result<Reply, AppError> {
        let anchored = anchor.is_some();
        let verified = ostler_audit::verify(&self.places.audit(), anchor);
        let mut event = self.audit.event(EventClass::AuditVerify, Outcome::Success);
        event.details.insert("anchored".to_owned(), anchored.to_string());
        match verified {
            Ok(report) => {
                event.details.insert("lines".to_owned(), report.lines.to_string());
                event.details.insert("root".to_owned(), report.root.clone());
                self.audit.write(&event)?;
                Ok(Reply::AuditVerified(VerifiedAudit {
                    lines: report.lines,
                    checkpoints: report.checkpoints,
                    root: report.root,
                    anchored,
                }))
            }
            Err(fault) => {
                event.outcome = Outcome::Failure;
                event.reason = Some(fault.to_string());
                // A log that is damaged may take no event; what is wrong with it matters more.
                if let Err(error) = self.audit.write(&event) {
                    tracing::warn!(%error, "the failed verification could not be written down");
                }
                Err(fault.into())
            }
        }
    }

    pub(crate) fn audit_checkpoint(&self, out: Option<&Path>) -> Result<Reply, AppError> {
        // Written first, so that the checkpoint covers it.
        self.audit.success(EventClass::AuditCheckpoint, &[])?;
        let note = ostler_audit::checkpoint(&self.places.audit())?;
        hand_out(note, out, Reply::Checkpoint)
    }

    pub(crate) fn audit_prove_line(&self, line: u64, out: Option<&Path>) -> Result<Reply, AppError> {
        self.audit.success(EventClass::AuditProve, &[("line", line.to_string())])?;
        hand_out(ostler_audit::prove_line(&self.places.audit(), line)?, out, Reply::Checkpoint)
    }

    pub(crate) fn audit_prove_growth(&self, anchor: &str, out: Option<&Path>) -> Result<Reply, AppError> {
        self.audit.success(EventClass::AuditProve, &[])?;
        hand_out(ostler_audit::prove_growth(&self.places.audit(), anchor)?, out, Reply::Checkpoint)
    }
}

/// Writes text to a file as a whole, or returns it.
fn hand_out(text: String, out: Option<&Path>, reply: fn(String) -> Reply) -> Result<Reply, AppError> {
    let Some(out) = out else { return Ok(reply(text)) };
    replace_file(out, text.as_bytes())?;
    Ok(Reply::Done(format!("written to {}", out.display())))
}

/// Shows an event as front ends and other systems see it.
fn view(record: &AuditRecord) -> AuditView {
    let event = &record.event;
    AuditView {
        sequence: record.sequence,
        time: jiff::Timestamp::from_microsecond(record.time.0)
            .map(|time| time.to_string())
            .unwrap_or_default(),
        class: event.class.clone(),
        outcome: match event.outcome {
            Outcome::Success => "success",
            Outcome::Failure => "failure",
            Outcome::Denied => "denied",
        }
        .to_owned(),
        reason: event.reason.clone(),
        actor: event.actor.clone(),
        machine: record.machine.clone(),
        process: record.process,
        plugin: event.plugin.as_ref().map(|plugin| plugin.id.clone()),
        plugin_version: event.plugin.as_ref().map(|plugin| plugin.version.clone()),
        plugin_digest: event.plugin.as_ref().map(|plugin| plugin.digest.clone()),
        capability: event.capability.clone(),
        target: event.target.clone(),
        connection: event.connection.map(|id| id.to_string()),
        session: event.session.map(|id| id.to_string()),
        recording: event.recording.map(|id| id.to_string()),
        recording_root: event.recording_root.clone(),
        details: event.details.clone(),
    }
}
