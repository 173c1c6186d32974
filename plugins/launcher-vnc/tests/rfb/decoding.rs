//! Every encoding, with every way that it has to write pixels, comes out as the picture that the server had.

use launcher_vnc::rfb::{Act, Client, Options, Shape, Size};
use ostler_fakes::vnc::{Encoder, Encoding, Picture, Rect, Script};
use proptest::prelude::*;

use crate::screen::{Screen, after, at};

fn whole(picture: &Picture) -> Rect {
    at(0, 0, picture.width, picture.height)
}

/// A session of several updates of a changing picture, and the picture at its end.
fn session(seed: u64, encodings: &[Encoding]) -> (Script, Picture) {
    let mut random = fastrand::Rng::with_seed(seed);
    let (width, height) = (random.u16(1..150), random.u16(1..150));
    let mut encoder = Encoder::new(seed);
    let mut shown = Picture::random(width, height, &mut random);
    let first = *random.choice(encodings).unwrap();
    let mut script = Script::open(width, height).update(1).pixels(&mut encoder, &shown, whole(&shown), first);
    for _ in 0..random.usize(1..5) {
        let next = Picture::random(width, height, &mut random);
        let count = random.u16(1..6);
        script = script.update(count);
        for _ in 0..count {
            let rect = shown.random_rect(&mut random);
            if random.u8(..5) == 0 {
                let (x, y) = (random.u16(..=width - rect.width), random.u16(..=height - rect.height));
                script = script.rect(rect, 1, &[x.to_be_bytes(), y.to_be_bytes()].concat());
                shown.copy((x, y), rect);
            } else {
                script = script.pixels(&mut encoder, &next, rect, *random.choice(encodings).unwrap());
                shown.put(rect, &next.part(rect));
            }
        }
    }
    (script, shown)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_picture_is_the_servers_however_its_bytes_are_cut(
        seed: u64,
        pieces in proptest::collection::vec(1_usize..2200, 1..20),
    ) {
        let (script, shown) = session(seed, &Encoding::ALL);
        let mut screen = Screen::new(Options::default());
        let mut rest = script.bytes.as_slice();
        for piece in pieces.iter().cycle() {
            let (head, tail) = rest.split_at((*piece).min(rest.len()));
            screen.feed(head).unwrap();
            rest = tail;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(screen.picture, shown);
    }

    #[test]
    fn each_encoding_alone_gives_the_servers_picture(seed: u64) {
        for encoding in Encoding::ALL {
            let (script, shown) = session(seed, &[encoding]);
            prop_assert!(after(&script.bytes).unwrap().picture == shown, "{encoding:?}");
        }
    }
}

#[test]
fn byte_by_byte_is_as_good_as_at_once() {
    let (script, shown) = session(7, &Encoding::ALL);
    let mut screen = Screen::new(Options::default());
    for byte in script.bytes {
        screen.feed(&[byte]).unwrap();
    }
    assert_eq!(screen.picture, shown);
}

#[test]
fn an_update_is_shown_at_once_unless_it_is_larger_than_a_large_desktop() {
    let shows = |rectangles: u16| {
        let mut client = Client::new(Options::default());
        client.feed(&Script::open(4096, 4096).update(rectangles).bytes);
        let (mut shows, pixels) = (Vec::new(), vec![7; 4096 * 1024 * 4]);
        for number in 0..rectangles {
            client.feed(&Script::default().rect(at(0, number * 1024, 4096, 1024), 0, &pixels).bytes);
            while let Some(act) = client.next_act().unwrap() {
                let Act::Show(changes) = act else { continue };
                shows.push(changes.iter().map(|change| change.area().pixels() * 4).sum::<usize>() >> 20);
            }
        }
        shows
    };
    assert_eq!(shows(2), [32]);
    assert_eq!(shows(4), [32, 32]);
}

#[test]
fn an_update_may_end_by_its_last_rectangle_and_more_than_4096_changes_are_shown_in_parts() {
    let mut script = Script::open(64, 64).update(0xffff);
    for number in 0..5000_u16 {
        let rect = at(number % 64, number / 64 % 64, 1, 1);
        script = script.rect(rect, 7, &[0x80, 1, 2, 3]);
    }
    let screen = after(&script.rect(at(0, 0, 0, 0), -224, &[]).bytes).unwrap();
    assert!(screen.picture.pixels.iter().all(|pixel| *pixel == [3, 2, 1]));
}

#[test]
fn a_desktop_that_changes_its_size_keeps_what_fits_and_all_of_it_is_asked_for() {
    let script = Script::open(4, 4).update(1).rect(at(0, 0, 4, 4), 7, &[0x80, 9, 9, 9]);
    let mut screen = after(&script.bytes).unwrap();
    screen.sent();
    screen.feed(&Script::default().update(1).rect(at(0, 0, 6, 2), -223, &[]).bytes).unwrap();
    assert_eq!((screen.picture.width, screen.picture.height), (6, 2));
    assert_eq!(screen.picture.pixels[3..5], [[9; 3], [0; 3]]);
    let sent = screen.sent();
    assert!(sent.ends_with(&[3, 0, 0, 0, 0, 0, 0, 6, 0, 2]), "{sent:?}");
}

#[test]
fn the_pointer_has_its_mask_or_its_alpha() {
    let pointer = |encoding, body: &[u8]| {
        let script = Script::open(9, 9).update(1).rect(at(1, 0, 2, 1), encoding, body);
        after(&script.bytes).unwrap().acts
    };
    let shape = |bytes: &[u8]| {
        let size = Size { width: 2, height: 1 };
        vec![Act::Pointer(Some(Shape { size, hot: (1, 0), bytes: bytes.to_vec() }))]
    };
    assert_eq!(pointer(-239, &[1, 2, 3, 0, 4, 5, 6, 0, 0x40]), shape(&[0, 0, 0, 0, 4, 5, 6, 255]));
    // Half of the red is there, and the other pixel can't be seen.
    let body = [0, 0, 0, 0, 100, 50, 0, 128, 7, 7, 7, 0];
    assert_eq!(pointer(-314, &body), shape(&[0, 100, 199, 128, 0, 0, 0, 0]));
    let script = Script::open(9, 9).update(1).rect(at(0, 0, 0, 0), -239, &[]);
    assert_eq!(after(&script.bytes).unwrap().acts, [Act::Pointer(None)]);
}

#[test]
fn a_pointer_larger_than_the_host_shows_is_cut() {
    let body = vec![255; 300 * 10 * 4 + 38 * 10];
    let script = Script::open(9, 9).update(1).rect(at(299, 3, 300, 10), -239, &body);
    let acts = after(&script.bytes).unwrap().acts;
    let [Act::Pointer(Some(shape))] = acts.as_slice() else { panic!("{acts:?}") };
    assert_eq!(
        (shape.size, shape.hot, shape.bytes.len()),
        (Size { width: 256, height: 10 }, (255, 3), 10_240)
    );
}

#[test]
fn the_bell_rings() {
    assert_eq!(after(&Script::open(1, 1).raw(&[2]).bytes).unwrap().acts, [Act::Bell]);
}
