//! Sessions as bytes: what a server sends, from its version on.

use super::encoder::{Encoder, Encoding};
use super::picture::{Picture, Rect};

/// What a server says, one thing after the other.
#[derive(Debug, Clone, Default)]
pub struct Script {
    /// The bytes so far.
    pub bytes: Vec<u8>,
}

impl Script {
    /// A server of version 3.8 that asks for no password, with a desktop of this size.
    #[must_use]
    pub fn open(width: u16, height: u16) -> Self {
        Self::default().raw(b"RFB 003.008\n\x01\x01\0\0\0\0").init(width, height, b"desk")
    }

    /// Bytes as they are.
    #[must_use]
    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// Size, format of pixels, and name.
    #[must_use]
    pub fn init(self, width: u16, height: u16, name: &[u8]) -> Self {
        let format = [32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0];
        self.raw(&width.to_be_bytes())
            .raw(&height.to_be_bytes())
            .raw(&format)
            .raw(&(name.len() as u32).to_be_bytes())
            .raw(name)
    }

    /// The head of an update of so many rectangles.
    #[must_use]
    pub fn update(self, rectangles: u16) -> Self {
        self.raw(&[0, 0]).raw(&rectangles.to_be_bytes())
    }

    /// The head of a rectangle, or of what is none, and what stands behind it.
    #[must_use]
    pub fn rect(mut self, rect: Rect, encoding: i32, body: &[u8]) -> Self {
        for part in [rect.x, rect.y, rect.width, rect.height] {
            self = self.raw(&part.to_be_bytes());
        }
        self.raw(&encoding.to_be_bytes()).raw(body)
    }

    /// A rectangle of a picture.
    #[must_use]
    pub fn pixels(self, encoder: &mut Encoder, picture: &Picture, rect: Rect, encoding: Encoding) -> Self {
        let body = encoder.encode(picture, rect, encoding);
        self.rect(rect, encoding as i32, &body)
    }
}
