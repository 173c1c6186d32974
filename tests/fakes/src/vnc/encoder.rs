//! Encoders: a rectangle of a picture as the bytes of one encoding.

use fastrand::Rng;
use flate2::{Compress, Compression, FlushCompress};

use super::picture::{Picture, Rect};
use super::tiles::{self, Hextile};

/// An encoding, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words say it")]
pub enum Encoding {
    Raw = 0,
    Hextile = 5,
    Zlib = 6,
    Tight = 7,
    Trle = 15,
    Zrle = 16,
}

impl Encoding {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Raw, Self::Hextile, Self::Zlib, Self::Tight, Self::Trle, Self::Zrle];
}

/// One server's encoders, with streams that go on from rectangle to rectangle.
#[derive(Debug)]
pub struct Encoder {
    random: Rng,
    zlib: Compress,
    zrle: Compress,
    tight: [Compress; 4],
}

impl Encoder {
    /// Begins; the same seed encodes alike.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let stream = || Compress::new(Compression::fast(), true);
        let tight = std::array::from_fn(|_| stream());
        Self { random: Rng::with_seed(seed), zlib: stream(), zrle: stream(), tight }
    }

    /// Returns what stands behind the head of a rectangle.
    #[must_use]
    pub fn encode(&mut self, picture: &Picture, rect: Rect, encoding: Encoding) -> Vec<u8> {
        let pixels = picture.part(rect);
        let four =
            || pixels.iter().flat_map(|[blue, green, red]| [*blue, *green, *red, 7]).collect::<Vec<_>>();
        match encoding {
            Encoding::Raw => four(),
            Encoding::Zlib => with_length(&compress(&mut self.zlib, &four())),
            Encoding::Hextile => {
                let (mut bytes, mut state) = (Vec::new(), Hextile::default());
                for tile in tiles_of(rect, 16) {
                    state.put(&picture.part(tile), tile.width.into(), &mut self.random, &mut bytes);
                }
                bytes
            }
            Encoding::Trle => {
                let (mut bytes, mut palette) = (Vec::new(), Vec::new());
                for tile in tiles_of(rect, 16) {
                    let part = picture.part(tile);
                    let palette = Some(&mut palette);
                    tiles::trle(&part, tile.width.into(), palette, &mut self.random, &mut bytes);
                }
                bytes
            }
            Encoding::Zrle => {
                let mut bytes = Vec::new();
                for tile in tiles_of(rect, 64) {
                    let part = picture.part(tile);
                    tiles::trle(&part, tile.width.into(), None, &mut self.random, &mut bytes);
                }
                with_length(&compress(&mut self.zrle, &bytes))
            }
            Encoding::Tight => self.tight(&pixels, rect),
        }
    }

    fn tight(&mut self, pixels: &[[u8; 3]], rect: Rect) -> Vec<u8> {
        let mut colours = pixels.to_vec();
        colours.sort_unstable();
        colours.dedup();
        let rgb = |[blue, green, red]: [u8; 3]| [red, green, blue];
        let reset: u8 = if self.random.u8(..4) == 0 { self.random.u8(..16) } else { 0 };
        for (number, stream) in self.tight.iter_mut().enumerate() {
            if reset & (1 << number) != 0 {
                stream.reset();
            }
        }
        if let [one] = colours.as_slice() {
            return [&[0x80 | reset], rgb(*one).as_slice()].concat();
        }
        let stream = self.random.u8(..4);
        let index =
            |pixel: &[u8; 3]| colours.iter().position(|colour| colour == pixel).unwrap_or_default() as u8;
        let (explicit, filter, data) = match self.random.u8(..3) {
            0 if colours.len() <= 256 => {
                let palette = colours.iter().flat_map(|colour| rgb(*colour));
                let filter: Vec<u8> = [1, (colours.len() - 1) as u8].into_iter().chain(palette).collect();
                let rows = pixels.chunks(rect.width.into());
                let data = if colours.len() == 2 {
                    let byte = |bits: &[[u8; 3]]| {
                        let byte = bits.iter().fold(0, |byte, pixel| byte << 1 | index(pixel));
                        byte << (8 - bits.len())
                    };
                    rows.flat_map(|row| row.chunks(8).map(byte)).collect()
                } else {
                    pixels.iter().map(index).collect()
                };
                (0x40, filter, data)
            }
            1 => (0x40, vec![2], differences(pixels, rect.width.into())),
            _ => {
                let data: Vec<u8> = pixels.iter().flat_map(|pixel| rgb(*pixel)).collect();
                if self.random.bool() { (0x40, vec![0], data) } else { (0, Vec::new(), data) }
            }
        };
        let mut bytes = vec![explicit | stream << 4 | reset];
        bytes.extend(filter);
        if data.len() < 12 {
            bytes.extend(data);
        } else if let Some(stream) = self.tight.get_mut(usize::from(stream)) {
            let compressed = compress(stream, &data);
            let mut length = compressed.len();
            assert!(length < 1 << 22, "a rectangle of Tight has at most 4 MiB");
            for last in [false, false, true] {
                let more = !last && length > 0x7f;
                bytes.push(if last { length as u8 } else { (length & 0x7f) as u8 | u8::from(more) << 7 });
                length >>= 7;
                if !more {
                    break;
                }
            }
            bytes.extend(compressed);
        }
        bytes
    }
}

/// What is left of each part of a pixel when left + above - above left is taken from it.
fn differences(pixels: &[[u8; 3]], width: usize) -> Vec<u8> {
    let at = |x: usize, y: usize| -> [u8; 3] {
        let (Some(x), Some(y)) = (x.checked_sub(1), y.checked_sub(1)) else { return [0; 3] };
        pixels.get(y * width + x).copied().unwrap_or_default()
    };
    let mut data = Vec::new();
    for (number, pixel) in pixels.iter().enumerate() {
        let (x, y) = (number % width, number / width);
        let (left, above, above_left) = (at(x, y + 1), at(x + 1, y), at(x, y));
        for part in [2, 1, 0] {
            let of = |pixel: [u8; 3]| i16::from(pixel.get(part).copied().unwrap_or_default());
            let expected = (of(left) + of(above) - of(above_left)).clamp(0, 255);
            data.push((of(*pixel) - expected) as u8);
        }
    }
    data
}

fn tiles_of(rect: Rect, side: u16) -> impl Iterator<Item = Rect> {
    let step = usize::from(side);
    (rect.y..rect.y + rect.height).step_by(step).flat_map(move |y| {
        (rect.x..rect.x + rect.width).step_by(step).map(move |x| Rect {
            x,
            y,
            width: side.min(rect.x + rect.width - x),
            height: side.min(rect.y + rect.height - y),
        })
    })
}

fn with_length(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_be_bytes(), bytes].concat()
}

/// Compresses, up to a point where the other end has all of it.
fn compress(stream: &mut Compress, bytes: &[u8]) -> Vec<u8> {
    let mut compressed = Vec::with_capacity(bytes.len() + 1024);
    let (start, mut rest) = (stream.total_in(), bytes);
    loop {
        compressed.reserve(1024);
        let done = stream.compress_vec(rest, &mut compressed, FlushCompress::Sync);
        assert!(done.is_ok(), "memory can be compressed into");
        let taken = usize::try_from(stream.total_in() - start).unwrap_or(usize::MAX);
        rest = bytes.get(taken..).unwrap_or_default();
        if rest.is_empty() && compressed.len() < compressed.capacity() {
            return compressed;
        }
    }
}
