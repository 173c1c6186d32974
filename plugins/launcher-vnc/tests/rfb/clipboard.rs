//! Clipboards both ways, in Latin-1 and in Unicode.

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use launcher_vnc::rfb::{Act, Options};
use ostler_fakes::vnc::Script;

use crate::screen::Screen;

const TEXT: u32 = 1;
const CAPS: u32 = 1 << 24;
const REQUEST: u32 = 1 << 25;
const PEEK: u32 = 1 << 26;
const NOTIFY: u32 = 1 << 27;
const PROVIDE: u32 = 1 << 28;

fn open(options: Options) -> Screen {
    let mut screen = Screen::new(options);
    screen.feed(&Script::open(10, 10).bytes).unwrap();
    screen.sent();
    screen
}

fn extended(kind: u8, flags: u32, rest: &[u8]) -> Vec<u8> {
    let length = -(rest.len() as i32 + 4);
    [&[kind, 0, 0, 0], length.to_be_bytes().as_slice(), &flags.to_be_bytes(), rest].concat()
}

fn packed(length: u32, text: &[u8]) -> Vec<u8> {
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::default());
    packed.write_all(&length.to_be_bytes()).unwrap();
    packed.write_all(text).unwrap();
    packed.finish().unwrap()
}

fn copied(screen: &mut Screen, text: &str) -> Vec<u8> {
    screen.client.copied(text);
    screen.work().unwrap();
    screen.sent()
}

fn texts(screen: &mut Screen) -> Vec<String> {
    let acts = std::mem::take(&mut screen.acts).into_iter();
    acts.map(|act| if let Act::Clipboard(text) = act { text } else { panic!("{act:?}") }).collect()
}

#[test]
fn plain_text_goes_both_ways_in_latin_1() {
    let mut screen = open(Options::default());
    screen.feed(b"\x03\0\0\0\0\0\0\x06gr\xfcn\r\n").unwrap();
    assert_eq!(texts(&mut screen), ["grün\n"]);
    assert_eq!(copied(&mut screen, "ü\r\n\u{20ac}"), b"\x06\0\0\0\0\0\0\x03\xfc\n?");
}

#[test]
fn unicode_is_told_of_and_sent_once_it_is_asked_for() {
    let mut screen = open(Options::default());
    screen.feed(&extended(3, CAPS | REQUEST | PEEK | NOTIFY | PROVIDE | TEXT, &[0; 4])).unwrap();
    let caps = extended(6, CAPS | REQUEST | PEEK | NOTIFY | PROVIDE | TEXT, &(1_u32 << 20).to_be_bytes());
    assert_eq!(screen.sent(), caps);
    screen.feed(&extended(3, PEEK, &[])).unwrap();
    assert_eq!(screen.sent(), extended(6, NOTIFY, &[]), "nothing was copied yet");
    screen.feed(&extended(3, REQUEST | TEXT, &[])).unwrap();
    assert_eq!(screen.sent(), b"");
    assert_eq!(copied(&mut screen, "5 \u{20ac}\nok"), extended(6, NOTIFY | TEXT, &[]));
    screen.feed(&extended(3, PEEK, &[])).unwrap();
    assert_eq!(screen.sent(), extended(6, NOTIFY | TEXT, &[]));
    screen.feed(&extended(3, REQUEST | TEXT, &[])).unwrap();
    let sent = screen.sent();
    let length = i32::from_be_bytes(sent[4..8].try_into().unwrap());
    assert_eq!((length, &sent[8..12]), (8 - sent.len() as i32, (PROVIDE | TEXT).to_be_bytes().as_slice()));
    let mut text = Vec::new();
    ZlibDecoder::new(&sent[12..]).read_to_end(&mut text).unwrap();
    let content = "5 \u{20ac}\r\nok\0".as_bytes();
    assert_eq!(text, [&(content.len() as u32).to_be_bytes(), content].concat());
}

#[test]
fn the_servers_unicode_is_asked_for_and_taken() {
    let mut screen = open(Options::default());
    screen.feed(&extended(3, NOTIFY | TEXT, &[])).unwrap();
    assert_eq!(screen.sent(), extended(6, REQUEST | TEXT, &[]));
    let text = "a\r\n\u{20ac}\0";
    screen.feed(&extended(3, PROVIDE | TEXT, &packed(text.len() as u32, text.as_bytes()))).unwrap();
    assert_eq!(texts(&mut screen), ["a\n\u{20ac}"]);
    screen.feed(&extended(3, NOTIFY | 2, &[])).unwrap();
    assert_eq!(screen.sent(), b"", "there is no text");
}

#[test]
fn a_clipboard_that_is_too_long_is_left_out_and_the_session_goes_on() {
    let mut screen = open(Options::default());
    screen.feed(&[&[3, 0, 0, 0, 0, 0x30, 0, 0], vec![b'x'; 0x30_0000].as_slice(), &[2]].concat()).unwrap();
    assert_eq!(std::mem::take(&mut screen.acts), [Act::Bell]);
    screen.feed(&extended(3, PROVIDE | TEXT, &packed(u32::MAX, b"x"))).unwrap();
    screen.feed(&[2]).unwrap();
    assert_eq!(std::mem::take(&mut screen.acts), [Act::Bell]);
    assert_eq!(copied(&mut screen, &"x".repeat((1 << 20) + 1)), b"");
}

#[test]
fn what_is_switched_off_is_not_exchanged() {
    let mut screen = open(Options { clipboard: false, ..Options::default() });
    screen.feed(b"\x03\0\0\0\0\0\0\x02no").unwrap();
    screen.feed(&extended(3, CAPS | NOTIFY | TEXT, &[0; 4])).unwrap();
    assert_eq!((copied(&mut screen, "text"), texts(&mut screen).len()), (Vec::new(), 0));
}

#[test]
fn a_broken_message_of_the_clipboard_ends_the_session() {
    let broken = [
        extended(3, 0, &[])[..8].to_vec(),
        extended(3, PROVIDE | TEXT, b"no zlib"),
        extended(3, PROVIDE | TEXT, &packed(100, b"short")),
    ];
    for mut message in broken {
        if message.len() == 8 {
            message[4..8].copy_from_slice(&(-2_i32).to_be_bytes());
            message.extend([0, 0]);
        }
        assert!(open(Options::default()).feed(&message).is_err(), "{message:?}");
    }
}
