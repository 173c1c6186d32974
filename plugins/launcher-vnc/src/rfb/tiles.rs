//! Tiles of the encodings TRLE and ZRLE (RFC 6143, sections 7.7.5 and 7.7.6).

use super::bytes::{Source, Stop};
use super::fault::Fault;
use super::picture::{Canvas, PIXEL, paint};

/// The most colours of a palette.
const MOST_COLOURS: usize = 127;
/// The side of a tile of ZRLE, which is the larger one.
pub(super) const ZRLE_SIDE: usize = 64;
/// The side of a tile of TRLE.
pub(super) const TRLE_SIDE: usize = 16;

const OUTSIDE_PALETTE: Fault = Fault::Pixels("a pixel has a colour that is not in its palette");
const UNKNOWN_TILE: Fault = Fault::Pixels("a tile is of a type that there is not");

/// Where a tile is on its rectangle.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tile {
    pub(super) x: usize,
    pub(super) y: usize,
    pub(super) width: usize,
    pub(super) height: usize,
}

/// Returns the tiles of a rectangle, row by row.
pub(super) fn tile(number: usize, side: usize, (width, height): (usize, usize)) -> Option<Tile> {
    let columns = width.div_ceil(side);
    let (x, y) = (number.checked_rem(columns)? * side, number.checked_div(columns)? * side);
    (y < height).then(|| Tile { x, y, width: side.min(width - x), height: side.min(height - y) })
}

/// The colours of a tile; in TRLE the next tile may have the same.
#[derive(Debug)]
pub(super) struct Palette {
    colours: [[u8; PIXEL]; MOST_COLOURS],
    length: usize,
}

impl Palette {
    pub(super) fn new() -> Self {
        Self { colours: [[0; PIXEL]; MOST_COLOURS], length: 0 }
    }

    fn read(&mut self, length: usize, from: &mut impl Source) -> Result<(), Stop> {
        self.length = length;
        for (colour, bytes) in self.colours.iter_mut().zip(from.take(length * 3)?.as_chunks().0) {
            *colour = opaque(*bytes);
        }
        Ok(())
    }

    fn colour(&self, index: u8) -> Result<[u8; PIXEL], Stop> {
        let known = self.colours.get(..self.length).unwrap_or_default();
        Ok(*known.get(usize::from(index)).ok_or(OUTSIDE_PALETTE)?)
    }
}

/// Whether a tile may use the palette of the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reuse {
    /// TRLE.
    Allowed,
    /// ZRLE.
    Forbidden,
}

/// Paints one tile. Where bytes are missing, the same tile can be painted again: nothing of the first time matters.
pub(super) fn paint_tile(
    from: &mut impl Source,
    canvas: &mut Canvas,
    tile: Tile,
    palette: &mut Palette,
    reuse: Reuse,
) -> Result<(), Stop> {
    let size = (tile.width, tile.height);
    match from.byte()? {
        0 => raw(from, canvas, tile),
        1 => {
            let colour = colour(from)?;
            canvas.fill(tile.x, tile.y, size, colour);
            Ok(())
        }
        length @ 2..=16 => {
            palette.read(length.into(), from)?;
            packed(from, canvas, tile, palette)
        }
        127 if reuse == Reuse::Allowed => packed(from, canvas, tile, palette),
        128 => runs(from, canvas, tile, |from| Ok((colour(from)?, true))),
        129 if reuse == Reuse::Allowed => palette_runs(from, canvas, tile, palette),
        length @ 130..=255 => {
            palette.read(usize::from(length) - 128, from)?;
            palette_runs(from, canvas, tile, palette)
        }
        _ => Err(UNKNOWN_TILE.into()),
    }
}

fn opaque([blue, green, red]: [u8; 3]) -> [u8; PIXEL] {
    [blue, green, red, 255]
}

fn colour(from: &mut impl Source) -> Result<[u8; PIXEL], Stop> {
    let bytes = from.take(3)?.first_chunk().copied().unwrap_or_default();
    Ok(opaque(bytes))
}

fn raw(from: &mut impl Source, canvas: &mut Canvas, tile: Tile) -> Result<(), Stop> {
    for y in tile.y..tile.y + tile.height {
        let bytes = from.take(tile.width * 3)?;
        let row = canvas.row(tile.x, y, tile.width);
        for (pixel, bytes) in row.as_chunks_mut().0.iter_mut().zip(bytes.as_chunks().0) {
            *pixel = opaque(*bytes);
        }
    }
    Ok(())
}

/// Indices of 1, 2 or 4 bits, each row from a byte of its own.
fn packed(from: &mut impl Source, canvas: &mut Canvas, tile: Tile, palette: &Palette) -> Result<(), Stop> {
    let (bits, in_byte) = match palette.length {
        2 => (1_u32, 8),
        3..=4 => (2, 4),
        5..=16 => (4, 2),
        _ => return Err(UNKNOWN_TILE.into()),
    };
    let mask = (1_u8 << bits) - 1;
    for y in tile.y..tile.y + tile.height {
        let bytes = from.take(tile.width.div_ceil(in_byte))?;
        let pixels = canvas.row(tile.x, y, tile.width).as_chunks_mut().0;
        for (pixels, byte) in pixels.chunks_mut(in_byte).zip(bytes) {
            let mut byte = *byte;
            for pixel in pixels {
                byte = byte.rotate_left(bits);
                *pixel = palette.colour(byte & mask)?;
            }
        }
    }
    Ok(())
}

fn palette_runs(
    from: &mut impl Source,
    canvas: &mut Canvas,
    tile: Tile,
    palette: &Palette,
) -> Result<(), Stop> {
    runs(from, canvas, tile, |from| {
        let index = from.byte()?;
        Ok((palette.colour(index & 0x7f)?, index & 0x80 != 0))
    })
}

/// Runs of one colour, which go on from row to row; `next` reads a colour and whether a length follows.
fn runs<S: Source>(
    from: &mut S,
    canvas: &mut Canvas,
    tile: Tile,
    next: impl Fn(&mut S) -> Result<([u8; PIXEL], bool), Stop>,
) -> Result<(), Stop> {
    let (mut x, mut y) = (0, 0);
    while y < tile.height {
        let (colour, has_length) = next(from)?;
        let mut run = 1 + if has_length { run_length(from, tile.width * tile.height)? } else { 0 };
        if run > tile.width * (tile.height - y) - x {
            return Err(Fault::Pixels("a run of pixels goes on behind its tile").into());
        }
        while run > 0 {
            let here = run.min(tile.width - x);
            paint(canvas.row(tile.x + x, tile.y + y, here), colour);
            run -= here;
            x += here;
            if x == tile.width {
                (x, y) = (0, y + 1);
            }
        }
    }
    Ok(())
}

/// Bytes that are added up, to the first that is not 255. What is more than `most` is not read to its end.
fn run_length(from: &mut impl Source, most: usize) -> Result<usize, Stop> {
    let mut length = 0;
    loop {
        let more = from.byte()?;
        length += usize::from(more);
        if more < 255 || length > most {
            return Ok(length);
        }
    }
}
