//! Pictures: what desktops are made of, at random.

use fastrand::Rng;

/// A rectangle: left, top, width and height.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words say it")]
pub struct Rect {
    pub x: u16,
    pub y: u16,
    pub width: u16,
    pub height: u16,
}

/// Pixels of blue, green and red, row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Pixels in a row.
    pub width: u16,
    /// Rows.
    pub height: u16,
    /// The pixels.
    pub pixels: Vec<[u8; 3]>,
}

impl Picture {
    /// A black picture.
    #[must_use]
    pub fn new(width: u16, height: u16) -> Self {
        let pixels = vec![[0; 3]; usize::from(width) * usize::from(height)];
        Self { width, height, pixels }
    }

    /// A picture with what desktops have: areas of one colour, text of two, gradients, and photographs.
    #[must_use]
    pub fn random(width: u16, height: u16, random: &mut Rng) -> Self {
        let mut picture = Self::new(width, height);
        for _ in 0..random.usize(3..20) {
            let rect = picture.random_rect(random);
            let (kind, colours) = (random.u8(..4), [colour(random), colour(random), colour(random)]);
            picture.change(rect, |x, y| match kind {
                0 => colours[0],
                1 => *random.choice(&colours).unwrap_or(&[0; 3]),
                2 => [(x * 2) as u8, (y * 3) as u8, (x + y) as u8],
                _ => colour(random),
            });
        }
        picture
    }

    /// A rectangle of it.
    pub fn random_rect(&self, random: &mut Rng) -> Rect {
        let (x, y) = (random.u16(..self.width), random.u16(..self.height));
        Rect { x, y, width: random.u16(1..=self.width - x), height: random.u16(1..=self.height - y) }
    }

    /// Paints a rectangle.
    pub fn change(&mut self, rect: Rect, mut colour: impl FnMut(u16, u16) -> [u8; 3]) {
        for y in rect.y..rect.y + rect.height {
            for x in rect.x..rect.x + rect.width {
                let at = usize::from(y) * usize::from(self.width) + usize::from(x);
                if let Some(pixel) = self.pixels.get_mut(at) {
                    *pixel = colour(x, y);
                }
            }
        }
    }

    /// Makes it larger or smaller: what fits is kept, the rest is black.
    pub fn resize(&mut self, width: u16, height: u16) {
        let old = std::mem::replace(self, Self::new(width, height));
        let kept = Rect { x: 0, y: 0, width: width.min(old.width), height: height.min(old.height) };
        self.put(kept, &old.part(kept));
    }

    /// Paints a rectangle with pixels, row by row.
    pub fn put(&mut self, rect: Rect, pixels: &[[u8; 3]]) {
        let mut pixels = pixels.iter();
        self.change(rect, |_, _| pixels.next().copied().unwrap_or_default());
    }

    /// Paints a rectangle with what stands elsewhere.
    pub fn copy(&mut self, (x, y): (u16, u16), to: Rect) {
        let pixels = self.part(Rect { x, y, ..to });
        self.put(to, &pixels);
    }

    /// Returns the pixels of a rectangle, row by row.
    #[must_use]
    pub fn part(&self, rect: Rect) -> Vec<[u8; 3]> {
        let mut part = Vec::new();
        for y in rect.y..rect.y + rect.height {
            let start = usize::from(y) * usize::from(self.width) + usize::from(rect.x);
            part.extend_from_slice(
                self.pixels.get(start..start + usize::from(rect.width)).unwrap_or_default(),
            );
        }
        part
    }
}

fn colour(random: &mut Rng) -> [u8; 3] {
    [random.u8(..), random.u8(..), random.u8(..)]
}
