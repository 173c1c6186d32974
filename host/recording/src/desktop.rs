//! What a recording of a desktop holds: records of tiles that changed, losslessly, with the pointer, markers and the end.
//!
//! A record is `time (8) | code (1) | length (4) | data`, numbers big-endian; the time is in microseconds since the recording began and
//! never runs back. Codes and data:
//!
//! | code | what | data |
//! |---|---|---|
//! | 1 | size | width (2), height (2) |
//! | 2 | tile | x (2), y (2), width (2), height (2), blue, green and red of each pixel |
//! | 3 | picture of the pointer | nothing, or width, height, x and y of its point (2 each), blue, green, red and alpha of each pixel |
//! | 4 | place of the pointer | x (2), y (2) |
//! | 5 | marker | text in UTF-8 |
//! | 6 | end | nothing, or the exit status (4) |
//! | 7 | output | bytes, where the session also shows text |
//!
//! Tiles are compared with what was recorded before, so a screen that is sent again without a change costs nothing. All tiles of one update
//! have one time. Where a frame of the compression begins, a key frame stands first: the size, every tile, the pointer. So reading can begin
//! there. Never records the clipboard, nor what is typed.

use std::{collections::BTreeSet, time::Duration};

use ostler_core::{DesktopArea, DesktopEvent, DesktopPoint, DesktopSize, PIXEL_BYTES, PointerShape};
use ostler_surface::Framebuffer;

use crate::{RecordedEvent, RecordedEventKind, RecordingError, segment::microseconds};

/// Bytes before the data of a record.
const HEAD: usize = 8 + 1 + 4;
/// The most data of a record: a picture of the pointer of 256 x 256, or a marker.
const MOST_DATA: usize = 8 + 256 * 256 * PIXEL_BYTES;

/// A change of a desktop, as it is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DesktopRecord {
    /// It has this size from now on: what fits stays, the rest is black.
    Size(DesktopSize),
    /// A tile has these pixels.
    Tile {
        /// Where it is; at most 64 x 64.
        at: DesktopArea,
        /// Blue, green and red of each pixel, row by row.
        colors: Vec<u8>,
    },
    /// The pointer looks like this; none is invisible.
    Pointer(Option<PointerShape>),
    /// The pointer is here.
    PointerAt(DesktopPoint),
}

/// Where records go.
type Put<'a> = &'a mut dyn FnMut(DesktopRecord) -> Result<(), RecordingError>;

/// Turns what a desktop shows into what changed of it.
#[derive(Default)]
pub(crate) struct DesktopEncoder {
    /// What it shows, as far as updates have come.
    now: Framebuffer,
    /// What was recorded of it.
    recorded: Framebuffer,
    /// Upper left corners of the tiles that the update so far touched, by rows.
    touched: BTreeSet<(u16, u16)>,
    pointer: Option<PointerShape>,
    pointer_at: DesktopPoint,
}

impl DesktopEncoder {
    /// Takes what the desktop shows, and puts what changed once an update is whole.
    pub(crate) fn event(&mut self, event: &DesktopEvent, put: Put<'_>) -> Result<(), RecordingError> {
        match event {
            DesktopEvent::Size(size) => {
                // The size was checked where it came in.
                if self.now.resize(*size).is_ok() && self.recorded.resize(*size).is_ok() {
                    put(DesktopRecord::Size(*size))?;
                }
                Ok(())
            }
            DesktopEvent::Update { changes, last } => {
                for change in changes {
                    if let Ok(area) = self.now.apply(change) {
                        self.touched.extend(self.now.tiles(area).map(|tile| (tile.y, tile.x)));
                    }
                }
                if *last { self.put_touched(put) } else { Ok(()) }
            }
            DesktopEvent::Pointer(shape) if *shape != self.pointer => {
                self.pointer.clone_from(shape);
                put(DesktopRecord::Pointer(shape.clone()))
            }
            DesktopEvent::Pointer(_) | DesktopEvent::Clipboard(_) | DesktopEvent::Bell => Ok(()),
        }
    }

    /// Notes where the pointer is.
    pub(crate) fn pointer_at(&mut self, at: DesktopPoint) {
        self.pointer_at = at;
    }

    fn put_touched(&mut self, put: Put<'_>) -> Result<(), RecordingError> {
        for (y, x) in std::mem::take(&mut self.touched) {
            // A desktop that became smaller in between has no such tile any more.
            let corner = DesktopArea { x, y, width: 1, height: 1 };
            let Some(at) = self.now.tiles(corner).next() else { continue };
            if self.now.same(&self.recorded, at) {
                continue;
            }
            let Some(colors) = self.now.colors(at) else { continue };
            if self.recorded.copy_from(&self.now, at).is_ok() {
                put(DesktopRecord::Tile { at, colors })?;
            }
        }
        Ok(())
    }

    /// Puts all that was recorded so far, for who begins to read here.
    pub(crate) fn key_frame(&self, put: Put<'_>) -> Result<(), RecordingError> {
        let size = self.recorded.size();
        if !size.fits() {
            return Ok(());
        }
        put(DesktopRecord::Size(size))?;
        for at in self.recorded.tiles(DesktopArea::whole(size)) {
            if let Some(colors) = self.recorded.colors(at) {
                put(DesktopRecord::Tile { at, colors })?;
            }
        }
        put(DesktopRecord::Pointer(self.pointer.clone()))?;
        put(DesktopRecord::PointerAt(self.pointer_at))
    }
}

/// Appends a record.
pub(crate) fn write(at: Duration, kind: &RecordedEventKind, records: &mut Vec<u8>) {
    let start = records.len();
    records.extend_from_slice(&microseconds(at).to_be_bytes());
    records.extend_from_slice(&[0; HEAD - 8]);
    let code = match kind {
        RecordedEventKind::Desktop(DesktopRecord::Size(size)) => {
            numbers(&[size.width, size.height], records);
            1
        }
        RecordedEventKind::Desktop(DesktopRecord::Tile { at, colors }) => {
            numbers(&[at.x, at.y, at.width, at.height], records);
            records.extend_from_slice(colors);
            2
        }
        RecordedEventKind::Desktop(DesktopRecord::Pointer(shape)) => {
            if let Some(PointerShape { size, hot, bytes }) = shape {
                numbers(&[size.width, size.height, hot.x, hot.y], records);
                records.extend_from_slice(bytes);
            }
            3
        }
        RecordedEventKind::Desktop(DesktopRecord::PointerAt(at)) => {
            numbers(&[at.x, at.y], records);
            4
        }
        RecordedEventKind::Marker(label) => {
            records.extend_from_slice(label.as_bytes());
            5
        }
        RecordedEventKind::Exit(status) => {
            records.extend(status.iter().flat_map(|status| status.to_be_bytes()));
            6
        }
        RecordedEventKind::Output(bytes) => {
            records.extend_from_slice(bytes);
            7
        }
        // A terminal has these; a desktop has its own.
        RecordedEventKind::Resize(_) | RecordedEventKind::Input(_) => {
            records.truncate(start);
            return;
        }
    };
    let length = u32::try_from(records.len() - start - HEAD).unwrap_or(u32::MAX).to_be_bytes();
    if let Some([own_code, own_length @ ..]) = records.get_mut(start + 8..start + HEAD) {
        *own_code = code;
        own_length.copy_from_slice(&length);
    }
}

fn numbers(numbers: &[u16], records: &mut Vec<u8>) {
    records.extend(numbers.iter().flat_map(|number| number.to_be_bytes()));
}

/// Reads records, which never run over the end of a segment.
#[derive(Debug, Default)]
pub(crate) struct DesktopParser {
    last: u64,
}

impl DesktopParser {
    /// Reads the records of a segment; none if it has another form.
    pub(crate) fn segment(&mut self, mut records: &[u8]) -> Option<Vec<RecordedEvent>> {
        let mut events = Vec::new();
        while !records.is_empty() {
            let (time, rest) = records.split_first_chunk::<8>()?;
            let (&code, rest) = rest.split_first()?;
            let (length, rest) = rest.split_first_chunk::<4>()?;
            let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
            let (data, rest) = rest.split_at_checked(length).filter(|_| length <= MOST_DATA)?;
            let time = u64::from_be_bytes(*time);
            if time < self.last {
                return None;
            }
            self.last = time;
            events.push(RecordedEvent { at: Duration::from_micros(time), kind: read(code, data)? });
            records = rest;
        }
        Some(events)
    }
}

fn read(code: u8, data: &[u8]) -> Option<RecordedEventKind> {
    let desktop = |record| Some(RecordedEventKind::Desktop(record));
    match code {
        1 => {
            let ([width, height], rest) = take(data)?;
            let size = DesktopSize { width, height };
            if size.fits() && rest.is_empty() { desktop(DesktopRecord::Size(size)) } else { None }
        }
        2 => {
            let ([x, y, width, height], colors) = take(data)?;
            let at = DesktopArea { x, y, width, height };
            let whole = colors.len() == at.pixels() * 3 && !colors.is_empty();
            if whole { desktop(DesktopRecord::Tile { at, colors: colors.to_vec() }) } else { None }
        }
        3 if data.is_empty() => desktop(DesktopRecord::Pointer(None)),
        3 => {
            let ([width, height, x, y], bytes) = take(data)?;
            let (size, hot) = (DesktopSize { width, height }, DesktopPoint { x, y });
            let whole = bytes.len() == size.pixels() * PIXEL_BYTES && x < width && y < height;
            let shape = PointerShape { size, hot, bytes: bytes.to_vec() };
            if whole { desktop(DesktopRecord::Pointer(Some(shape))) } else { None }
        }
        4 => {
            let ([x, y], rest) = take(data)?;
            if rest.is_empty() { desktop(DesktopRecord::PointerAt(DesktopPoint { x, y })) } else { None }
        }
        5 => Some(RecordedEventKind::Marker(String::from_utf8(data.to_vec()).ok()?)),
        6 if data.is_empty() => Some(RecordedEventKind::Exit(None)),
        6 => Some(RecordedEventKind::Exit(Some(u32::from_be_bytes(data.try_into().ok()?)))),
        7 => Some(RecordedEventKind::Output(data.to_vec())),
        _ => None,
    }
}

/// Takes numbers from the beginning.
fn take<const COUNT: usize>(data: &[u8]) -> Option<([u16; COUNT], &[u8])> {
    let mut numbers = [0; COUNT];
    let mut rest = data;
    for number in &mut numbers {
        let (bytes, behind) = rest.split_first_chunk::<2>()?;
        *number = u16::from_be_bytes(*bytes);
        rest = behind;
    }
    Some((numbers, rest))
}
