//! Appending to the audit log, durably, beside the least that two durable writes cost: the line and its checkpoint.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use ostler_audit::{AuditEvent, AuditLog, EventClass, Outcome};
use ostler_core::{ConnectionId, SessionId, StoreId};
use ostler_sealing::{DeviceKey, EnvelopePrivateKey};

use crate::measure::{Limit, Measure, millis, pairs};
use crate::world::Nothing;

/// Events in one run.
const EVENTS: u32 = 200;
/// Bytes of a sealed line, about.
const LINE: [u8; 500] = [b'x'; 500];

pub(crate) fn measure() -> anyhow::Result<Measure> {
    let home = tempfile::tempdir()?;
    let log = open(home.path())?;
    let event = event();
    let plain = |name: &str| OpenOptions::new().append(true).create(true).open(home.path().join(name));
    let (lines, checkpoints) = (plain("lines")?, plain("checkpoints")?);
    let per_event = |run: &dyn Fn() -> anyhow::Result<()>| {
        let taken = millis(|| (0..EVENTS).try_for_each(|_| run()))?;
        anyhow::Ok(taken * 1e3 / f64::from(EVENTS))
    };
    let own = || per_event(&|| Ok(log.append(&event).map(|_| ())?));
    let peer = || per_event(&|| append(&lines).and_then(|()| append(&checkpoints)));
    let (own, peer) = pairs(own, peer)?;
    Ok(Measure { unit: "us", own, peer: Some(("two plain fsyncs", peer)), limit: Limit::TimesPeer(2.0) })
}

fn append(mut file: &File) -> anyhow::Result<()> {
    file.write_all(&LINE)?;
    Ok(file.sync_data()?)
}

/// Begins a log below a directory.
pub(crate) fn open(home: &Path) -> anyhow::Result<AuditLog> {
    let device = Arc::new(DeviceKey::load_or_create(&home.join("device.key"))?);
    let key = EnvelopePrivateKey::from_seed(&[3; 32]).public();
    let store = StoreId::from_bytes([7; 16]);
    Ok(AuditLog::open(&home.join("audit"), store, device, &key, Arc::new(Nothing))?)
}

/// An event as the start of a session writes it.
pub(crate) fn event() -> AuditEvent {
    let mut event = AuditEvent::of(EventClass::SessionStart, Outcome::Success);
    event.actor = "admin".to_owned();
    event.session = Some(SessionId::random());
    event.connection = Some(ConnectionId::random());
    event.target = Some("db.example:22".to_owned());
    event
}
