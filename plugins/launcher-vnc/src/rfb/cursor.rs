//! The pointer's picture: the pseudo-encodings Cursor (RFC 6143, section 7.8.1) and Cursor With Alpha (rfbproto).

use super::bytes::{Reader, Stop};
use super::fault::Fault;
use super::messages::Encoding;
use super::picture::{Area, PIXEL, Shape, Size};

/// The most pixels of a side that the host shows; what is beyond is left out.
const MOST_SHOWN: u16 = 256;
/// The most pixels of a side that are read.
const MOST_READ: u16 = 1024;

/// Reads a picture with a mask of one bit for each pixel.
pub(super) fn with_mask(from: &mut Reader<'_>, area: Area) -> Result<Option<Shape>, Stop> {
    check(area)?;
    let pixels = from.bytes(area.pixels() * PIXEL)?.as_chunks::<PIXEL>().0;
    let in_row = usize::from(area.width).div_ceil(8);
    let mask = from.bytes(in_row * usize::from(area.height))?;
    Ok(shape(area, |x, y| {
        let [blue, green, red, _] = pixels.get(y * usize::from(area.width) + x).copied().unwrap_or_default();
        let set = mask.get(y * in_row + x / 8).is_some_and(|byte| byte << (x % 8) & 0x80 != 0);
        if set { [blue, green, red, 255] } else { [0; PIXEL] }
    }))
}

/// Reads a picture with alpha: red, green, blue, each multiplied with it.
pub(super) fn with_alpha(from: &mut Reader<'_>, area: Area) -> Result<Option<Shape>, Stop> {
    check(area)?;
    let encoding = from.i32()?;
    if encoding != Encoding::Raw.number() {
        return Err(Fault::UnknownEncoding(encoding).into());
    }
    let pixels = from.bytes(area.pixels() * PIXEL)?.as_chunks::<PIXEL>().0;
    Ok(shape(area, |x, y| {
        let [red, green, blue, alpha] =
            pixels.get(y * usize::from(area.width) + x).copied().unwrap_or_default();
        let divide = |part: u8| {
            let part = (u16::from(part) * 255 + u16::from(alpha) / 2).checked_div(alpha.into());
            part.unwrap_or_default().min(255) as u8
        };
        [divide(blue), divide(green), divide(red), alpha]
    }))
}

fn check(area: Area) -> Result<(), Fault> {
    let side = area.width.max(area.height);
    let too_long =
        Fault::TooLong { what: "a side of the pointer", length: side.into(), most: MOST_READ.into() };
    if side > MOST_READ { Err(too_long) } else { Ok(()) }
}

/// Makes the part that is shown; none is a pointer that can't be seen. The hot point stands in the place of the area.
fn shape(area: Area, pixel: impl Fn(usize, usize) -> [u8; PIXEL]) -> Option<Shape> {
    if area.is_empty() {
        return None;
    }
    let size = Size { width: area.width.min(MOST_SHOWN), height: area.height.min(MOST_SHOWN) };
    let mut bytes = Vec::with_capacity(size.area().pixels() * PIXEL);
    for y in 0..usize::from(size.height) {
        for x in 0..usize::from(size.width) {
            bytes.extend(pixel(x, y));
        }
    }
    // A point beyond its picture would point nowhere.
    let hot = (area.x.min(size.width - 1), area.y.min(size.height - 1));
    Some(Shape { size, hot, bytes })
}
