//! Capability `desktop`: what a driven session shows that has a desktop.
//!
//! Changes are checked against the desktop's size here, once, and go the way of every session's output, past the recorder, in pieces:
//! so that what waits stays small. Never shows anything outside of a session, and keeps no pixel.

use std::sync::Arc;

use ostler_core::{
    DesktopArea, DesktopChange, DesktopEvent, DesktopPoint, DesktopSize, DrivenSurface, PIXEL_BYTES,
    PointerShape, SessionEvent,
};
use ostler_plugin_api::Capability;
use wasmtime::component::{HasData, Linker};

use super::ostler::desktop::desktop as wit;
use super::ostler::types::types::CapabilityError;
use super::{CallChain, Gate, HostCapability, Setup};
use crate::instance::{State, Waits};
use crate::kinds::driver::DriveContext;

/// Changes of one `show`, as the WIT document says.
const MOST_CHANGES: usize = 4096;
/// Bytes of pixels of one `show`, as the WIT document says.
const MOST_BYTES: usize = 64 << 20;
/// Pixels of the pointer's picture in each direction, as the WIT document says.
const LARGEST_POINTER: u16 = 256;
/// Bytes of a clipboard, as the WIT document says.
const LARGEST_CLIPBOARD: usize = 1 << 20;
/// Bytes of pixels in one event.
const PIECE_BYTES: usize = 1 << 20;

/// The capability of one plugin.
pub(crate) struct Desktop {
    gate: Gate,
}

/// The desktop of one call.
pub(crate) struct Instance {
    own: Arc<Desktop>,
    waits: Arc<Waits>,
    drive: Option<Arc<DriveContext>>,
    size: Option<DesktopSize>,
}

impl HostCapability for Desktop {
    const CAPABILITY: Capability = Capability::Desktop;
    type Instance = Instance;

    fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
        wit::add_to_linker::<State, Access>(linker, |state| &mut state.capabilities.desktop)
    }

    fn configure(setup: &Setup<'_>) -> Self {
        Self { gate: Gate::new(Self::CAPABILITY, setup) }
    }

    fn build(self: &Arc<Self>, chain: &CallChain<'_>) -> Instance {
        Instance {
            own: Arc::clone(self),
            waits: Arc::clone(chain.waits),
            drive: chain.drive.cloned(),
            size: None,
        }
    }
}

struct Access;

impl HasData for Access {
    type Data<'a> = &'a mut Instance;
}

impl Instance {
    async fn send(&self, events: impl IntoIterator<Item = DesktopEvent>) -> Result<(), CapabilityError> {
        let desktop = |drive: &&Arc<DriveContext>| drive.surface == DrivenSurface::Desktop;
        let Some(drive) = self.drive.as_ref().filter(desktop) else {
            return Err(CapabilityError::Unavailable("there is no session that shows a desktop".to_owned()));
        };
        let _waiting = self.waits.begin();
        for event in events {
            let ended = |_| CapabilityError::Unavailable("the session has ended".to_owned());
            drive.output.send(SessionEvent::Desktop(event)).await.map_err(ended)?;
        }
        Ok(())
    }

    /// Checks changes against the desktop, and takes them as the host has them.
    fn checked(&self, changes: Vec<wit::Change>) -> Result<Vec<DesktopChange>, CapabilityError> {
        let size = self.size.ok_or_else(|| invalid("the desktop has no size yet"))?;
        let bytes = changes.iter().map(|change| match change {
            wit::Change::Pixels(pixels) => pixels.bytes.len(),
            wit::Change::Copy(_) | wit::Change::Fill(_) => 0,
        });
        if changes.len() > MOST_CHANGES || bytes.sum::<usize>() > MOST_BYTES {
            let reason = "an update has at most 4096 changes and 64 MiB of pixels";
            return Err(CapabilityError::Limit(reason.to_owned()));
        }
        changes.into_iter().map(|change| checked(change, size)).collect()
    }
}

impl wit::Host for Instance {
    async fn resize(&mut self, size: wit::Size) -> Result<(), CapabilityError> {
        self.own.gate.pass()?;
        let size = DesktopSize { width: size.width, height: size.height };
        if !size.fits() {
            return Err(invalid("a desktop has 1 to 8192 pixels in each direction, and at most 16777216"));
        }
        self.send([DesktopEvent::Size(size)]).await?;
        self.size = Some(size);
        Ok(())
    }

    async fn show(&mut self, changes: Vec<wit::Change>) -> Result<(), CapabilityError> {
        self.own.gate.pass()?;
        let changes = self.checked(changes)?;
        self.send(pieces(changes)).await
    }

    async fn pointer(&mut self, shape: Option<wit::Shape>) -> Result<(), CapabilityError> {
        self.own.gate.pass()?;
        let shape = shape.map(pointer_shape).transpose()?;
        self.send([DesktopEvent::Pointer(shape)]).await
    }

    async fn clipboard(&mut self, text: String) -> Result<(), CapabilityError> {
        self.own.gate.pass()?;
        if text.len() > LARGEST_CLIPBOARD {
            return Err(CapabilityError::Limit("a clipboard has at most 1 MiB".to_owned()));
        }
        self.send([DesktopEvent::Clipboard(text)]).await
    }

    async fn bell(&mut self) -> Result<(), CapabilityError> {
        self.own.gate.pass()?;
        self.send([DesktopEvent::Bell]).await
    }
}

fn invalid(reason: &str) -> CapabilityError {
    CapabilityError::Invalid(reason.to_owned())
}

fn area(area: wit::Area) -> DesktopArea {
    DesktopArea { x: area.x, y: area.y, width: area.width, height: area.height }
}

fn checked(change: wit::Change, size: DesktopSize) -> Result<DesktopChange, CapabilityError> {
    let (change, at) = match change {
        wit::Change::Pixels(wit::Pixels { at, bytes }) => {
            let at = area(at);
            if bytes.len() != at.pixels() * PIXEL_BYTES {
                return Err(invalid("an area has four bytes for each of its pixels"));
            }
            (DesktopChange::Pixels { at, bytes }, at)
        }
        wit::Change::Copy(wit::Copied { origin, to }) => {
            let (from, to) = (DesktopPoint { x: origin.x, y: origin.y }, area(to));
            if !(DesktopArea { x: from.x, y: from.y, ..to }).within(size) {
                return Err(invalid("what is copied is not on the desktop"));
            }
            (DesktopChange::Copy { from, to }, to)
        }
        wit::Change::Fill(wit::Fill { at, blue, green, red }) => {
            (DesktopChange::Fill { at: area(at), color: [blue, green, red] }, area(at))
        }
    };
    if at.within(size) { Ok(change) } else { Err(invalid("an area is not on the desktop")) }
}

fn pointer_shape(shape: wit::Shape) -> Result<PointerShape, CapabilityError> {
    let wit::Shape { size: wit::Size { width, height }, hot, bytes } = shape;
    let size = DesktopSize { width, height };
    let small = (1..=LARGEST_POINTER).contains(&width) && (1..=LARGEST_POINTER).contains(&height);
    if !small || hot.x >= width || hot.y >= height || bytes.len() != size.pixels() * PIXEL_BYTES {
        let reason =
            "the pointer has 1 to 256 pixels in each direction, four bytes for each, and its point within";
        return Err(invalid(reason));
    }
    Ok(PointerShape { size, hot: DesktopPoint { x: hot.x, y: hot.y }, bytes })
}

/// Cuts an update into events of at most [`PIECE_BYTES`], in their order; areas are cut between rows.
fn pieces(changes: Vec<DesktopChange>) -> Vec<DesktopEvent> {
    let mut events = Vec::new();
    let (mut gathered, mut held) = (Vec::new(), 0);
    for change in changes.into_iter().flat_map(rows) {
        let bytes = match &change {
            DesktopChange::Pixels { bytes, .. } => bytes.len(),
            DesktopChange::Copy { .. } | DesktopChange::Fill { .. } => 0,
        };
        if held + bytes > PIECE_BYTES && !gathered.is_empty() {
            let changes = std::mem::take(&mut gathered);
            events.push(DesktopEvent::Update { changes, last: false });
            held = 0;
        }
        held += bytes;
        gathered.push(change);
    }
    events.push(DesktopEvent::Update { changes: gathered, last: true });
    events
}

/// Cuts an area of pixels between rows. A row has at most 32 KiB.
fn rows(change: DesktopChange) -> Vec<DesktopChange> {
    match change {
        DesktopChange::Pixels { at, bytes } if bytes.len() > PIECE_BYTES => {
            let row = usize::from(at.width) * PIXEL_BYTES;
            let most = (PIECE_BYTES / row.max(1)).max(1);
            let piece = |(index, bytes): (usize, &[u8])| {
                let above = u16::try_from(index * most).unwrap_or(u16::MAX);
                let height = u16::try_from(bytes.len() / row).unwrap_or(u16::MAX);
                let at = DesktopArea { y: at.y.saturating_add(above), height, ..at };
                DesktopChange::Pixels { at, bytes: bytes.to_vec() }
            };
            bytes.chunks(row * most).enumerate().map(piece).collect()
        }
        change => vec![change],
    }
}
