//! Tiles of Hextile, TRLE and ZRLE, as RFC 6143 has them.

use fastrand::Rng;

type Colour = [u8; 3];

/// The colours of a tile, each once.
fn colours(tile: &[Colour]) -> Vec<Colour> {
    let mut colours: Vec<Colour> = tile.to_vec();
    colours.sort_unstable();
    colours.dedup();
    colours
}

/// Runs of one colour: the colour and how many pixels it has.
fn runs(tile: &[Colour]) -> impl Iterator<Item = (Colour, usize)> {
    tile.chunk_by(|one, other| one == other).filter_map(|run| Some((*run.first()?, run.len())))
}

fn put_run_length(length: usize, to: &mut Vec<u8>) {
    let rest = length - 1;
    to.extend(std::iter::repeat_n(255, rest / 255));
    to.push((rest % 255) as u8);
}

/// A tile of TRLE or ZRLE, in one of the ways that its colours allow. `palette` is what the tile before had, where it may be used again.
pub(super) fn trle(
    tile: &[Colour],
    width: usize,
    palette: Option<&mut Vec<Colour>>,
    random: &mut Rng,
    to: &mut Vec<u8>,
) {
    let own = colours(tile);
    if own.len() == 1 && random.u8(..4) > 0 {
        to.push(1);
        to.extend(own.concat());
        return;
    }
    let again = palette.as_deref().filter(|known| own.iter().all(|colour| known.contains(colour)));
    let (known, reused) = match again {
        Some(known) if !known.is_empty() && random.bool() => (known.clone(), true),
        _ => (own, false),
    };
    let index = |colour: &Colour| known.iter().position(|known| known == colour).unwrap_or_default() as u8;
    let way = random.u8(..4);
    if way == 0 && (2..=16).contains(&known.len()) {
        if reused {
            to.push(127);
        } else {
            to.push(known.len() as u8);
            to.extend(known.concat());
        }
        let bits = match known.len() {
            2 => 1,
            3..=4 => 2,
            _ => 4,
        };
        for row in tile.chunks(width) {
            for pixels in row.chunks(8 / bits) {
                let packed = pixels.iter().fold(0_u8, |byte, pixel| byte << bits | index(pixel));
                to.push(packed << (bits * (8 / bits - pixels.len())));
            }
        }
    } else if way <= 1 && (2..=127).contains(&known.len()) {
        if reused {
            to.push(129);
        } else {
            to.push(128 + known.len() as u8);
            to.extend(known.concat());
        }
        for (colour, length) in runs(tile) {
            if length == 1 {
                to.push(index(&colour));
            } else {
                to.push(128 | index(&colour));
                put_run_length(length, to);
            }
        }
    } else if way == 2 {
        to.push(128);
        for (colour, length) in runs(tile) {
            to.extend(colour);
            put_run_length(length, to);
        }
        return;
    } else {
        to.push(0);
        to.extend(tile.concat());
        return;
    }
    if let Some(palette) = palette {
        *palette = known;
    }
}

/// What tiles of Hextile have from the one before.
#[derive(Debug, Default)]
pub(super) struct Hextile {
    background: Option<Colour>,
    foreground: Option<Colour>,
}

impl Hextile {
    /// A tile of at most 16 x 16 pixels: rectangles of one row on a background, or raw.
    pub(super) fn put(&mut self, tile: &[Colour], width: usize, random: &mut Rng, to: &mut Vec<u8>) {
        let own = colours(tile);
        let background = *random.choice(&own).unwrap_or(&[0; 3]);
        let rows = tile.chunks(width).enumerate();
        let subrectangles: Vec<(usize, usize, Colour, usize)> = rows
            .flat_map(|(y, row)| {
                let mut x = 0;
                runs(row)
                    .map(|(colour, length)| {
                        x += length;
                        (x - length, y, colour, length)
                    })
                    .collect::<Vec<_>>()
            })
            .filter(|(_, _, colour, _)| *colour != background)
            .collect();
        if subrectangles.len() > 255 || random.u8(..8) == 0 {
            to.push(1);
            to.extend(tile.iter().flat_map(|[blue, green, red]| [*blue, *green, *red, 0]));
            // What comes after raw has to name its colours (RFC 6143, section 7.7.4).
            *self = Self::default();
            return;
        }
        let one = own.iter().find(|colour| **colour != background).filter(|_| own.len() == 2).copied();
        let (mut kind, mut body) = (0, Vec::new());
        let put = |colour: Colour, body: &mut Vec<u8>| body.extend([colour[0], colour[1], colour[2], 9]);
        if self.background != Some(background) || random.bool() {
            kind |= 2;
            put(background, &mut body);
            self.background = Some(background);
        }
        if let Some(one) = one
            && (self.foreground != Some(one) || random.bool())
        {
            kind |= 4;
            put(one, &mut body);
            self.foreground = Some(one);
        }
        if !subrectangles.is_empty() {
            kind |= if one.is_some() { 8 } else { 8 | 16 };
            body.push(subrectangles.len() as u8);
            for (x, y, colour, length) in subrectangles {
                if one.is_none() {
                    put(colour, &mut body);
                }
                body.extend([(x << 4 | y) as u8, ((length - 1) << 4) as u8]);
            }
        }
        to.push(kind);
        to.extend(body);
    }
}
