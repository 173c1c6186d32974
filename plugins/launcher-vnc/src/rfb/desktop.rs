//! An open desktop: the server's messages (RFC 6143, section 7.6, and rfbproto), and when a new update is asked for.

use super::bytes::{Reader, Stop};
use super::client::{Act, Options, Outbox};
use super::clipboard::{self, Clipboard, Heard, MOST_TEXT};
use super::cursor;
use super::fault::Fault;
use super::inflate::Scratch;
use super::messages::{self, Buttons, Encoding, Screen, pseudo};
use super::picture::{Area, Change, Size};
use super::update::{self, Decoders, Done, Rectangle};

/// The most changes that are shown at once.
const MOST_CHANGES: usize = 4096;
/// Bytes of pixels that wait for the end of their update: as many as a desktop of 3840 x 2160 has. What comes behind them is shown apart,
/// so that they and the largest rectangle have room in a plugin's memory.
const MOST_BYTES: usize = 32 << 20;
/// The most turns of a wheel that one event is.
const MOST_TURNS: u16 = 32;
/// How many rectangles an update has whose end is a rectangle of its own.
const UNTIL_LAST: u16 = 0xffff;
/// The most bytes of a server's message about its clipboard that are read; what is longer is left out.
const MOST_CUT: usize = 2 * MOST_TEXT;
/// Flags of a fence that a client may answer with: before, behind, and in step with the next message.
const FENCE_FLAGS: u32 = 7;
/// The flag of a fence that asks for an answer.
const FENCE_REQUEST: u32 = 1 << 31;

/// The state of an open desktop.
#[derive(Debug)]
pub(super) struct Desktop {
    size: Size,
    decoders: Decoders,
    scratch: Scratch,
    pub(super) clipboard: Clipboard,
    /// The screen of the server; none where it can't change its size.
    screen: Option<Screen>,
    /// Whether the server sends updates without being asked.
    continuous: bool,
    /// Whether the server knows more than seven buttons.
    more_buttons: bool,
    reading: Reading,
    /// Changes of the update that is being read, and their bytes of pixels.
    changes: Vec<Change>,
    bytes: usize,
}

/// What is being read.
#[derive(Debug)]
enum Reading {
    /// A message begins.
    Message,
    /// Rectangles of an update, so many.
    Rectangles(u16),
    /// One of them, and how many are left behind it.
    Rectangle(Rectangle, u16),
    /// Bytes that are left out.
    Skip(usize),
}

impl Desktop {
    /// Begins with a desktop: says what is wanted, and asks for all of the picture.
    pub(super) fn open(size: Size, options: &Options, out: &mut Outbox) -> Self {
        let mut encodings: Vec<i32> = options.encodings.iter().copied().map(Encoding::number).collect();
        encodings.extend([pseudo::LAST_RECT, pseudo::DESKTOP_SIZE, pseudo::EXTENDED_DESKTOP_SIZE]);
        encodings.extend([pseudo::FENCE, pseudo::CONTINUOUS_UPDATES, pseudo::EXTENDED_MOUSE_BUTTONS]);
        if options.local_cursor {
            encodings.extend([pseudo::CURSOR_WITH_ALPHA, pseudo::CURSOR]);
        }
        if options.clipboard {
            encodings.push(pseudo::EXTENDED_CLIPBOARD);
        }
        encodings.extend(options.compression.map(|level| pseudo::COMPRESSION + i32::from(level.min(9))));
        out.push(Act::Resize(size));
        out.send(&messages::set_pixel_format());
        out.send(&messages::set_encodings(&encodings));
        out.send(&messages::request_update(false, size));
        Self {
            size,
            decoders: Decoders::new(),
            scratch: Scratch::new(),
            clipboard: Clipboard::default(),
            screen: None,
            continuous: false,
            more_buttons: false,
            reading: Reading::Message,
            changes: Vec::new(),
            bytes: 0,
        }
    }

    /// Takes one step.
    pub(super) fn step(
        &mut self,
        from: &mut Reader<'_>,
        options: &Options,
        out: &mut Outbox,
    ) -> Result<(), Stop> {
        match &mut self.reading {
            Reading::Message => self.message(from, options, out),
            Reading::Rectangles(0) => {
                self.show(out);
                self.reading = Reading::Message;
                Ok(())
            }
            Reading::Rectangles(left) => {
                let left = *left;
                self.rectangle(from, left, options, out)
            }
            Reading::Rectangle(rectangle, left) => {
                let left = *left;
                let mut changes = Vec::new();
                let done =
                    self.decoders.go_on(rectangle, from, self.size, &mut self.scratch, &mut changes)?;
                if done == Done::Yes {
                    self.reading = Reading::Rectangles(left);
                }
                for change in changes {
                    self.add(change, out);
                }
                Ok(())
            }
            Reading::Skip(left) => {
                let there = from.left().min(*left);
                if there == 0 && *left > 0 {
                    return Err(Stop::Short);
                }
                from.bytes(there)?;
                *left -= there;
                if *left == 0 {
                    self.reading = Reading::Message;
                }
                Ok(())
            }
        }
    }

    /// Sends the pointer: where it is, and each turn of the wheel as a click of its own.
    pub(super) fn pointer(&self, at: (u16, u16), buttons: Buttons, wheel: (i16, i16), out: &mut Outbox) {
        let held = [
            (buttons.left, 0),
            (buttons.middle, 1),
            (buttons.right, 2),
            (buttons.back, 7),
            (buttons.forward, 8),
        ];
        let held = held.into_iter().filter(|(down, _)| *down).fold(0, |held, (_, bit)| held | 1 << bit);
        // A point beyond the desktop is one of a window that was larger a moment ago.
        let at = (at.0.min(self.size.width - 1), at.1.min(self.size.height - 1));
        let mut send = |buttons| out.send(&messages::pointer(at, buttons, self.more_buttons));
        send(held);
        for (turns, forth, back) in [(wheel.1, 4, 3), (wheel.0, 6, 5)] {
            let button = 1 << if turns > 0 { forth } else { back };
            for _ in 0..turns.unsigned_abs().min(MOST_TURNS) {
                send(held | button);
                send(held);
            }
        }
    }

    /// Asks the server for a desktop as large as the window.
    pub(super) fn ask_for_size(&self, options: &Options, out: &mut Outbox) {
        if let (Some(screen), Some(window)) = (self.screen, options.window)
            && options.resize
            && !options.view_only
            && window != self.size
            && Size::of_desktop(window.width, window.height).is_ok()
        {
            out.send(&messages::set_desktop_size(window, screen));
        }
    }

    fn message(&mut self, from: &mut Reader<'_>, options: &Options, out: &mut Outbox) -> Result<(), Stop> {
        match from.u8()? {
            0 => {
                from.bytes(1)?;
                self.reading = Reading::Rectangles(from.u16()?);
                // While this update is on its way, the server can work on the next.
                if !self.continuous {
                    out.send(&messages::request_update(true, self.size));
                }
            }
            // Colours by number, which were not asked for.
            1 => {
                from.bytes(3)?;
                self.reading = Reading::Skip(usize::from(from.u16()?) * 6);
            }
            2 => out.push(Act::Bell),
            3 => self.cut_text(from, options, out)?,
            // For the first time, it says that it can send updates without being asked; then, that it ceases to.
            150 => {
                self.continuous = !self.continuous;
                out.send(&if self.continuous {
                    messages::enable_continuous_updates(self.size)
                } else {
                    messages::request_update(true, self.size)
                });
            }
            248 => {
                from.bytes(3)?;
                let (flags, length) = (from.u32()?, from.u8()?);
                let payload = from.bytes(length.into())?;
                if length > 64 {
                    return Err(Fault::Order("a fence is longer than 64 bytes").into());
                }
                if flags & FENCE_REQUEST != 0 {
                    out.send(&messages::fence(flags & FENCE_FLAGS, payload));
                }
            }
            other => return Err(Fault::UnknownMessage(other).into()),
        }
        Ok(())
    }

    fn cut_text(&mut self, from: &mut Reader<'_>, options: &Options, out: &mut Outbox) -> Result<(), Stop> {
        from.bytes(3)?;
        let length = from.i32()?;
        let bytes = usize::try_from(length.unsigned_abs()).unwrap_or(usize::MAX);
        if !options.clipboard || bytes > MOST_CUT {
            self.reading = Reading::Skip(bytes);
            return Ok(());
        }
        let content = from.bytes(bytes)?;
        let heard = if length < 0 {
            self.clipboard.take(content, &mut self.scratch)?
        } else {
            Heard::Text(clipboard::latin_1(content))
        };
        match heard {
            Heard::Text(text) if text.len() <= MOST_TEXT => out.push(Act::Clipboard(text)),
            Heard::Answer(message) => out.send(&message),
            Heard::Text(_) | Heard::Nothing => {}
        }
        Ok(())
    }

    /// Reads the head of a rectangle, and what is none.
    fn rectangle(
        &mut self,
        from: &mut Reader<'_>,
        left: u16,
        options: &Options,
        out: &mut Outbox,
    ) -> Result<(), Stop> {
        let (area, number) = update::head(from)?;
        let after = if left == UNTIL_LAST { left } else { left - 1 };
        let mut reading = Reading::Rectangles(after);
        match number {
            pseudo::LAST_RECT => reading = Reading::Rectangles(0),
            pseudo::CURSOR if options.local_cursor => out.push(Act::Pointer(cursor::with_mask(from, area)?)),
            pseudo::CURSOR_WITH_ALPHA if options.local_cursor => {
                out.push(Act::Pointer(cursor::with_alpha(from, area)?));
            }
            pseudo::DESKTOP_SIZE => self.resize(area, out)?,
            pseudo::EXTENDED_DESKTOP_SIZE => self.extended_size(from, area, options, out)?,
            pseudo::EXTENDED_MOUSE_BUTTONS => self.more_buttons = true,
            number => {
                let encoding = update::encoding(number)?;
                area.within(self.size)?;
                if encoding != Encoding::Raw && !options.encodings.contains(&encoding) {
                    return Err(Fault::UnknownEncoding(number).into());
                }
                reading = Reading::Rectangle(Rectangle::new(area, encoding), after);
            }
        }
        self.reading = reading;
        Ok(())
    }

    /// The place of the area says who changed the size, and whether that was allowed.
    fn extended_size(
        &mut self,
        from: &mut Reader<'_>,
        area: Area,
        options: &Options,
        out: &mut Outbox,
    ) -> Result<(), Stop> {
        let count = from.u8()?;
        from.bytes(3)?;
        let screens = from.bytes(usize::from(count) * 16)?;
        let first = self.screen.is_none();
        let mut screen = Reader::new(screens);
        self.screen = Some(if count > 0 {
            let id = screen.u32()?;
            screen.bytes(8)?;
            Screen { id, flags: screen.u32()? }
        } else {
            Screen::default()
        });
        let (asked_here, refused) = (area.x == 1, area.y != 0);
        if !(asked_here && refused) {
            self.resize(area, out)?;
        }
        if first {
            self.ask_for_size(options, out);
        }
        Ok(())
    }

    /// Changes the size, shows what came before, and asks for all of the new picture.
    fn resize(&mut self, area: Area, out: &mut Outbox) -> Result<(), Stop> {
        let size = Size::of_desktop(area.width, area.height)?;
        if size == self.size {
            return Ok(());
        }
        self.show(out);
        self.size = size;
        out.push(Act::Resize(size));
        if self.continuous {
            out.send(&messages::enable_continuous_updates(size));
        }
        out.send(&messages::request_update(false, size));
        Ok(())
    }

    fn add(&mut self, change: Change, out: &mut Outbox) {
        if change.area().is_empty() {
            return;
        }
        if self.changes.len() == MOST_CHANGES || self.bytes + change.bytes() > MOST_BYTES {
            self.show(out);
        }
        self.bytes += change.bytes();
        self.changes.push(change);
    }

    fn show(&mut self, out: &mut Outbox) {
        self.bytes = 0;
        if !self.changes.is_empty() {
            out.push(Act::Show(std::mem::take(&mut self.changes)));
        }
    }
}
