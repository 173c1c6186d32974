//! Rectangles of updates, turned into changes of the picture.
//!
//! A rectangle whose length is known is read once it is whole; the others go on where they stopped.

use super::bytes::{Reader, Source as _, Stop};
use super::fault::Fault;
use super::hextile;
use super::inflate::{Inflated, Inflater, Scratch};
use super::messages::Encoding;
use super::picture::{Area, Canvas, Change, PIXEL, Size};
use super::tight::Tight;
use super::tiles::{self, Palette, Reuse};

/// The most bytes that compressed pixels of one rectangle have.
const MOST_COMPRESSED: usize = 64 << 20;
/// Raw pixels that are kept until they are handed out.
const RAW_BAND: usize = 4 << 20;

/// The streams of compressed pixels, which go on from rectangle to rectangle.
#[derive(Debug)]
pub(super) struct Decoders {
    zlib: Inflater,
    zrle: Inflater,
    tight: Tight,
}

/// A rectangle that is being read.
#[derive(Debug)]
pub(super) struct Rectangle {
    area: Area,
    progress: Progress,
}

#[derive(Debug)]
enum Progress {
    /// Nothing is taken until all is there.
    Whole(Encoding),
    Raw {
        first: u16,
        bytes: Vec<u8>,
    },
    Hextile {
        canvas: Canvas,
        next: usize,
        colours: hextile::Colours,
    },
    Trle {
        canvas: Canvas,
        next: usize,
        palette: Box<Palette>,
    },
}

/// Whether a rectangle is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Done {
    Yes,
    No,
}

impl Rectangle {
    pub(super) fn new(area: Area, encoding: Encoding) -> Self {
        let progress = match encoding {
            Encoding::Raw => Progress::Raw { first: 0, bytes: Vec::new() },
            Encoding::Hextile => {
                Progress::Hextile { canvas: Canvas::new(area), next: 0, colours: hextile::Colours::default() }
            }
            Encoding::Trle => {
                let palette = Box::new(Palette::new());
                Progress::Trle { canvas: Canvas::new(area), next: 0, palette }
            }
            Encoding::CopyRect | Encoding::Zlib | Encoding::Tight | Encoding::Zrle => {
                Progress::Whole(encoding)
            }
        };
        Self { area, progress }
    }
}

impl Decoders {
    pub(super) fn new() -> Self {
        Self { zlib: Inflater::new(), zrle: Inflater::new(), tight: Tight::new() }
    }

    /// Goes on with a rectangle, as far as its bytes are there. Fails where not one step can be done.
    pub(super) fn go_on(
        &mut self,
        rectangle: &mut Rectangle,
        from: &mut Reader<'_>,
        desktop: Size,
        scratch: &mut Scratch,
        changes: &mut Vec<Change>,
    ) -> Result<Done, Stop> {
        let area = rectangle.area;
        let size = (usize::from(area.width), usize::from(area.height));
        match &mut rectangle.progress {
            Progress::Whole(encoding) => {
                let change = self.whole(*encoding, from, area, desktop, scratch)?;
                changes.push(change);
                Ok(Done::Yes)
            }
            Progress::Raw { first, bytes } => raw(from, area, first, bytes, changes),
            Progress::Hextile { canvas, next, colours } => {
                let side = hextile::SIDE;
                each_tile(from, next, side, size, |from, tile| {
                    hextile::paint_tile(from, canvas, tile, colours)
                })
                .map(|done| painted(done, area, canvas, changes))
            }
            Progress::Trle { canvas, next, palette } => {
                let side = tiles::TRLE_SIDE;
                each_tile(from, next, side, size, |from, tile| {
                    tiles::paint_tile(from, canvas, tile, palette, Reuse::Allowed)
                })
                .map(|done| painted(done, area, canvas, changes))
            }
        }
    }

    /// Reads a rectangle that is all there.
    fn whole(
        &mut self,
        encoding: Encoding,
        from: &mut Reader<'_>,
        at: Area,
        desktop: Size,
        scratch: &mut Scratch,
    ) -> Result<Change, Stop> {
        match encoding {
            Encoding::CopyRect => {
                let (x, y) = (from.u16()?, from.u16()?);
                Area { x, y, ..at }.within(desktop)?;
                return Ok(Change::Copy { from: (x, y), to: at });
            }
            Encoding::Tight => return self.tight.read(from, at, scratch),
            _ => {}
        }
        let length = from.length("a compressed rectangle", most_compressed(at))?;
        let compressed = from.bytes(length)?;
        let stream = if encoding == Encoding::Zlib { &mut self.zlib } else { &mut self.zrle };
        let mut source = Inflated::new(stream, scratch, compressed);
        let bytes = if encoding == Encoding::Zlib {
            let mut bytes = Vec::with_capacity(at.pixels() * PIXEL);
            for _ in 0..at.height {
                bytes.extend_from_slice(source.take(usize::from(at.width) * PIXEL)?);
            }
            bytes
        } else {
            let (mut canvas, mut palette) = (Canvas::new(at), Palette::new());
            let size = (usize::from(at.width), usize::from(at.height));
            let mut number = 0;
            while let Some(tile) = tiles::tile(number, tiles::ZRLE_SIDE, size) {
                tiles::paint_tile(&mut source, &mut canvas, tile, &mut palette, Reuse::Forbidden)?;
                number += 1;
            }
            canvas.into_bytes()
        };
        source.finish()?;
        Ok(Change::Pixels { at, bytes })
    }
}

/// Says how long compressed pixels may be: somewhat more than the same pixels in the longest way to write them.
fn most_compressed(area: Area) -> usize {
    (area.pixels() * 5 + (16 << 10)).saturating_mul(2).min(MOST_COMPRESSED)
}

/// Takes the rows that are there, and hands them out in bands.
fn raw(
    from: &mut Reader<'_>,
    area: Area,
    first: &mut u16,
    bytes: &mut Vec<u8>,
    changes: &mut Vec<Change>,
) -> Result<Done, Stop> {
    let in_row = usize::from(area.width) * PIXEL;
    if in_row == 0 || area.height == 0 {
        return Ok(Done::Yes);
    }
    let missing = usize::from(area.height - *first) * in_row - bytes.len();
    let there = (from.left() / in_row * in_row).min(missing);
    if there == 0 {
        return Err(Stop::Short);
    }
    bytes.extend_from_slice(from.bytes(there)?);
    let done = there == missing;
    if done || bytes.len() >= RAW_BAND {
        let height = (bytes.len() / in_row) as u16;
        let at = Area { y: area.y + *first, height, ..area };
        changes.push(Change::Pixels { at, bytes: std::mem::take(bytes) });
        *first += height;
    }
    Ok(if done { Done::Yes } else { Done::No })
}

/// Paints tiles as long as their bytes are there.
fn each_tile(
    from: &mut Reader<'_>,
    next: &mut usize,
    side: usize,
    size: (usize, usize),
    mut paint: impl FnMut(&mut Reader<'_>, tiles::Tile) -> Result<(), Stop>,
) -> Result<Done, Stop> {
    let first = *next;
    while let Some(tile) = tiles::tile(*next, side, size) {
        let mut ahead = from.clone();
        match paint(&mut ahead, tile) {
            Ok(()) => {}
            Err(Stop::Short) if *next > first => return Ok(Done::No),
            Err(stop) => return Err(stop),
        }
        *from = ahead;
        *next += 1;
    }
    Ok(Done::Yes)
}

fn painted(done: Done, at: Area, canvas: &mut Canvas, changes: &mut Vec<Change>) -> Done {
    if done == Done::Yes {
        let bytes = std::mem::replace(canvas, Canvas::new(Area { width: 0, ..at })).into_bytes();
        changes.push(Change::Pixels { at, bytes });
    }
    done
}

/// The head of a rectangle: its place, and how it is encoded.
pub(super) fn head(from: &mut Reader<'_>) -> Result<(Area, i32), Stop> {
    let area = Area { x: from.u16()?, y: from.u16()?, width: from.u16()?, height: from.u16()? };
    Ok((area, from.i32()?))
}

/// Returns the encoding of a rectangle of pixels.
pub(super) fn encoding(number: i32) -> Result<Encoding, Fault> {
    Encoding::of(number).ok_or(Fault::UnknownEncoding(number))
}
