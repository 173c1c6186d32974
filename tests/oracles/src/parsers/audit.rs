//! The audit log: its files, with a checkpoint that was kept outside. A log that verifies with its anchor proves its
//! lines.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ostler_audit::{AuditEvent, AuditLog, EventClass, Outcome, ReadFrom, checkpoint, read, verify};
use ostler_core::StoreId;
use ostler_sealing::{DeviceKey, EnvelopePrivateKey};

use super::{Still, Taken};
use crate::Input;

pub(super) const STORE: StoreId = StoreId::from_bytes([7; 16]);
const ANCHOR: &str = "anchor";

/// A short log, and one that is long enough to keep a checkpoint for good.
pub(super) fn good(_: &[PathBuf]) -> anyhow::Result<Vec<Input>> {
    [5, 300].into_iter().map(make).collect()
}

pub(super) fn take(input: &Input, scratch: &Path) -> anyhow::Result<Taken> {
    let directory = scratch.join("audit");
    input.write(&directory)?;
    let anchor = input.file(ANCHOR).map(String::from_utf8_lossy);
    let verified = verify(&directory, anchor.as_deref());
    drop(checkpoint(&directory).map_err(|error| error.to_string()));
    let private = private();
    let mut events = Vec::new();
    if let Ok(records) = read(&directory, STORE, &private, ReadFrom::Line(0)) {
        // A damaged line does not end the reading, so the number of lines bounds it.
        let records = records.map(|record| record.map_err(|error| error.to_string()));
        events.extend(records.map(|record| record.map(|record| record.event.target)));
    }
    // Writers catch up with what they find; this changes the files, so it comes last.
    if let Ok(log) = open(scratch, &directory) {
        drop(
            log.append(&AuditEvent::of(EventClass::AuditVerify, Outcome::Success))
                .map_err(|error| error.to_string()),
        );
    }
    Ok(match verified {
        Ok(report) if anchor.is_some() => Taken::Proved(format!("{} {events:?}", report.lines).into_bytes()),
        Ok(_) => Taken::Read,
        Err(error) => {
            drop(error.to_string());
            Taken::Refused
        }
    })
}

fn make(events: u32) -> anyhow::Result<Input> {
    let home = tempfile::tempdir()?;
    let directory = home.path().join("audit");
    let log = open(home.path(), &directory)?;
    for number in 0..events {
        let mut event = AuditEvent::of(EventClass::SessionStart, Outcome::Success);
        event.target = Some(format!("host-{number}.example:22"));
        log.append(&event)?;
    }
    let anchor = checkpoint(&directory)?;
    let mut input = Input::read(&directory)?;
    input.files.push((ANCHOR.to_owned(), anchor.into_bytes()));
    Ok(input)
}

pub(super) fn open(home: &Path, directory: &Path) -> anyhow::Result<AuditLog> {
    let device = Arc::new(DeviceKey::load_or_create(&home.join("device.key"))?);
    Ok(AuditLog::open(directory, STORE, device, &private().public(), Arc::new(Still))?)
}

pub(super) fn private() -> EnvelopePrivateKey {
    EnvelopePrivateKey::from_seed(&[3; 32])
}
