//! What a Telnet server sends, through the launcher's native build. The first byte of an input says how the rest is cut.
//!
//! Whatever comes: what is shown and answered is the same however the bytes are cut, and answers don't grow beyond what came.

use std::path::{Path, PathBuf};

use anyhow::ensure;
use launcher_telnet::login::Login;
use launcher_telnet::protocol::{Client, Taken as Came, Telnet};

use super::Taken;
use crate::Input;

/// The longest answer to one byte: the end of a question for the user's name.
const MOST_ANSWERED: usize = 64;

pub(super) fn good(_: &[PathBuf]) -> anyhow::Result<Vec<Input>> {
    let stream = [
        b"\xff\xfd\x18\xff\xfd\x1f\xff\xfd\x27\xff\xfb\x01\xff\xfb\x03\xff\xfe\x22".as_slice(),
        b"\xff\xfa\x18\x01\xff\xf0\xff\xfa\x27\x01\x00USER\xff\xf0\xff\xf9",
        b"Debian\r\nbox login: anna\r\0\r\nPassword: \r\n\xff\xff$ ",
        b"\xff\xfd\x00\xff\xfb\x00\r\0\xff\xfc\x01\xff\xfa\x18\xff\xff\xff\xf0",
    ];
    Ok([0, 4].map(|cut| Input::of([&[cut], stream.concat().as_slice()].concat())).into())
}

pub(super) fn take(input: &Input, _: &Path) -> anyhow::Result<Taken> {
    let Some((cut, bytes)) = input.bytes().split_first() else { return Ok(Taken::Refused) };
    let whole = telnet().take(bytes);
    ensure!(whole.show.len() <= bytes.len(), "more is shown than came");
    ensure!(whole.reply.len() <= bytes.len() * MOST_ANSWERED, "more is answered than was asked");
    let (mut telnet, mut sum) = (telnet(), Came::default());
    let (mut login, mut answered) = (Login::new(Some("login:"), Some("password:")), 0);
    for piece in bytes.chunks(usize::from(*cut) + 1) {
        let came = telnet.take(piece);
        answered += usize::from(login.look(&came.show).is_some());
        sum.show.extend(came.show);
        sum.reply.extend(came.reply);
    }
    ensure!(answered <= 2, "a question is answered again");
    ensure!(sum == whole, "it is another session when the bytes come in pieces");
    drop(telnet.resize(255, 24));
    Ok(Taken::Read)
}

fn telnet() -> Telnet {
    let user = Some("anna".to_owned());
    Telnet::new(Client { terminal_type: "xterm".to_owned(), size: (80, 24), user })
}
