//! What a desktop shows and what the user does with it: sizes, areas, changes of pixels, the pointer, keys.
//!
//! Pixels are four bytes: blue, green, red, and one that is not read; row by row, without gaps. Nothing here is checked against a size:
//! that is the surface's business.

use serde::{Deserialize, Serialize};

use crate::DesktopSize;

/// Bytes of a pixel.
pub const PIXEL_BYTES: usize = 4;

impl DesktopSize {
    /// The most pixels in each direction.
    pub const LARGEST_SIDE: u16 = 8192;
    /// The most pixels in all: 4096 x 4096.
    pub const MOST_PIXELS: usize = 16 << 20;

    /// Tells whether a desktop can have this size.
    #[must_use]
    pub fn fits(self) -> bool {
        let side = |side: u16| (1..=Self::LARGEST_SIDE).contains(&side);
        side(self.width) && side(self.height) && self.pixels() <= Self::MOST_PIXELS
    }

    /// Returns the number of pixels.
    #[must_use]
    pub fn pixels(self) -> usize {
        usize::from(self.width) * usize::from(self.height)
    }
}

/// A point of a desktop, in pixels from its upper left corner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DesktopPoint {
    /// From the left.
    pub x: u16,
    /// From the top.
    pub y: u16,
}

/// A rectangle of a desktop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DesktopArea {
    /// Its left edge.
    pub x: u16,
    /// Its upper edge.
    pub y: u16,
    /// Its width in pixels.
    pub width: u16,
    /// Its height in pixels.
    pub height: u16,
}

impl DesktopArea {
    /// Returns all of a desktop.
    #[must_use]
    pub const fn whole(size: DesktopSize) -> Self {
        Self { x: 0, y: 0, width: size.width, height: size.height }
    }

    /// Returns the number of pixels.
    #[must_use]
    pub fn pixels(self) -> usize {
        usize::from(self.width) * usize::from(self.height)
    }

    /// Tells whether all of it is on a desktop.
    #[must_use]
    pub fn within(self, size: DesktopSize) -> bool {
        let inside =
            |from: u16, length: u16, side: u16| u32::from(from) + u32::from(length) <= u32::from(side);
        inside(self.x, self.width, size.width) && inside(self.y, self.height, size.height)
    }
}

/// A change of pixels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DesktopChange {
    /// These pixels.
    Pixels {
        /// Where.
        at: DesktopArea,
        /// Four bytes for each pixel of the area.
        #[serde(with = "whole")]
        bytes: Vec<u8>,
    },
    /// What stands at another place of the desktop, as it was before this change.
    Copy {
        /// The upper left corner of that place.
        from: DesktopPoint,
        /// Where to.
        to: DesktopArea,
    },
    /// One color.
    Fill {
        /// Where.
        at: DesktopArea,
        /// Blue, green and red.
        color: [u8; 3],
    },
}

/// The picture of the pointer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PointerShape {
    /// Its size.
    pub size: DesktopSize,
    /// The point of it that points.
    pub hot: DesktopPoint,
    /// Blue, green, red and alpha of each pixel.
    #[serde(with = "whole")]
    pub bytes: Vec<u8>,
}

/// Something that a desktop shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DesktopEvent {
    /// It has this size from now on: what fits stays, the rest is black.
    Size(DesktopSize),
    /// Changes, in their order; at most about 1 MiB of pixels.
    Update {
        /// The changes.
        changes: Vec<DesktopChange>,
        /// Whether the update ends here: until then nothing of it is seen.
        last: bool,
    },
    /// The pointer looks like this; none is invisible.
    Pointer(Option<PointerShape>),
    /// The server's clipboard.
    Clipboard(String),
    /// A bell rings.
    Bell,
}

/// What the pointer did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PointerInput {
    /// Where it is.
    pub at: DesktopPoint,
    /// The buttons that are down.
    pub buttons: PointerButtons,
    /// Turns of the wheel to the right since the last time.
    pub wheel_x: i16,
    /// Turns of the wheel towards the user since the last time.
    pub wheel_y: i16,
}

/// Buttons of the pointer that are down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each button is down or up")]
pub struct PointerButtons {
    /// The left one.
    pub left: bool,
    /// The middle one.
    pub middle: bool,
    /// The right one.
    pub right: bool,
    /// The one that goes back.
    pub back: bool,
    /// The one that goes forward.
    pub forward: bool,
}

/// A key that went down or up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyInput {
    /// The key's X11 keysym (X11/keysymdef.h).
    pub keysym: u32,
    /// Whether it went down.
    pub down: bool,
}

/// Bytes as one value, not as a list of numbers: pixels go over the socket between a host and its front end.
mod whole {
    use serde::de::{SeqAccess, Visitor};
    use serde::{Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytes)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        deserializer.deserialize_byte_buf(Bytes)
    }

    struct Bytes;

    impl<'de> Visitor<'de> for Bytes {
        type Value = Vec<u8>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("bytes")
        }

        fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
            Ok(bytes.to_vec())
        }

        fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
            Ok(bytes)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<u8>, A::Error> {
            let mut bytes = Vec::new();
            while let Some(byte) = items.next_element()? {
                bytes.push(byte);
            }
            Ok(bytes)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_areas_have_their_bounds() {
        let size = |width, height| DesktopSize { width, height };
        assert!(size(1, 1).fits() && size(8192, 2048).fits() && size(4096, 4096).fits());
        assert!(!size(0, 1).fits() && !size(1, 8193).fits() && !size(4097, 4096).fits());
        let area = |x, y, width, height| DesktopArea { x, y, width, height };
        assert!(area(0, 0, 10, 10).within(size(10, 10)) && area(9, 9, 1, 1).within(size(10, 10)));
        assert!(
            !area(9, 9, 2, 1).within(size(10, 10)) && !area(u16::MAX, 0, u16::MAX, 1).within(size(10, 10))
        );
    }

    #[test]
    fn pixels_come_back_as_they_were() {
        let event = DesktopEvent::Update {
            changes: vec![DesktopChange::Pixels {
                at: DesktopArea { x: 0, y: 0, width: 1, height: 1 },
                bytes: vec![1, 2, 3, 255],
            }],
            last: true,
        };
        let json = serde_json::to_string(&event).unwrap();
        assert_eq!(serde_json::from_str::<DesktopEvent>(&json).unwrap(), event);
    }
}
