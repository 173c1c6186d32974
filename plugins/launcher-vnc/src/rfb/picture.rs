//! What a desktop shows: changes of its picture, and the pointer.

use super::fault::Fault;

/// The most pixels of one side of a desktop, as the host has it.
const MOST_SIDE: u16 = 8192;
/// The most pixels of a desktop, as the host has it.
const MOST_PIXELS: u32 = 16 << 20;

/// Pixels in a row, and rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Pixels in a row.
    pub width: u16,
    /// Rows.
    pub height: u16,
}

impl Size {
    /// Returns the size where a desktop may have it.
    pub(super) fn of_desktop(width: u16, height: u16) -> Result<Self, Fault> {
        let side = 1..=MOST_SIDE;
        let fits = side.contains(&width)
            && side.contains(&height)
            && u32::from(width) * u32::from(height) <= MOST_PIXELS;
        if fits { Ok(Self { width, height }) } else { Err(Fault::DesktopSize { width, height }) }
    }

    /// Returns all of it.
    #[must_use]
    pub const fn area(self) -> Area {
        Area { x: 0, y: 0, width: self.width, height: self.height }
    }
}

/// A rectangle of a desktop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Area {
    /// Its left.
    pub x: u16,
    /// Its top.
    pub y: u16,
    /// Its width.
    pub width: u16,
    /// Its height.
    pub height: u16,
}

impl Area {
    /// Returns how many pixels it has.
    #[must_use]
    pub fn pixels(self) -> usize {
        usize::from(self.width) * usize::from(self.height)
    }

    /// Tells whether it has none.
    pub(super) fn is_empty(self) -> bool {
        self.width == 0 || self.height == 0
    }

    /// Checks that it is on a desktop.
    pub(super) fn within(self, desktop: Size) -> Result<(), Fault> {
        let end = |start: u16, length: u16| u32::from(start) + u32::from(length);
        let inside = end(self.x, self.width) <= desktop.width.into()
            && end(self.y, self.height) <= desktop.height.into();
        let Self { x, y, width, height } = self;
        if inside { Ok(()) } else { Err(Fault::Outside { x, y, width, height }) }
    }
}

/// One change of a desktop's picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// New pixels, four bytes each: blue, green, red, and one that says nothing.
    Pixels {
        /// Where they are.
        at: Area,
        /// Row by row, without gaps.
        bytes: Vec<u8>,
    },
    /// Pixels that are on the desktop already.
    Copy {
        /// The upper left corner of where they come from.
        from: (u16, u16),
        /// Where they go.
        to: Area,
    },
    /// One colour.
    Fill {
        /// Where it goes.
        at: Area,
        /// Blue, green, red.
        colour: [u8; 3],
    },
}

impl Change {
    /// Returns how many bytes of pixels it has.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Pixels { bytes, .. } => bytes.len(),
            Self::Copy { .. } | Self::Fill { .. } => 0,
        }
    }

    /// Returns where it is.
    #[must_use]
    pub const fn area(&self) -> Area {
        match self {
            Self::Pixels { at, .. } | Self::Fill { at, .. } => *at,
            Self::Copy { to, .. } => *to,
        }
    }
}

/// The pointer's picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// Its size.
    pub size: Size,
    /// The point of it that points.
    pub hot: (u16, u16),
    /// Four bytes for each pixel: blue, green, red (not multiplied) and alpha.
    pub bytes: Vec<u8>,
}

/// Bytes of a pixel of a picture.
pub(super) const PIXEL: usize = 4;

/// A picture that tiles are painted on.
#[derive(Debug)]
pub(super) struct Canvas {
    bytes: Vec<u8>,
    width: usize,
}

impl Canvas {
    /// A black picture.
    pub(super) fn new(area: Area) -> Self {
        Self { bytes: vec![0; area.pixels() * PIXEL], width: area.width.into() }
    }

    /// Returns a piece of a row; an empty one outside of the picture.
    pub(super) fn row(&mut self, x: usize, y: usize, width: usize) -> &mut [u8] {
        let start = (y * self.width + x) * PIXEL;
        self.bytes.get_mut(start..start + width * PIXEL).unwrap_or_default()
    }

    /// Paints a rectangle in one colour.
    pub(super) fn fill(&mut self, x: usize, y: usize, (width, height): (usize, usize), colour: [u8; PIXEL]) {
        for row in y..y + height {
            paint(self.row(x, row, width), colour);
        }
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// Paints pixels in one colour.
pub(super) fn paint(pixels: &mut [u8], colour: [u8; PIXEL]) {
    for pixel in pixels.as_chunks_mut().0 {
        *pixel = colour;
    }
}
