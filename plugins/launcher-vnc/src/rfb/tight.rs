//! The encoding Tight (rfbproto, 'Tight Encoding'), as far as it is lossless: one colour, and zlib with three filters.
//!
//! JPEG is not asked for, so a server that sends it does not keep to the protocol.

use super::bytes::{Reader, Source, Stop};
use super::fault::Fault;
use super::inflate::{Inflated, Inflater, Scratch};
use super::picture::{Area, Change, PIXEL};

/// Where less than this is to be compressed, it is not.
const LEAST_COMPRESSED: usize = 12;

const FILL: u8 = 8;
const JPEG: u8 = 9;
const EXPLICIT_FILTER: u8 = 4;

const COPY: u8 = 0;
const PALETTE: u8 = 1;
const GRADIENT: u8 = 2;

/// The streams, which go on from rectangle to rectangle.
#[derive(Debug)]
pub(super) struct Tight([Inflater; 4]);

/// How the bytes of a rectangle stand for its pixels.
enum Filter<'a> {
    Copy,
    /// Two colours, one bit each; otherwise a byte each.
    Palette(&'a [[u8; 3]]),
    Gradient,
}

impl Tight {
    pub(super) fn new() -> Self {
        Self(std::array::from_fn(|_| Inflater::new()))
    }

    /// Reads one rectangle. Nothing changes where bytes are missing.
    pub(super) fn read(
        &mut self,
        from: &mut Reader<'_>,
        at: Area,
        scratch: &mut Scratch,
    ) -> Result<Change, Stop> {
        let control = from.u8()?;
        let method = control >> 4;
        match method {
            FILL => {
                let [red, green, blue] = from.array()?;
                self.reset(control);
                return Ok(Change::Fill { at, colour: [blue, green, red] });
            }
            JPEG => return Err(Fault::Pixels("the server sent JPEG, which was not asked for").into()),
            0..FILL => {}
            _ => return Err(Fault::Pixels("a rectangle of Tight is of a type that there is not").into()),
        }
        let filter = if method & EXPLICIT_FILTER == 0 { Filter::Copy } else { filter(from)? };
        let (width, height) = (usize::from(at.width), usize::from(at.height));
        let in_row = match &filter {
            Filter::Copy | Filter::Gradient => width * 3,
            Filter::Palette(colours) if colours.len() <= 2 => width.div_ceil(8),
            Filter::Palette(_) => width,
        };
        let bytes = if in_row * height < LEAST_COMPRESSED {
            let mut source = Reader::new(from.bytes(in_row * height)?);
            self.reset(control);
            unfilter(&mut source, &filter, at, in_row)?
        } else {
            let length = compact_length(from)?;
            let compressed = from.bytes(length)?;
            self.reset(control);
            let [first, second, third, fourth] = &mut self.0;
            let stream = match method & 3 {
                0 => first,
                1 => second,
                2 => third,
                _ => fourth,
            };
            let mut source = Inflated::new(stream, scratch, compressed);
            let bytes = unfilter(&mut source, &filter, at, in_row)?;
            source.finish()?;
            bytes
        };
        Ok(Change::Pixels { at, bytes })
    }

    /// Begins those streams anew that the server says.
    fn reset(&mut self, control: u8) {
        for (number, stream) in self.0.iter_mut().enumerate() {
            if control & (1 << number) != 0 {
                stream.reset();
            }
        }
    }
}

fn filter<'a>(from: &mut Reader<'a>) -> Result<Filter<'a>, Stop> {
    match from.u8()? {
        COPY => Ok(Filter::Copy),
        PALETTE => {
            let colours = usize::from(from.u8()?) + 1;
            Ok(Filter::Palette(from.bytes(colours * 3)?.as_chunks().0))
        }
        GRADIENT => Ok(Filter::Gradient),
        _ => Err(Fault::Pixels("a rectangle of Tight has a filter that there is not").into()),
    }
}

/// A length of one to three bytes, each with seven bits of it, the low ones first; the third has eight.
fn compact_length(from: &mut Reader<'_>) -> Result<usize, Stop> {
    let mut length = 0;
    for shift in [0, 7, 14] {
        let byte = usize::from(from.u8()?);
        let last = shift == 14;
        length |= (if last { byte } else { byte & 0x7f }) << shift;
        if last || byte & 0x80 == 0 {
            break;
        }
    }
    Ok(length)
}

fn opaque([red, green, blue]: [u8; 3]) -> [u8; PIXEL] {
    [blue, green, red, 255]
}

fn unfilter(from: &mut impl Source, filter: &Filter<'_>, at: Area, in_row: usize) -> Result<Vec<u8>, Stop> {
    let width = usize::from(at.width);
    let mut pixels = Vec::with_capacity(at.pixels() * PIXEL);
    let mut above = vec![[0; 3]; if matches!(filter, Filter::Gradient) { width } else { 0 }];
    for _ in 0..at.height {
        let row = from.take(in_row)?;
        match filter {
            Filter::Copy => pixels.extend(row.as_chunks().0.iter().flat_map(|pixel| opaque(*pixel))),
            Filter::Gradient => gradient(row, &mut above, &mut pixels),
            Filter::Palette(colours) if colours.len() <= 2 => {
                for index in 0..width {
                    let byte = row.get(index / 8).copied().unwrap_or_default();
                    pixels.extend(colour(colours, byte >> (7 - index % 8) & 1)?);
                }
            }
            Filter::Palette(colours) => {
                for index in row {
                    pixels.extend(colour(colours, *index)?);
                }
            }
        }
    }
    Ok(pixels)
}

fn colour(colours: &[[u8; 3]], index: u8) -> Result<[u8; PIXEL], Stop> {
    let colour = colours.get(usize::from(index));
    Ok(opaque(*colour.ok_or(Fault::Pixels("a pixel has a colour that is not in its palette"))?))
}

/// Each part of a colour is the difference to what the neighbours let expect: left + above - above left, within 0 to 255.
fn gradient(row: &[u8], above: &mut [[u8; 3]], pixels: &mut Vec<u8>) {
    let (mut left, mut above_left) = ([0; 3], [0; 3]);
    for (differences, above) in row.as_chunks::<3>().0.iter().zip(above) {
        let mut pixel = [0; 3];
        for (part, (difference, ((left, above), above_left))) in
            pixel.iter_mut().zip(differences.iter().zip(left.iter().zip(&*above).zip(above_left)))
        {
            let expected = i16::from(*left) + i16::from(*above) - i16::from(above_left);
            *part = difference.wrapping_add(expected.clamp(0, 255) as u8);
        }
        (above_left, left) = (*above, pixel);
        *above = pixel;
        pixels.extend(opaque(pixel));
    }
}
