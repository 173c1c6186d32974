//! The pixels of a desktop.

use ostler_core::{DesktopArea, DesktopChange, DesktopPoint, DesktopSize, PIXEL_BYTES};

/// Pixels of a tile in each direction; tiles at the right and lower edge are smaller.
pub const TILE: u16 = 64;
/// Bytes of a pixel outside: blue, green and red.
const COLOR_BYTES: usize = 3;

/// A change that is not on the desktop, or has another number of bytes than its area.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a change is not on the desktop")]
pub struct Outside;

/// The pixels of a desktop: four bytes each, of which the last one is always 0. Without a size there are none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Framebuffer {
    size: DesktopSize,
    pixels: Vec<u8>,
}

impl Default for Framebuffer {
    fn default() -> Self {
        Self { size: DesktopSize { width: 0, height: 0 }, pixels: Vec::new() }
    }
}

impl Framebuffer {
    /// Returns the size; 0 x 0 before it has one.
    #[must_use]
    pub fn size(&self) -> DesktopSize {
        self.size
    }

    /// Gives it another size: what fits stays, the rest is black.
    ///
    /// # Errors
    /// [`Outside`] for a size that no desktop has.
    pub fn resize(&mut self, size: DesktopSize) -> Result<(), Outside> {
        if !size.fits() {
            return Err(Outside);
        }
        let mut pixels = vec![0; size.pixels() * PIXEL_BYTES];
        let common = usize::from(self.size.width.min(size.width)) * PIXEL_BYTES;
        if common > 0 {
            let (old, new) = (row_bytes(self.size), row_bytes(size));
            for (to, from) in pixels.chunks_exact_mut(new).zip(self.pixels.chunks_exact(old)) {
                if let (Some(to), Some(from)) = (to.get_mut(..common), from.get(..common)) {
                    to.copy_from_slice(from);
                }
            }
        }
        *self = Self { size, pixels };
        Ok(())
    }

    /// Makes a change, and returns the area that it changed.
    ///
    /// # Errors
    /// [`Outside`]; nothing is changed then.
    pub fn apply(&mut self, change: &DesktopChange) -> Result<DesktopArea, Outside> {
        match change {
            DesktopChange::Pixels { at, bytes } => {
                let row = usize::from(at.width) * PIXEL_BYTES;
                if !at.within(self.size) || bytes.len() != at.pixels() * PIXEL_BYTES {
                    return Err(Outside);
                }
                for (to, from) in self.rows_mut(*at).zip(bytes.chunks_exact(row.max(1))) {
                    to.copy_from_slice(from);
                    clear_fourth(to);
                }
                Ok(*at)
            }
            DesktopChange::Fill { at, color: [blue, green, red] } => {
                if !at.within(self.size) {
                    return Err(Outside);
                }
                for row in self.rows_mut(*at) {
                    for pixel in row.chunks_exact_mut(PIXEL_BYTES) {
                        pixel.copy_from_slice(&[*blue, *green, *red, 0]);
                    }
                }
                Ok(*at)
            }
            DesktopChange::Copy { from, to } => self.copy(*from, *to),
        }
    }

    fn copy(&mut self, from: DesktopPoint, to: DesktopArea) -> Result<DesktopArea, Outside> {
        let source = DesktopArea { x: from.x, y: from.y, ..to };
        if !to.within(self.size) || !source.within(self.size) {
            return Err(Outside);
        }
        let (row, length) = (row_bytes(self.size), usize::from(to.width) * PIXEL_BYTES);
        let start = |x: u16, y: usize| y * row + usize::from(x) * PIXEL_BYTES;
        let height = usize::from(to.height);
        let one =
            |line: usize| (start(from.x, usize::from(from.y) + line), start(to.x, usize::from(to.y) + line));
        // In the direction in which no line is overwritten before it was read.
        let lines: Box<dyn Iterator<Item = usize>> =
            if to.y > from.y { Box::new((0..height).rev()) } else { Box::new(0..height) };
        for (source, target) in lines.map(one) {
            self.pixels.copy_within(source..source + length, target);
        }
        Ok(to)
    }

    /// Returns blue, green and red of each pixel of an area, row by row; none where it is not on the desktop.
    #[must_use]
    pub fn colors(&self, at: DesktopArea) -> Option<Vec<u8>> {
        if !at.within(self.size) {
            return None;
        }
        let mut colors = vec![0; at.pixels() * COLOR_BYTES];
        let row = usize::from(at.width) * COLOR_BYTES;
        for (to, from) in colors.chunks_exact_mut(row.max(1)).zip(self.rows(at)) {
            let (to, from) = (to.as_chunks_mut::<COLOR_BYTES>().0, from.as_chunks::<PIXEL_BYTES>().0);
            for (color, [blue, green, red, _]) in to.iter_mut().zip(from) {
                *color = [*blue, *green, *red];
            }
        }
        Some(colors)
    }

    /// Puts blue, green and red of each pixel into an area.
    ///
    /// # Errors
    /// [`Outside`]; nothing is changed then.
    pub fn put_colors(&mut self, at: DesktopArea, colors: &[u8]) -> Result<(), Outside> {
        if !at.within(self.size) || colors.len() != at.pixels() * COLOR_BYTES {
            return Err(Outside);
        }
        let row = usize::from(at.width) * COLOR_BYTES;
        for (to, from) in self.rows_mut(at).zip(colors.chunks_exact(row.max(1))) {
            let (to, from) = (to.as_chunks_mut::<PIXEL_BYTES>().0, from.as_chunks::<COLOR_BYTES>().0);
            for ([blue, green, red, _], color) in to.iter_mut().zip(from) {
                [*blue, *green, *red] = *color;
            }
        }
        Ok(())
    }

    /// Takes an area over from another framebuffer.
    ///
    /// # Errors
    /// [`Outside`] of one of them; nothing is changed then.
    pub fn copy_from(&mut self, other: &Self, at: DesktopArea) -> Result<(), Outside> {
        if !at.within(self.size) || !at.within(other.size) {
            return Err(Outside);
        }
        self.rows_mut(at).zip(other.rows(at)).for_each(|(to, from)| to.copy_from_slice(from));
        Ok(())
    }

    /// Tells whether an area is the same in another framebuffer.
    #[must_use]
    pub fn same(&self, other: &Self, at: DesktopArea) -> bool {
        at.within(self.size) && at.within(other.size) && self.rows(at).eq(other.rows(at))
    }

    /// Returns the tiles that an area touches: each as its area, from left to right and from the top down.
    pub fn tiles(&self, at: DesktopArea) -> impl Iterator<Item = DesktopArea> + use<> {
        let size = self.size;
        let of = |from: u16, length: u16, side: u16| {
            let end = (u32::from(from) + u32::from(length)).min(u32::from(side));
            let end = u16::try_from(end).unwrap_or(side);
            // An area without pixels touches nothing.
            let first = if length == 0 { end } else { from / TILE * TILE };
            (first..end).step_by(usize::from(TILE))
        };
        let (columns, rows) = (of(at.x, at.width, size.width), of(at.y, at.height, size.height));
        rows.flat_map(move |y| {
            columns.clone().map(move |x| DesktopArea {
                x,
                y,
                width: TILE.min(size.width - x),
                height: TILE.min(size.height - y),
            })
        })
    }

    fn rows(&self, at: DesktopArea) -> impl Iterator<Item = &[u8]> {
        let (from, length) = (usize::from(at.x) * PIXEL_BYTES, usize::from(at.width) * PIXEL_BYTES);
        let rows = self.pixels.chunks_exact(row_bytes(self.size).max(1));
        rows.skip(at.y.into()).take(at.height.into()).filter_map(move |row| row.get(from..from + length))
    }

    fn rows_mut(&mut self, at: DesktopArea) -> impl Iterator<Item = &mut [u8]> {
        let (from, length) = (usize::from(at.x) * PIXEL_BYTES, usize::from(at.width) * PIXEL_BYTES);
        let rows = self.pixels.chunks_exact_mut(row_bytes(self.size).max(1));
        rows.skip(at.y.into()).take(at.height.into()).filter_map(move |row| row.get_mut(from..from + length))
    }
}

fn row_bytes(size: DesktopSize) -> usize {
    usize::from(size.width) * PIXEL_BYTES
}

fn clear_fourth(row: &mut [u8]) {
    for pixel in row.chunks_exact_mut(PIXEL_BYTES) {
        if let Some(fourth) = pixel.last_mut() {
            *fourth = 0;
        }
    }
}
