//! What the client sends, and the numbers of the protocol.

use super::picture::{Area, Size};

/// A way in which pixels are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// As they are.
    Raw,
    /// From elsewhere on the desktop.
    CopyRect,
    /// Tiles with rectangles in them.
    Hextile,
    /// As they are, by zlib.
    Zlib,
    /// zlib with filters, and JPEG, which is not asked for.
    Tight,
    /// Tiles of runs and palettes.
    Trle,
    /// The same by zlib.
    Zrle,
}

impl Encoding {
    /// All of them, those first that take least of the wire.
    pub const ALL: [Self; 7] =
        [Self::CopyRect, Self::Tight, Self::Zrle, Self::Trle, Self::Hextile, Self::Zlib, Self::Raw];

    /// Returns the name, as settings have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::CopyRect => "copyrect",
            Self::Hextile => "hextile",
            Self::Zlib => "zlib",
            Self::Tight => "tight",
            Self::Trle => "trle",
            Self::Zrle => "zrle",
        }
    }

    /// Returns the number, as the protocol has it.
    #[must_use]
    pub const fn number(self) -> i32 {
        match self {
            Self::Raw => 0,
            Self::CopyRect => 1,
            Self::Hextile => 5,
            Self::Zlib => 6,
            Self::Tight => 7,
            Self::Trle => 15,
            Self::Zrle => 16,
        }
    }

    /// Returns the encoding of a number.
    pub(super) fn of(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|encoding| encoding.number() == number)
    }
}

/// What is sent among the rectangles and is none.
pub(super) mod pseudo {
    pub(crate) const CURSOR: i32 = -239;
    pub(crate) const CURSOR_WITH_ALPHA: i32 = -314;
    pub(crate) const DESKTOP_SIZE: i32 = -223;
    pub(crate) const EXTENDED_DESKTOP_SIZE: i32 = -308;
    pub(crate) const LAST_RECT: i32 = -224;
    pub(crate) const FENCE: i32 = -312;
    pub(crate) const CONTINUOUS_UPDATES: i32 = -313;
    pub(crate) const EXTENDED_MOUSE_BUTTONS: i32 = -316;
    pub(crate) const EXTENDED_CLIPBOARD: i32 = 0xc0a1_e5ce_u32.cast_signed();
    /// Level 0; the others follow.
    pub(crate) const COMPRESSION: i32 = -256;
}

/// The buttons of a pointer that are down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Buttons {
    /// The first.
    pub left: bool,
    /// The second.
    pub middle: bool,
    /// The third.
    pub right: bool,
    /// The eighth, behind those of the wheel.
    pub back: bool,
    /// The ninth.
    pub forward: bool,
}

/// One screen of a desktop, as the server has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Screen {
    pub(super) id: u32,
    pub(super) flags: u32,
}

/// 32 bits for each pixel, 24 of them in use: blue, green, red, nothing.
pub(super) fn set_pixel_format() -> Vec<u8> {
    let head = [0, 0, 0, 0];
    let format = [32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0];
    [head.as_slice(), &format].concat()
}

pub(super) fn set_encodings(encodings: &[i32]) -> Vec<u8> {
    let mut message = vec![2, 0];
    message.extend((encodings.len() as u16).to_be_bytes());
    message.extend(encodings.iter().flat_map(|encoding| encoding.to_be_bytes()));
    message
}

pub(super) fn request_update(incremental: bool, size: Size) -> Vec<u8> {
    let mut message = vec![3, incremental.into()];
    put_area(&mut message, size.area());
    message
}

pub(super) fn enable_continuous_updates(size: Size) -> Vec<u8> {
    let mut message = vec![150, 1];
    put_area(&mut message, size.area());
    message
}

pub(super) fn key(keysym: u32, down: bool) -> Vec<u8> {
    let mut message = vec![4, down.into(), 0, 0];
    message.extend(keysym.to_be_bytes());
    message
}

/// A pointer, with buttons 1 to 9 as the bits of a number; those above the seventh in a byte of their own where the server knows that.
pub(super) fn pointer((x, y): (u16, u16), buttons: u16, extended: bool) -> Vec<u8> {
    let [high, low] = buttons.to_be_bytes();
    let mut message = vec![5, if extended { low | 0x80 } else { low }];
    message.extend(x.to_be_bytes());
    message.extend(y.to_be_bytes());
    if extended {
        message.push(high << 1 | low >> 7);
    }
    message
}

/// A clipboard's text in Latin-1, with what it does not have as a question mark.
pub(super) fn cut_text(text: &str) -> Vec<u8> {
    let text: Vec<u8> =
        text.chars().map(|character| u8::try_from(u32::from(character)).unwrap_or(b'?')).collect();
    let mut message = vec![6, 0, 0, 0];
    message.extend((text.len() as u32).to_be_bytes());
    message.extend(text);
    message
}

/// A message of the extended clipboard: its length is negative.
pub(super) fn extended_cut_text(content: &[u8]) -> Vec<u8> {
    let mut message = vec![6, 0, 0, 0];
    message.extend((-(content.len() as i32)).to_be_bytes());
    message.extend(content);
    message
}

/// The answer to a fence, at once: everything before it is done, and nothing behind it begun.
pub(super) fn fence(flags: u32, payload: &[u8]) -> Vec<u8> {
    let mut message = vec![248, 0, 0, 0];
    message.extend(flags.to_be_bytes());
    message.push(payload.len() as u8);
    message.extend(payload);
    message
}

pub(super) fn set_desktop_size(size: Size, screen: Screen) -> Vec<u8> {
    let mut message = vec![251, 0];
    message.extend(size.width.to_be_bytes());
    message.extend(size.height.to_be_bytes());
    message.extend([1, 0]);
    message.extend(screen.id.to_be_bytes());
    put_area(&mut message, size.area());
    message.extend(screen.flags.to_be_bytes());
    message
}

fn put_area(message: &mut Vec<u8>, area: Area) {
    for part in [area.x, area.y, area.width, area.height] {
        message.extend(part.to_be_bytes());
    }
}
