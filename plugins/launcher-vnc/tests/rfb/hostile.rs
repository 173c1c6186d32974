//! Servers that lie: each lie ends the session with its own words, and takes neither a panic nor memory without bounds.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use launcher_vnc::rfb::{Fault, Options};
use ostler_fakes::vnc::{Encoder, Encoding, Picture, Script};
use proptest::prelude::*;

use crate::screen::{Screen, after, at};

/// What comes of one rectangle on a desktop of 64 x 64.
fn fault(x: u16, y: u16, width: u16, height: u16, encoding: i32, body: &[u8]) -> String {
    let script = Script::open(64, 64).update(1).rect(at(x, y, width, height), encoding, body);
    after(&script.bytes).err().map_or_else(|| "none".to_owned(), |fault| fault.to_string())
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::best());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn with_length(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_be_bytes(), bytes].concat()
}

#[test]
fn a_rectangle_outside_of_the_desktop_is_refused_whatever_its_encoding() {
    for encoding in [0, 1, 5, 6, 7, 15, 16] {
        for (x, y, width, height) in
            [(60, 0, 5, 1), (0, 64, 1, 1), (65535, 65535, 65535, 65535), (0, 0, 65, 64)]
        {
            let told = fault(x, y, width, height, encoding, &[0; 64]);
            assert_eq!(told, format!("a rectangle of {width}x{height} at {x},{y} is not on the desktop"));
        }
    }
}

#[test]
fn a_copy_from_outside_is_refused() {
    assert!(fault(0, 0, 10, 10, 1, &[0, 55, 0, 0]).contains("at 55,0 is not on the desktop"));
    assert_eq!(fault(0, 0, 10, 10, 1, &[0, 54, 0, 54]), "none");
}

#[test]
fn a_desktop_without_pixels_or_with_too_many_is_refused() {
    for (width, height) in [(0, 5), (5, 0), (8193, 1), (8192, 8192), (65535, 65535)] {
        let size = Fault::DesktopSize { width, height };
        assert_eq!(after(&Script::open(width, height).bytes).err(), Some(size.clone()));
        for encoding in [-223, -308] {
            let script = Script::open(9, 9).update(1).rect(at(0, 0, width, height), encoding, &[0; 4]);
            assert_eq!(after(&script.bytes).err(), Some(size.clone()));
        }
    }
    assert!(after(&Script::open(4096, 4096).bytes).is_ok());
}

#[test]
fn lengths_that_nothing_needs_are_refused_before_the_bytes_come() {
    let name =
        Script::default().raw(b"RFB 003.008\n\x01\x01\0\0\0\0\0\x01\0\x01").raw(&[0; 16]).raw(&[255; 4]);
    assert!(
        after(&name.bytes).err().unwrap().to_string().contains("the desktop's name has 4294967295 bytes")
    );
    assert!(after(b"RFB 003.008\n\0\xff\xff\xff\xff").err().unwrap().to_string().contains("reason has"));
    for encoding in [6, 16] {
        let told = fault(0, 0, 64, 64, encoding, &[255; 4]);
        assert!(told.starts_with("a compressed rectangle has 4294967295 bytes, more than"), "{told}");
    }
    assert!(fault(0, 0, 2000, 1, -239, &[]).starts_with("a side of the pointer has 2000"));
}

#[test]
fn zlib_without_an_end_is_inflated_no_further_than_its_rectangle() {
    // 16 MiB of zeros, in 16 KiB.
    let bomb = zlib(&vec![0; 16 << 20]);
    for encoding in [6, 16] {
        // As tiles of raw pixels and as raw pixels, all zeros are an honest picture as long as they last.
        let script =
            Script::open(1024, 1024).update(1).rect(at(0, 0, 1024, 1024), encoding, &with_length(&bomb));
        let told = after(&script.bytes).err().unwrap();
        assert_eq!(told, Fault::Pixels("the compressed pixels go on behind their rectangle"));
    }
    let tight = [
        &[
            0,
            0x80 | (bomb.len() & 0x7f) as u8,
            0x80 | (bomb.len() >> 7 & 0x7f) as u8,
            (bomb.len() >> 14) as u8,
        ],
        bomb.as_slice(),
    ];
    assert_eq!(fault(0, 0, 64, 64, 7, &tight.concat()), "the compressed pixels go on behind their rectangle");
}

#[test]
fn zlib_that_is_damaged_or_too_short_is_refused() {
    for encoding in [6, 16] {
        assert_eq!(
            fault(0, 0, 9, 9, encoding, &with_length(b"garbage")),
            "the compressed pixels are damaged"
        );
        for few in [&b""[..], &zlib(&[0; 9])] {
            let told = fault(0, 0, 9, 9, encoding, &with_length(few));
            assert_eq!(told, "the compressed pixels end within their rectangle");
        }
    }
}

#[test]
fn a_colour_that_is_not_in_the_palette_is_refused() {
    let words = "a pixel has a colour that is not in its palette";
    let three = [3, 1, 1, 1, 2, 2, 2, 3, 3, 3];
    assert_eq!(fault(0, 0, 4, 1, 15, &[&three, &[0b0001_1011][..]].concat()), words);
    assert_eq!(fault(0, 0, 4, 1, 15, &[130, 1, 1, 1, 2, 2, 2, 0x82, 0]), words);
    assert_eq!(fault(0, 0, 4, 1, 16, &with_length(&zlib(&[&three, &[0xff][..]].concat()))), words);
    assert_eq!(fault(0, 0, 2, 1, 7, &[0x40, 1, 2, 1, 1, 1, 2, 2, 2, 3, 3, 3, 0, 3]), words);
    assert_eq!(fault(0, 0, 1, 1, 7, &[0x40, 1, 0, 1, 1, 1, 0x80]), words);
    assert_eq!(fault(0, 0, 4, 1, 15, &[129, 0]), words, "there was no palette before");
}

#[test]
fn tiles_and_rectangles_of_types_that_there_are_not_are_refused() {
    for kind in [17, 126, 127] {
        assert_eq!(fault(0, 0, 4, 1, 15, &[kind]), "a tile is of a type that there is not");
    }
    for kind in [127, 129] {
        let told = fault(0, 0, 4, 1, 16, &with_length(&zlib(&[kind, 0, 0, 0])));
        assert_eq!(told, "a tile is of a type that there is not", "only TRLE uses a palette again");
    }
    assert!(fault(0, 0, 4, 4, 7, &[0xa0]).contains("of a type that there is not"));
    assert!(fault(0, 0, 4, 4, 7, &[0x40, 3]).contains("a filter that there is not"));
    assert_eq!(fault(0, 0, 4, 4, 7, &[0x90]), "the server sent JPEG, which was not asked for");
}

#[test]
fn runs_and_rectangles_beyond_their_tile_are_refused() {
    assert_eq!(fault(0, 0, 4, 1, 15, &[128, 1, 1, 1, 4]), "a run of pixels goes on behind its tile");
    let long = [&[128, 1, 1, 1][..], &[255; 1000]].concat();
    assert_eq!(fault(0, 0, 4, 1, 15, &long), "a run of pixels goes on behind its tile");
    assert_eq!(
        fault(0, 0, 4, 4, 5, &[2 | 8, 0, 0, 0, 0, 1, 0x11, 0x30]),
        "a rectangle of a tile goes beyond it"
    );
}

#[test]
fn what_was_not_asked_for_is_refused() {
    assert!(fault(0, 0, 4, 4, 2, &[]).contains("in the encoding 2, which was not asked for"));
    assert!(fault(0, 0, 4, 4, -260, &[]).contains("-260"));
    assert!(fault(0, 0, 1, 1, -314, &[0, 0, 0, 7]).contains("in the encoding 7"), "a pointer is raw");
    assert_eq!(after(&Script::open(1, 1).raw(&[9]).bytes).err(), Some(Fault::UnknownMessage(9)));
    let mut screen = Screen::new(Options { encodings: Vec::new(), ..Options::default() });
    let script = Script::open(4, 4).update(1).rect(at(0, 0, 1, 1), 7, &[0x80, 1, 1, 1]);
    assert_eq!(screen.feed(&script.bytes).err(), Some(Fault::UnknownEncoding(7)));
    assert!(after(&Script::open(1, 1).raw(&[248, 0, 0, 0, 0x80, 0, 0, 0, 65]).raw(&[0; 65]).bytes).is_err());
}

#[test]
fn a_session_that_is_cut_at_any_byte_waits_for_more() {
    let mut encoder = Encoder::new(3);
    let picture = Picture::random(20, 18, &mut fastrand::Rng::with_seed(3));
    let mut script = Script::open(20, 18);
    for encoding in Encoding::ALL {
        script = script.update(1).pixels(&mut encoder, &picture, at(0, 0, 20, 18), encoding);
    }
    for end in 0..script.bytes.len() {
        after(&script.bytes[..end]).unwrap();
    }
}

proptest! {
    #[test]
    fn any_bytes_are_taken_or_refused(
        head in prop::sample::select(vec![0, 12, 18, 42]),
        bytes in proptest::collection::vec(any::<u8>(), 0..600),
    ) {
        let open = Script::open(64, 64).bytes;
        after(&[&open[..head], &bytes].concat()).ok();
    }

    #[test]
    fn damaged_sessions_are_taken_or_refused(seed: u64, damage in proptest::collection::vec(any::<(u16, u8)>(), 1..8)) {
        let mut random = fastrand::Rng::with_seed(seed);
        let picture = Picture::random(70, 70, &mut random);
        let mut encoder = Encoder::new(seed);
        let mut script = Script::open(70, 70).update(4);
        for _ in 0..4 {
            let encoding = *random.choice(Encoding::ALL.iter()).unwrap();
            script = script.pixels(&mut encoder, &picture, picture.random_rect(&mut random), encoding);
        }
        let length = script.bytes.len();
        for (at, byte) in damage {
            // Behind the desktop's size, which would else be another one each time.
            script.bytes[22 + usize::from(at) % (length - 22)] ^= byte;
        }
        after(&script.bytes).ok();
    }
}
