//! The encoding Hextile (RFC 6143, section 7.7.4): tiles of 16 x 16 pixels.

use super::bytes::{Reader, Stop};
use super::fault::Fault;
use super::picture::{Canvas, PIXEL};
use super::tiles::Tile;

/// The side of a tile.
pub(super) const SIDE: usize = 16;

const RAW: u8 = 1;
const BACKGROUND: u8 = 2;
const FOREGROUND: u8 = 4;
const ANY_SUBRECTANGLES: u8 = 8;
const COLOURED: u8 = 16;

/// The colours that a tile has from the one before where it names none.
#[derive(Debug, Default)]
pub(super) struct Colours {
    background: [u8; PIXEL],
    foreground: [u8; PIXEL],
}

/// Paints one tile. Where bytes are missing, the same tile can be painted again.
pub(super) fn paint_tile(
    from: &mut Reader<'_>,
    canvas: &mut Canvas,
    tile: Tile,
    colours: &mut Colours,
) -> Result<(), Stop> {
    let kind = from.u8()?;
    if kind & RAW != 0 {
        let bytes = from.bytes(tile.width * tile.height * PIXEL)?;
        for (y, row) in (tile.y..).zip(bytes.chunks_exact(tile.width * PIXEL)) {
            canvas.row(tile.x, y, tile.width).copy_from_slice(row);
        }
        return Ok(());
    }
    if kind & BACKGROUND != 0 {
        colours.background = from.array()?;
    }
    if kind & FOREGROUND != 0 {
        colours.foreground = from.array()?;
    }
    canvas.fill(tile.x, tile.y, (tile.width, tile.height), colours.background);
    if kind & ANY_SUBRECTANGLES == 0 {
        return Ok(());
    }
    for _ in 0..from.u8()? {
        let colour = if kind & COLOURED != 0 { from.array()? } else { colours.foreground };
        let [at, size] = from.array()?;
        let nibbles = |byte: u8| (usize::from(byte >> 4), usize::from(byte & 15));
        let ((x, y), (width, height)) = (nibbles(at), nibbles(size));
        let (width, height) = (width + 1, height + 1);
        if x + width > tile.width || y + height > tile.height {
            return Err(Fault::Pixels("a rectangle of a tile goes beyond it").into());
        }
        canvas.fill(tile.x + x, tile.y + y, (width, height), colour);
    }
    Ok(())
}
