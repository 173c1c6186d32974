//! What recording a desktop costs: 1920 x 1080 pixels, of which a person sees 12 new pictures a second; text runs through a window that covers
//! nearly half of it, before a picture that doesn't compress. The processor time of the whole process, as a share of the time that the
//! pictures are shown: 100 % is one core.
//!
//! The peer is the same desktop, shown and not recorded: its pixels are put into a framebuffer. Pictures come as fast as they are taken, and
//! the clock goes on by a twelfth of a second with each, so that segments close when they would.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ostler_core::{
    Clock, ConnectionId, DesktopArea, DesktopChange, DesktopEvent, DesktopSize, PIXEL_BYTES, RecordingId,
    SessionId, TerminalSize, Timestamp,
};
use ostler_recording::{RecordedSurface, Recorder, RecordingInfo};
use ostler_sealing::EnvelopePrivateKey;
use ostler_surface::Framebuffer;

use crate::measure::{Limit, Measure, pairs};
use crate::recorded::processor_time;

const SIZE: DesktopSize = DesktopSize { width: 1920, height: 1080 };
/// Where text runs: 46 % of the desktop.
const WINDOW: DesktopArea = DesktopArea { x: 300, y: 40, width: 960, height: 1000 };
const A_SECOND: u32 = 12;
/// Five seconds of them.
const PICTURES: u32 = 60;
/// Rows of pixels that the text moves from one picture to the next.
const STEP: u16 = 8;
/// The width and height of a letter.
const LETTER: (u16, u16) = (8, 16);
/// Different letters.
const LETTERS: u32 = 60;

pub(crate) fn measure() -> anyhow::Result<Measure> {
    let (first, updates) = (wallpaper(), updates());
    let key = EnvelopePrivateKey::from_seed(&[7; 32]).public();
    let shown_for = Duration::from_secs(u64::from(PICTURES / A_SECOND)).as_secs_f64();
    let share = |taken: Duration| taken.as_secs_f64() / shown_for * 100.0;
    let recorded = || {
        let recordings = tempfile::tempdir()?;
        let clock = Arc::new(Steps::default());
        let recorder =
            Recorder::start(recordings.path(), info(), &key, Arc::clone(&clock) as Arc<dyn Clock>)?;
        recorder.desktop(&DesktopEvent::Size(SIZE))?;
        recorder.desktop(&first)?;
        // What stands still is recorded once; the limit is for what moves.
        recorder.flush()?;
        let before = processor_time();
        for update in &updates {
            clock.step();
            recorder.desktop(update)?;
        }
        recorder.flush()?;
        let taken = processor_time().saturating_sub(before);
        recorder.finish(Some(0))?;
        Ok(share(taken))
    };
    let shown = || {
        let mut framebuffer = Framebuffer::default();
        framebuffer.resize(SIZE)?;
        show(&mut framebuffer, &first)?;
        let before = processor_time();
        updates.iter().try_for_each(|update| show(&mut framebuffer, update))?;
        Ok(share(processor_time().saturating_sub(before)))
    };
    let (own, peer) = pairs(recorded, shown)?;
    Ok(Measure { unit: "%", own, peer: Some(("shown", peer)), limit: Limit::Value(10.0) })
}

fn show(framebuffer: &mut Framebuffer, event: &DesktopEvent) -> anyhow::Result<()> {
    if let DesktopEvent::Update { changes, .. } = event {
        for change in changes {
            framebuffer.apply(change)?;
        }
    }
    Ok(())
}

/// A photograph, as far as compression goes: noise on a slope of color.
fn wallpaper() -> DesktopEvent {
    let mut random = fastrand::Rng::with_seed(1);
    let mut bytes = Vec::with_capacity(SIZE.pixels() * PIXEL_BYTES);
    for y in 0..SIZE.height {
        for x in 0..SIZE.width {
            let slope = |length: u16| u8::try_from(length / 16).unwrap_or(u8::MAX);
            bytes.extend([slope(x), slope(y), 90, 0].map(|color: u8| color.wrapping_add(random.u8(..8))));
        }
    }
    update(DesktopArea::whole(SIZE), bytes)
}

/// The window with text that runs upward.
fn updates() -> Vec<DesktopEvent> {
    let mut random = fastrand::Rng::with_seed(2);
    // Each letter is a pattern of its own; its edges are smooth, as those of a drawn one.
    let letters: Vec<Vec<u8>> =
        (0..LETTERS).map(|_| (0..LETTER.0 * LETTER.1).map(|_| shade(&mut random)).collect()).collect();
    let rows = usize::from(WINDOW.height / LETTER.1) + usize::from(STEP) * PICTURES as usize / 16 + 2;
    let line = |random: &mut fastrand::Rng| {
        let length = random.u16(..WINDOW.width / LETTER.0);
        (0..length).map(|_| random.usize(..letters.len())).collect::<Vec<_>>()
    };
    let text: Vec<Vec<usize>> = (0..rows).map(|_| line(&mut random)).collect();
    let pixel = |x: u16, y: usize| {
        let letter = text.get(y / usize::from(LETTER.1)).and_then(|line| line.get(usize::from(x / LETTER.0)));
        let at = (y % usize::from(LETTER.1)) * usize::from(LETTER.0) + usize::from(x % LETTER.0);
        letter.and_then(|letter| letters.get(*letter)?.get(at)).copied().unwrap_or(255)
    };
    let picture = |number: usize| {
        let mut bytes = Vec::with_capacity(WINDOW.pixels() * PIXEL_BYTES);
        for y in 0..usize::from(WINDOW.height) {
            for x in 0..WINDOW.width {
                let gray = pixel(x, y + number * usize::from(STEP));
                bytes.extend([gray, gray, gray, 0]);
            }
        }
        update(WINDOW, bytes)
    };
    (0..PICTURES as usize).map(picture).collect()
}

fn shade(random: &mut fastrand::Rng) -> u8 {
    match random.u8(..10) {
        0..6 => 255,
        6..8 => 40,
        _ => random.u8(60..220),
    }
}

fn update(at: DesktopArea, bytes: Vec<u8>) -> DesktopEvent {
    DesktopEvent::Update { changes: vec![DesktopChange::Pixels { at, bytes }], last: true }
}

fn info() -> RecordingInfo {
    RecordingInfo {
        id: RecordingId::random(),
        session: SessionId::random(),
        connection: ConnectionId::random(),
        name: "Desktop".to_owned(),
        target: "127.0.0.1:5900".to_owned(),
        kind: "vnc".to_owned(),
        user: String::new(),
        os_user: "root".to_owned(),
        started: Timestamp(0),
        terminal: TerminalSize { columns: 80, rows: 24 },
        terminal_type: String::new(),
        command: None,
        surface: RecordedSurface::Desktop,
    }
}

/// A clock that goes on with each picture.
#[derive(Default)]
struct Steps(AtomicU64);

impl Steps {
    fn step(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Clock for Steps {
    fn now(&self) -> Timestamp {
        Timestamp(0)
    }
    fn monotonic(&self) -> Duration {
        let steps = u32::try_from(self.0.load(Ordering::SeqCst)).unwrap_or(u32::MAX);
        Duration::from_secs(1).saturating_mul(steps).checked_div(A_SECOND).unwrap_or_default()
    }
}
