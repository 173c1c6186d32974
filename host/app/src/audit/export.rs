//! Handing events to another system: in order, at least once, from where the last run ended.
//!
//! The cursor is written when the sink has the events before it. A run that ends in between hands the last batch over once
//! more; the events' numbers tell them apart. Never are two runs at work with one cursor.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use ostler_audit::{AuditRecord, EventClass, Outcome, ReadFrom};
use serde::{Deserialize, Serialize};

use super::filter::Wanted;
use super::sink::{Framing, Sink};
use super::{AuditFilter, SinkAddress, view};
use crate::replace::{beside_file, replace_file};
use crate::{AppError, Event, ExportedAudit, Host, Reply};

/// Events that are handed over at once.
const BATCH: usize = 512;

/// How exported events look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExportFormat {
    /// JSON as `audit show --json` has it, one event on a line.
    Jsonl,
    /// OCSF 1.3.0, one event on a line.
    Ocsf,
    /// RFC 5424.
    Syslog,
}

impl ExportFormat {
    const fn name(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Ocsf => "ocsf",
            Self::Syslog => "syslog",
        }
    }

    fn render(self, record: &AuditRecord) -> String {
        match self {
            // A view is plain data and has a form in JSON.
            Self::Jsonl => serde_json::to_string(&view(record)).unwrap_or_default(),
            Self::Ocsf => ostler_audit::ocsf(record, env!("CARGO_PKG_VERSION")),
            Self::Syslog => ostler_audit::syslog(record),
        }
    }
}

/// What to export, and where to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditExport {
    /// How events look.
    pub format: ExportFormat,
    /// Which events go; the cursor steps over the others.
    pub filter: AuditFilter,
    /// The line to begin at where no cursor says it; without it, the first.
    pub from: Option<u64>,
    /// The file that remembers where the next run begins; made where it is missing.
    pub cursor_file: Option<PathBuf>,
    /// Where they go; without one they are shown.
    pub to: Option<SinkAddress>,
}

/// What a cursor file holds.
#[derive(Debug, Serialize, Deserialize)]
struct Cursor {
    /// The store whose log it is about.
    store: String,
    /// The line that comes next.
    next: u64,
}

impl Host {
    pub(crate) async fn audit_export(&self, export: &AuditExport) -> Result<Reply, AppError> {
        let wanted = self.wanted(&export.filter)?;
        let _alone = export.cursor_file.as_deref().map(alone).transpose()?;
        let from = self.beginning(export)?;
        let to = export.to.as_ref().map_or_else(|| "standard output".to_owned(), ToString::to_string);
        let details = [
            ("to", to.clone()),
            ("format", export.format.name().to_owned()),
            ("from", from.to_string()),
            ("behind-seconds", self.behind(from)?.to_string()),
        ];
        self.audit.success(EventClass::AuditExport, &details)?;
        let mut next = from;
        let handed = self.hand_over(export, &wanted, &mut next).await;
        match handed {
            Ok(count) => {
                Ok(Reply::AuditExported(ExportedAudit { to: export.to.as_ref().map(|_| to), count, next }))
            }
            Err(error) => {
                let mut event = self.audit.event(EventClass::AuditExport, Outcome::Failure);
                event.reason = Some(error.to_string());
                event.details.extend(details.map(|(name, value)| (name.to_owned(), value)));
                event.details.insert("next".to_owned(), next.to_string());
                self.audit.write(&event)?;
                Err(error)
            }
        }
    }

    /// Hands over what there is now, and returns how many events that were.
    async fn hand_over(
        &self,
        export: &AuditExport,
        wanted: &Wanted,
        next: &mut u64,
    ) -> Result<u64, AppError> {
        let framing = match export.format {
            ExportFormat::Syslog => Framing::OctetCounting,
            ExportFormat::Jsonl | ExportFormat::Ocsf => Framing::Lines,
        };
        let (mut count, mut end) = (0, false);
        while !end {
            // The store is held for one batch, so that it can be locked while the other side is slow.
            let vault = self.vault()?;
            let records = self.audit_records(&vault, ReadFrom::Line(*next))?;
            let batch = records.take(BATCH).collect::<Result<Vec<AuditRecord>, _>>()?;
            drop(vault);
            let Some(last) = batch.last() else { break };
            end = batch.len() < BATCH;
            let messages: Vec<String> = (batch.iter())
                .filter(|record| wanted.holds(record))
                .map(|record| export.format.render(record))
                .collect();
            count += u64::try_from(messages.len()).unwrap_or(0);
            match &export.to {
                _ if messages.is_empty() => {}
                Some(address) => {
                    let failed = |source| AppError::NotExported { to: address.to_string(), source };
                    let sink = Sink::new(address.clone(), framing);
                    let taken = tokio::task::spawn_blocking(move || sink.take(&messages)).await;
                    taken.map_err(|error| failed(error.into()))?.map_err(failed)?;
                }
                None => self.front.show(Event::Exported(messages)).await,
            }
            *next = last.sequence + 1;
            if let Some(file) = &export.cursor_file {
                let cursor = Cursor { store: self.store_name()?, next: *next };
                replace_file(file, serde_json::to_string(&cursor).unwrap_or_default().as_bytes())?;
            }
        }
        Ok(count)
    }

    fn store_name(&self) -> Result<String, AppError> {
        Ok(self.vault()?.store_id().to_string())
    }

    /// Returns how old the first event is that is handed over now: how far the other system is behind.
    fn behind(&self, from: u64) -> Result<u64, AppError> {
        let vault = self.vault()?;
        let first = self.audit_records(&vault, ReadFrom::Line(from))?.next().transpose()?;
        let age = first.map_or(0, |record| self.now().0.saturating_sub(record.time.0));
        Ok(u64::try_from(age / 1_000_000).unwrap_or(0))
    }

    /// Returns the line to begin at.
    fn beginning(&self, export: &AuditExport) -> Result<u64, AppError> {
        let Some(file) = &export.cursor_file else { return Ok(export.from.unwrap_or(0)) };
        let text = match std::fs::read(file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(export.from.unwrap_or(0));
            }
            Err(source) => return Err(AppError::File { file: file.clone(), source }),
        };
        let bad = |reason: &str| AppError::bad(format!("the cursor in {}", file.display()), reason);
        let cursor: Cursor =
            serde_json::from_slice(&text).map_err(|_| bad("it is no cursor of an export"))?;
        if cursor.store != self.store_name()? {
            return Err(bad("it is of another store"));
        }
        Ok(cursor.next)
    }
}

/// Keeps other runs from a cursor as long as the lock that it returns lives. The file beside the cursor that is locked stays
/// there: the cursor itself is replaced again and again.
fn alone(cursor: &Path) -> Result<File, AppError> {
    let file = beside_file(cursor, ".lock");
    let failed = |source| AppError::File { file: file.clone(), source };
    let lock = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&file);
    let lock = lock.map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::Error(source)) => Err(failed(source)),
        Err(TryLockError::WouldBlock) => {
            let cursor = format!("the cursor in {}", cursor.display());
            Err(AppError::bad(cursor, "another export is at work with it"))
        }
    }
}
