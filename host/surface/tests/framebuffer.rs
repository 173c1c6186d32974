//! The framebuffer against a model that is too slow to be wrong: one pixel after the other.
#![expect(clippy::indexing_slicing, reason = "tests say what is wrong by panicking")]

use std::collections::BTreeMap;

use ostler_core::{DesktopArea, DesktopChange, DesktopEvent, DesktopPoint, DesktopSize};
use ostler_surface::{Framebuffer, Outside, Screen, TILE, png};
use proptest::prelude::*;

/// A desktop as a table of points.
#[derive(Clone, Default)]
struct Model {
    size: (u16, u16),
    points: BTreeMap<(u16, u16), [u8; 3]>,
}

impl Model {
    fn resize(&mut self, size: DesktopSize) {
        self.size = (size.width, size.height);
        self.points.retain(|(x, y), _| *x < size.width && *y < size.height);
    }

    fn at(&self, x: u16, y: u16) -> [u8; 3] {
        self.points.get(&(x, y)).copied().unwrap_or_default()
    }

    fn apply(&mut self, change: &DesktopChange) {
        let points = |at: &DesktopArea| {
            let at = *at;
            (0..at.height).flat_map(move |y| (0..at.width).map(move |x| (x, y)))
        };
        match change {
            DesktopChange::Pixels { at, bytes } => {
                for ((x, y), pixel) in points(at).zip(bytes.chunks(4)) {
                    self.points.insert((at.x + x, at.y + y), [pixel[0], pixel[1], pixel[2]]);
                }
            }
            DesktopChange::Fill { at, color } => {
                for (x, y) in points(at) {
                    self.points.insert((at.x + x, at.y + y), *color);
                }
            }
            DesktopChange::Copy { from, to } => {
                let before = self.clone();
                for (x, y) in points(to) {
                    self.points.insert((to.x + x, to.y + y), before.at(from.x + x, from.y + y));
                }
            }
        }
    }

    fn colors(&self) -> Vec<u8> {
        let (width, height) = self.size;
        (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).flat_map(|(x, y)| self.at(x, y)).collect()
    }
}

fn area() -> impl Strategy<Value = DesktopArea> {
    (0..150_u16, 0..150_u16, 0..150_u16, 0..150_u16).prop_map(|(x, y, width, height)| DesktopArea {
        x,
        y,
        width,
        height,
    })
}

fn change() -> impl Strategy<Value = DesktopChange> {
    prop_oneof![
        (area(), any::<u8>()).prop_map(|(at, seed)| {
            let bytes = (0..at.pixels() * 4).map(|index| (index as u8).wrapping_mul(31) ^ seed).collect();
            DesktopChange::Pixels { at, bytes }
        }),
        (area(), any::<[u8; 3]>()).prop_map(|(at, color)| DesktopChange::Fill { at, color }),
        (0..150_u16, 0..150_u16, area())
            .prop_map(|(x, y, to)| DesktopChange::Copy { from: DesktopPoint { x, y }, to }),
    ]
}

fn fits(change: &DesktopChange, size: DesktopSize) -> bool {
    match change {
        DesktopChange::Pixels { at, .. } | DesktopChange::Fill { at, .. } => at.within(size),
        DesktopChange::Copy { from, to } => {
            to.within(size) && DesktopArea { x: from.x, y: from.y, ..*to }.within(size)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn it_shows_what_the_model_shows(
        sizes in prop::collection::vec((1..200_u16, 1..200_u16), 1..4),
        changes in prop::collection::vec(change(), 0..12),
    ) {
        let (mut own, mut model) = (Framebuffer::default(), Model::default());
        for (width, height) in sizes {
            let size = DesktopSize { width, height };
            own.resize(size).unwrap();
            model.resize(size);
            for change in &changes {
                let made = own.apply(change);
                prop_assert_eq!(made.is_ok(), fits(change, size));
                if made.is_ok() {
                    model.apply(change);
                }
            }
            prop_assert_eq!(own.colors(DesktopArea::whole(size)).unwrap(), model.colors());
        }
    }

    #[test]
    fn tiles_cover_an_area_and_carry_it_over(size in (1..300_u16, 1..300_u16), at in area(), fill in change()) {
        let size = DesktopSize { width: size.0, height: size.1 };
        let (mut own, mut copy, mut whole) = <(Framebuffer, Framebuffer, Framebuffer)>::default();
        for each in [&mut own, &mut copy, &mut whole] {
            each.resize(size).unwrap();
        }
        own.apply(&fill).ok();
        let within = |tile: &DesktopArea| tile.within(size) && tile.width <= TILE && tile.height <= TILE;
        for tile in own.tiles(DesktopArea::whole(size)) {
            prop_assert!(within(&tile));
            copy.put_colors(tile, &own.colors(tile).unwrap()).unwrap();
            whole.copy_from(&own, tile).unwrap();
        }
        prop_assert_eq!((&own, &own), (&copy, &whole));
        if at.within(size) {
            let touched: usize = own.tiles(at).map(DesktopArea::pixels).sum();
            prop_assert!(touched >= at.pixels());
        }
    }
}

#[test]
fn what_is_not_on_the_desktop_changes_nothing() {
    let mut own = Framebuffer::default();
    let at = DesktopArea { x: 0, y: 0, width: 1, height: 1 };
    assert_eq!(own.apply(&DesktopChange::Fill { at, color: [1, 2, 3] }), Err(Outside));
    assert_eq!(png(&own), Err(Outside));
    own.resize(DesktopSize { width: 2, height: 2 }).unwrap();
    assert_eq!(own.resize(DesktopSize { width: 0, height: 2 }), Err(Outside));
    assert_eq!(own.apply(&DesktopChange::Pixels { at, bytes: vec![1, 2, 3] }), Err(Outside));
    assert_eq!(own.put_colors(at, &[1, 2]), Err(Outside));
    assert_eq!(own.copy_from(&Framebuffer::default(), at), Err(Outside));
    assert_eq!(own.colors(DesktopArea::whole(own.size())).unwrap(), [0; 12]);
}

#[test]
fn nobody_sees_half_of_an_update() {
    let size = DesktopSize { width: 2, height: 1 };
    let pixel = |x, color| DesktopChange::Fill { at: DesktopArea { x, y: 0, width: 1, height: 1 }, color };
    let mut screen = Screen::default();
    assert_eq!(screen.take(DesktopEvent::Size(size)), Ok(true));
    let first = DesktopEvent::Update { changes: vec![pixel(0, [9, 9, 9])], last: false };
    assert_eq!(screen.take(first), Ok(false));
    assert_eq!(screen.shown().colors(DesktopArea::whole(size)).unwrap(), [0; 6]);
    let second = DesktopEvent::Update { changes: vec![pixel(1, [7, 7, 7])], last: true };
    assert_eq!(screen.take(second), Ok(true));
    assert_eq!(screen.shown().colors(DesktopArea::whole(size)).unwrap(), [9, 9, 9, 7, 7, 7]);
}

#[test]
fn a_picture_has_the_colors_of_the_desktop() {
    let mut own = Framebuffer::default();
    own.resize(DesktopSize { width: 2, height: 1 }).unwrap();
    let at = DesktopArea { x: 1, y: 0, width: 1, height: 1 };
    own.apply(&DesktopChange::Fill { at, color: [10, 20, 30] }).unwrap();
    let bytes = png(&own).unwrap();
    let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
    let mut colors = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut colors).unwrap();
    assert_eq!(colors, [0, 0, 0, 30, 20, 10]);
}
