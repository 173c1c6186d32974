//! What the user does, as messages to the server; and what servers and clients tell each other besides pictures.

use launcher_vnc::rfb::{Buttons, Options, Size};
use ostler_fakes::vnc::Script;

use crate::screen::{Screen, at};

fn open(options: Options) -> Screen {
    let mut screen = Screen::new(options);
    screen.feed(&Script::open(100, 50).bytes).unwrap();
    screen.sent();
    screen
}

fn sent_by(screen: &mut Screen, work: impl FnOnce(&mut Screen)) -> Vec<u8> {
    work(screen);
    screen.work().unwrap();
    screen.sent()
}

/// The server's size with one screen, and the numbers of who changed it and how that went.
fn extended_size(reason: u16, status: u16, width: u16, height: u16) -> Script {
    let screen = [[0, 0, 0, 77], [0; 4], [0; 4], [0, 0, 0, 5]].concat();
    Script::default().update(1).rect(
        at(reason, status, width, height),
        -308,
        &[&[1, 0, 0, 0], screen.as_slice()].concat(),
    )
}

#[test]
fn keys_go_as_they_are() {
    let mut screen = open(Options::default());
    let sent = sent_by(&mut screen, |screen| {
        screen.client.key(0xffe3, true);
        screen.client.key(0x0100_20ac, false);
    });
    assert_eq!(sent, [4, 1, 0, 0, 0, 0, 0xff, 0xe3, 4, 0, 0, 0, 1, 0, 0x20, 0xac]);
}

#[test]
fn buttons_and_turns_of_the_wheel_are_bits_and_the_pointer_stays_on_the_desktop() {
    let mut screen = open(Options::default());
    let buttons = Buttons { left: true, right: true, back: true, ..Buttons::default() };
    let sent = sent_by(&mut screen, |screen| screen.client.pointer((258, 3), buttons, (0, 0)));
    assert_eq!(sent, [5, 0b1000_0101, 0, 99, 0, 3]);
    let wheel = |screen: &mut Screen, wheel| {
        let sent = sent_by(screen, |screen| screen.client.pointer((0, 0), Buttons::default(), wheel));
        sent.chunks(6).map(|message| message[1]).collect::<Vec<_>>()
    };
    assert_eq!(wheel(&mut screen, (0, 2)), [0, 16, 0, 16, 0]);
    assert_eq!(wheel(&mut screen, (0, -1)), [0, 8, 0]);
    assert_eq!(wheel(&mut screen, (1, 0)), [0, 64, 0]);
    assert_eq!(wheel(&mut screen, (-1, 0)), [0, 32, 0]);
    assert!(wheel(&mut screen, (i16::MIN, i16::MAX)).len() < 200);
}

#[test]
fn more_buttons_are_sent_where_the_server_knows_them() {
    let mut screen = open(Options::default());
    screen.feed(&Script::default().update(1).rect(at(0, 0, 0, 0), -316, &[]).bytes).unwrap();
    screen.sent();
    let buttons = Buttons { middle: true, back: true, forward: true, ..Buttons::default() };
    let sent = sent_by(&mut screen, |screen| screen.client.pointer((1, 2), buttons, (0, 0)));
    assert_eq!(sent, [5, 0b1000_0010, 0, 1, 0, 2, 0b11]);
}

#[test]
fn who_only_views_sends_nothing() {
    let mut screen =
        open(Options { view_only: true, window: Some(Size { width: 9, height: 9 }), ..Options::default() });
    let sent = sent_by(&mut screen, |screen| {
        screen.client.key(97, true);
        screen.client.pointer((1, 1), Buttons::default(), (1, 1));
        screen.client.copied("text");
        screen.client.window(Size { width: 20, height: 20 });
    });
    assert_eq!(sent, b"");
    screen.feed(&extended_size(0, 0, 100, 50).bytes).unwrap();
    assert_eq!(screen.sent(), [3, 1, 0, 0, 0, 0, 0, 100, 0, 50], "only the next update is asked for");
}

#[test]
fn nothing_is_sent_before_the_desktop_is_open() {
    let mut screen = Screen::new(Options::default());
    let sent = sent_by(&mut screen, |screen| {
        screen.client.key(97, true);
        screen.client.pointer((1, 1), Buttons::default(), (1, 1));
        screen.client.copied("text");
        screen.client.window(Size { width: 20, height: 20 });
        screen.client.answer(&[1; 16]);
    });
    assert_eq!(sent, b"");
}

#[test]
fn the_desktop_gets_the_size_of_the_window_where_the_server_can_do_that() {
    let mut screen = open(Options { window: Some(Size { width: 80, height: 40 }), ..Options::default() });
    assert_eq!(sent_by(&mut screen, |screen| screen.client.window(Size { width: 81, height: 41 })), b"");
    screen.feed(&extended_size(0, 0, 100, 50).bytes).unwrap();
    let asked = |width, height| {
        [[251, 0, 0, width, 0, height, 1, 0], [0, 0, 0, 77, 0, 0, 0, 0], [0, width, 0, height, 0, 0, 0, 5]]
            .concat()
    };
    assert!(screen.sent().ends_with(&asked(81, 41)));
    screen.feed(&extended_size(1, 1, 100, 50).bytes).unwrap();
    assert_eq!(screen.sent().len(), 10, "what was refused is not asked for again");
    assert_eq!((screen.picture.width, screen.picture.height), (100, 50));
    let sent = sent_by(&mut screen, |screen| screen.client.window(Size { width: 70, height: 30 }));
    assert_eq!(sent, asked(70, 30));
    screen.feed(&extended_size(1, 0, 70, 30).bytes).unwrap();
    assert_eq!((screen.picture.width, screen.picture.height), (70, 30));
    let mut screen = open(Options { resize: false, ..Options::default() });
    screen.feed(&extended_size(0, 0, 100, 50).bytes).unwrap();
    screen.sent();
    assert_eq!(sent_by(&mut screen, |screen| screen.client.window(Size { width: 81, height: 41 })), b"");
}

#[test]
fn each_update_is_followed_by_a_request_until_the_server_sends_without_being_asked() {
    let mut screen = open(Options::default());
    let request = [3, 1, 0, 0, 0, 0, 0, 100, 0, 50];
    screen.feed(&Script::default().update(0).bytes).unwrap();
    assert_eq!(screen.sent(), request);
    screen.feed(&[150]).unwrap();
    assert_eq!(screen.sent(), [150, 1, 0, 0, 0, 0, 0, 100, 0, 50]);
    screen.feed(&Script::default().update(0).bytes).unwrap();
    assert_eq!(screen.sent(), b"");
    screen.feed(&[150]).unwrap();
    assert_eq!(screen.sent(), request);
}

#[test]
fn fences_are_answered_with_what_they_carry() {
    let mut screen = open(Options::default());
    screen.feed(&[248, 0, 0, 0, 0x80, 0, 1, 0x0b, 2, 8, 9]).unwrap();
    assert_eq!(screen.sent(), [248, 0, 0, 0, 0, 0, 0, 3, 2, 8, 9]);
    screen.feed(&[248, 0, 0, 0, 0, 0, 0, 3, 0]).unwrap();
    assert_eq!(screen.sent(), b"", "that was an answer");
}
