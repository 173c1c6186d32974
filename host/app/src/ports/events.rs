//! The course of events, from the audit log.

use std::sync::{Arc, Weak};

use ostler_audit::{AuditRecord, EventClass, Outcome, ReadFrom};
use ostler_core::{EventHistory, HostEvent, HostOutcome, PortError, Tree};
use ostler_vault::{Vault, VaultError};

use super::port_error;
use crate::host::Shared;

/// The audit log as plugins hear of it.
pub(crate) struct AuditedEvents(pub(crate) Weak<Shared>);

impl AuditedEvents {
    fn opened(&self) -> Result<(Arc<Shared>, Vault), PortError> {
        let shared = self.0.upgrade().ok_or_else(|| port_error(VaultError::Locked))?;
        let vault = shared.vault().map_err(port_error)?;
        Ok((shared, vault))
    }
}

/// Reads records from a place on.
fn read(shared: &Shared, vault: &Vault, from: ReadFrom, most: usize) -> Result<Vec<AuditRecord>, PortError> {
    let failed = |error: ostler_audit::AuditError| PortError(error.to_string());
    let records = ostler_audit::read(&shared.places.audit(), vault.store_id(), vault.envelope(), from);
    records.map_err(failed)?.take(most).collect::<Result<_, _>>().map_err(failed)
}

impl EventHistory for AuditedEvents {
    fn latest(&self) -> Result<u64, PortError> {
        let (shared, vault) = self.opened()?;
        let last = read(&shared, &vault, ReadFrom::Last(1), usize::MAX)?;
        Ok(last.last().map_or(0, |record| record.sequence + 1))
    }

    fn since(&self, cursor: u64, most: usize) -> Result<(Vec<HostEvent>, u64), PortError> {
        let (shared, vault) = self.opened()?;
        let records = read(&shared, &vault, ReadFrom::Line(cursor), most)?;
        let next = records.last().map_or(cursor, |record| record.sequence + 1);
        let snapshot = vault.snapshot().map_err(port_error)?;
        Ok((records.into_iter().map(|record| event(&snapshot.tree, record)).collect(), next))
    }
}

fn event(tree: &Tree, record: AuditRecord) -> HostEvent {
    let path = path(tree, &record);
    let AuditRecord { time, event, .. } = record;
    let folder = path.as_ref().map(|path| {
        let mut names: Vec<String> = path.split('/').map(ToOwned::to_owned).collect();
        // A folder's event happens in the folder itself.
        if !event.class.starts_with("folder.") {
            names.pop();
        }
        names
    });
    HostEvent {
        name: event.class,
        time,
        outcome: match event.outcome {
            Outcome::Success => HostOutcome::Success,
            Outcome::Failure => HostOutcome::Failure,
            Outcome::Denied => HostOutcome::Denied,
        },
        path,
        folder,
        connection: event.connection,
        session: event.session,
        recording: event.recording,
        plugin: event.plugin.map(|plugin| plugin.id),
    }
}

/// Returns the path that an event is about: of a connection the present one, and of what is gone the one that was written down.
fn path(tree: &Tree, record: &AuditRecord) -> Option<String> {
    let event = &record.event;
    if let Some(connection) = event.connection.and_then(|id| tree.connection(id)) {
        return Some(tree.connection_path(connection));
    }
    let written = |detail: &str| event.details.get(detail).cloned();
    // Elsewhere 'name' is what the user typed.
    let whole = [EventClass::ConnectionDelete, EventClass::SessionRequest, EventClass::SessionStart];
    match EventClass::find(&event.class) {
        Some(class) if whole.contains(&class) => written("name"),
        _ => written("path"),
    }
}
