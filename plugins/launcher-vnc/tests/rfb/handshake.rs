//! From the first byte to the desktop, with every version and way of logging in.

use launcher_vnc::rfb::{Act, Encoding, Fault, Options};
use ostler_fakes::vnc::Script;

use crate::screen::{Screen, after};

const CHALLENGE: [u8; 16] = *b"0123456789abcdef";

fn with_password() -> Screen {
    Screen::new(Options { password: true, ..Options::default() })
}

fn said(fault: Fault) -> String {
    fault.to_string()
}

fn refused(script: &[u8]) -> String {
    after(script).err().map(said).unwrap()
}

#[test]
fn each_version_without_security_opens_the_desktop() {
    let scripts: [(&[u8], &[u8]); 4] = [
        (b"RFB 003.003\n\0\0\0\x01", b"RFB 003.003\n\x01"),
        (b"RFB 003.007\n\x01\x01", b"RFB 003.007\n\x01\x01"),
        (b"RFB 003.008\n\x01\x01\0\0\0\0", b"RFB 003.008\n\x01\x01"),
        (b"RFB 003.889\n\x01\x01\0\0\0\0", b"RFB 003.008\n\x01\x01"),
    ];
    for (server, client) in scripts {
        let mut screen = after(&Script::default().raw(server).init(7, 5, b"").bytes).unwrap();
        assert!(screen.client.is_open());
        assert_eq!((screen.picture.width, screen.picture.height), (7, 5));
        assert!(screen.sent().starts_with(client));
    }
}

#[test]
fn the_challenge_is_answered_by_the_host() {
    for (version, security) in [("003", &[0, 0, 0, 2_u8][..]), ("007", &[2, 1, 2]), ("008", &[2, 5, 2])] {
        let mut screen = with_password();
        let begin = [format!("RFB 003.{version}\n").as_bytes(), security, &CHALLENGE].concat();
        screen.feed(&begin).unwrap();
        assert_eq!(std::mem::take(&mut screen.acts), [Act::Challenge(CHALLENGE)]);
        screen.sent();
        screen.client.answer(&[7; 16]);
        screen.work().unwrap();
        assert_eq!(screen.sent(), [7; 16]);
        screen.feed(&Script::default().raw(&[0; 4]).init(1, 1, b"").bytes).unwrap();
        assert!(screen.client.is_open());
    }
}

#[test]
fn a_wrong_password_is_said_in_the_servers_words() {
    let wrong = |version: &str, answer: &[u8]| {
        let mut screen = with_password();
        screen.feed(&[format!("RFB 003.{version}\n\x01\x02").as_bytes(), &CHALLENGE].concat()).unwrap();
        screen.client.answer(&[7; 16]);
        screen.feed(answer).err().or_else(|| screen.client.closed()).unwrap()
    };
    let bad = |reason: &str| Fault::WrongPassword(reason.to_owned());
    let reason = b"\0\0\0\x01\0\0\0\x0bbad\npasswd\x1b";
    assert_eq!(wrong("008", reason), bad("bad passwd"));
    assert_eq!(wrong("008", b"\0\0\0\x01"), bad("it gave no reason"));
    assert_eq!(wrong("007", b"\0\0\0\x01"), bad("it gave no reason"));
    assert_eq!(wrong("007", b""), bad("it closed the connection"));
}

#[test]
fn a_server_that_asks_for_a_password_where_there_is_none_is_named() {
    let script = [b"RFB 003.008\n\x01\x02".as_slice(), &CHALLENGE].concat();
    assert_eq!(after(&script).err(), Some(Fault::PasswordMissing));
}

#[test]
fn a_password_is_used_where_the_server_takes_either() {
    let mut screen = with_password();
    screen.feed(b"RFB 003.008\n\x02\x01\x02").unwrap();
    assert_eq!(screen.sent(), b"RFB 003.008\n\x02");
    let mut screen = after(b"RFB 003.008\n\x02\x01\x02").unwrap();
    assert_eq!(screen.sent(), b"RFB 003.008\n\x01");
}

#[test]
fn what_a_server_offers_instead_is_named_with_what_to_do_there() {
    let offer = |types: &[u8]| refused(&[b"RFB 003.008\n".as_slice(), &[types.len() as u8], types].concat());
    assert!(offer(&[30, 33]).starts_with("the server offers Apple's log-in; on the Mac, allow VNC viewers"));
    assert!(offer(&[5, 129]).contains("RealVNC's RA2; set the server's authentication to 'VNC password'"));
    assert_eq!(
        offer(&[16, 200]),
        "the server offers Tight, type 200; enable VNC authentication (VncAuth) on the server"
    );
    assert!(refused(b"RFB 003.003\n\0\0\0\x12").contains("anonymous TLS"));
}

#[test]
fn a_server_that_refuses_is_heard() {
    let fault = Some(Fault::Refused("Too many security failures".to_owned()));
    let reason = b"\0\0\0\x1aToo many security failures";
    assert_eq!(after(&[b"RFB 003.008\n\0", reason.as_slice()].concat()).err(), fault);
    assert_eq!(after(&[b"RFB 003.003\n\0\0\0\0", reason.as_slice()].concat()).err(), fault);
    assert_eq!(after(&[b"RFB 003.008\n\x01\x01\0\0\0\x01", reason.as_slice()].concat()).err(), fault);
    let closed = after(b"RFB 003.008\n\x01\x01").unwrap().client.closed();
    assert_eq!(closed, Some(Fault::Refused("it closed the connection".to_owned())));
}

#[test]
fn what_is_no_vnc_server_is_told_by_its_first_bytes() {
    for server in
        [b"SSH-2.0-OpenSSH_9.2".as_slice(), b"HTTP/1.1 400", b"RFB 003.008\r", b"RFB abc.def\n", b"X"]
    {
        assert_eq!(after(server).err(), Some(Fault::NotRfb), "{server:?}");
    }
    assert_eq!(after(b"RF").unwrap().client.closed(), Some(Fault::NotRfb));
}

#[test]
fn vencrypt_goes_over_to_tls_and_then_asks_for_the_password() {
    let mut screen = Screen::new(Options { password: true, tls: true, ..Options::default() });
    screen.feed(b"RFB 003.008\n\x02\x02\x13").unwrap();
    screen.feed(&[0, 2]).unwrap();
    screen.feed(&[&[0, 3], [258_u32, 260, 261].map(u32::to_be_bytes).as_flattened()].concat()).unwrap();
    assert_eq!(screen.sent(), b"RFB 003.008\n\x13\0\x02\0\0\x01\x05");
    screen.feed(&[1]).unwrap();
    assert_eq!(screen.acts, [Act::StartTls]);
    screen.feed(&CHALLENGE).unwrap();
    assert_eq!(screen.acts.last(), Some(&Act::Challenge(CHALLENGE)));
}

#[test]
fn vencrypt_without_a_certificate_is_refused_with_what_to_do() {
    let script =
        [b"RFB 003.008\n\x01\x13\0\x02\0\x02".as_slice(), &258_u32.to_be_bytes(), &256_u32.to_be_bytes()];
    let told = refused(&script.concat());
    assert!(told.contains("VeNCrypt with TLSVnc, Plain; let it offer X509Vnc"), "{told}");
}

#[test]
fn tls_that_is_asked_for_is_not_left_out() {
    let mut screen = Screen::new(Options { password: true, tls: true, ..Options::default() });
    let fault = screen.feed(b"RFB 003.008\n\x02\x01\x02").err().map(said).unwrap();
    assert!(fault.contains("'vnc.tls' asks for VeNCrypt"), "{fault}");
}

#[test]
fn a_repeater_is_told_which_server_is_wanted() {
    let options = Options { repeater: Some("ID:1234".to_owned()), ..Options::default() };
    let mut screen = Screen::new(options.clone());
    screen.feed(b"RFB 000.000\n").unwrap();
    let sent = screen.sent();
    assert_eq!((sent.len(), &sent[..8]), (250, b"ID:1234\0".as_slice()));
    screen.feed(&Script::open(3, 3).bytes).unwrap();
    assert!(screen.client.is_open());
    assert_eq!(after(b"RFB 000.000\n").err(), Some(Fault::Repeater));
    assert_eq!(Screen::new(options.clone()).feed(b"RFB 003.008\n").err(), Some(Fault::NoRepeater));
    assert_eq!(Screen::new(options).feed(b"RFB 000.000\nRFB 000.000\n").err(), Some(Fault::Repeater));
}

#[test]
fn what_is_wanted_is_what_the_settings_say() {
    let options = Options {
        shared: false,
        clipboard: false,
        local_cursor: false,
        encodings: vec![Encoding::Hextile],
        compression: Some(9),
        ..Options::default()
    };
    let mut screen = Screen::new(options);
    screen.feed(&Script::open(2, 3).bytes).unwrap();
    let sent = screen.sent();
    let (greeting, rest) = sent.split_at(14);
    assert_eq!(greeting, b"RFB 003.008\n\x01\0");
    assert_eq!(rest[..20], [0, 0, 0, 0, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0]);
    let (encodings, request) = rest[20..].split_at(4 + 8 * 4);
    let numbers: Vec<i32> =
        encodings[4..].chunks(4).map(|number| i32::from_be_bytes(number.try_into().unwrap())).collect();
    assert_eq!(numbers, [5, -224, -223, -308, -312, -313, -316, -247]);
    assert_eq!(request, [3, 0, 0, 0, 0, 0, 0, 2, 0, 3]);
}
