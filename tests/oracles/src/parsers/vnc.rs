//! What a VNC server sends, through the launcher's native build. The first byte of an input says how the rest is cut.
//!
//! Whatever comes: what is shown is on the desktop, and it is the same however the bytes are cut.

use std::path::{Path, PathBuf};

use anyhow::ensure;
use launcher_vnc::rfb::{Act, Area, Change, Client, Options};
use ostler_fakes::vnc::{Encoder, Encoding, Picture, Rect, Script};

use super::Taken;
use crate::Input;

/// The most pixels of a desktop here: larger ones cost time and teach nothing.
const MOST_PIXELS: usize = 1 << 16;
/// The most pixels that one input paints, for the same reason.
const MOST_PAINTED: usize = 1 << 22;

/// What is not painted any more.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// The server would have to send more.
    Open,
    Refused,
    TooMuch,
}

pub(super) fn good(_: &[PathBuf]) -> anyhow::Result<Vec<Input>> {
    let mut random = fastrand::Rng::with_seed(1);
    let mut good = Vec::new();
    for (seed, encoding) in (0..).zip(Encoding::ALL) {
        let picture = Picture::random(80, 40, &mut random);
        let mut encoder = Encoder::new(seed);
        let mut script = Script::open(80, 40).update(4);
        for _ in 0..3 {
            script = script.pixels(&mut encoder, &picture, picture.random_rect(&mut random), encoding);
        }
        let copied = Rect { x: 0, y: 0, width: 9, height: 9 };
        good.push(Input::of([&[9], script.rect(copied, 1, &[0, 5, 0, 6]).bytes.as_slice()].concat()));
    }
    let rect = |x, y, width, height| Rect { x, y, width, height };
    let others = Script::open(20, 20)
        .update(4)
        .rect(rect(1, 1, 2, 1), -239, &[1, 2, 3, 0, 4, 5, 6, 0, 0x40])
        .rect(rect(0, 0, 1, 1), -314, &[0, 0, 0, 0, 9, 9, 9, 9])
        .rect(rect(0, 0, 30, 9), -308, &[[1, 0, 0, 0].as_slice(), &[0; 16]].concat())
        .rect(rect(0, 0, 0, 0), -224, &[])
        .raw(&[2, 150, 248, 0, 0, 0, 0x80, 0, 0, 1, 1, 7])
        .raw(b"\x03\0\0\0\0\0\0\x04text")
        .raw(&[3, 0, 0, 0, 0xff, 0xff, 0xff, 0xf8, 0x1f, 0, 0, 1, 0, 0, 0, 0]);
    good.push(Input::of([&[3], others.bytes.as_slice()].concat()));
    let password = b"RFB 003.008\n\x02\x02\x010123456789abcdef\0\0\0\x01\0\0\0\x03bad";
    good.push(Input::of([&[1], &password[..31]].concat()));
    Ok(good)
}

pub(super) fn take(input: &Input, _: &Path) -> anyhow::Result<Taken> {
    let Some((cut, bytes)) = input.bytes().split_first() else { return Ok(Taken::Refused) };
    let (at_once, end) = picture(bytes, bytes.len())?;
    if end == End::Open {
        let (in_pieces, _) = picture(bytes, usize::from(*cut) * 7 + 1)?;
        ensure!(in_pieces == at_once, "the picture is another one when the bytes come in pieces");
    }
    Ok(if end == End::Refused { Taken::Refused } else { Taken::Read })
}

/// Paints what comes of pieces of such a length.
fn picture(bytes: &[u8], length: usize) -> anyhow::Result<(Picture, End)> {
    let mut client = Client::new(Options { password: true, ..Options::default() });
    let (mut picture, mut painted) = (Picture::new(1, 1), 0);
    for piece in bytes.chunks(length.max(1)) {
        client.feed(piece);
        loop {
            match client.next_act() {
                Err(_) => return Ok((picture, End::Refused)),
                Ok(None) => break,
                Ok(Some(Act::Challenge(_))) => client.answer(&[1; 16]),
                Ok(Some(Act::Resize(size))) => {
                    if size.area().pixels() > MOST_PIXELS {
                        return Ok((picture, End::TooMuch));
                    }
                    picture.resize(size.width, size.height);
                }
                Ok(Some(Act::Show(changes))) => {
                    for change in changes {
                        painted += paint(&mut picture, change)?;
                    }
                }
                Ok(Some(Act::Pointer(Some(shape)))) => {
                    ensure!(shape.bytes.len() == shape.size.area().pixels() * 4, "a pointer has other bytes");
                    ensure!(shape.size.width <= 256 && shape.size.height <= 256, "a pointer is too large");
                }
                Ok(Some(_)) => {}
            }
            if painted > MOST_PAINTED {
                return Ok((picture, End::TooMuch));
            }
        }
    }
    Ok((picture, End::Open))
}

/// Paints a change, which must be on the picture; returns how many pixels it has.
fn paint(picture: &mut Picture, change: Change) -> anyhow::Result<usize> {
    let rect = |area: Area| -> anyhow::Result<Rect> {
        let Area { x, y, width, height } = area;
        let inside = u32::from(x) + u32::from(width) <= picture.width.into()
            && u32::from(y) + u32::from(height) <= picture.height.into();
        ensure!(inside && area.pixels() > 0, "{area:?} is not on the desktop");
        Ok(Rect { x, y, width, height })
    };
    let area = match change {
        Change::Pixels { at, bytes } => {
            let rect = rect(at)?;
            ensure!(bytes.len() == at.pixels() * 4, "{at:?} has {} bytes", bytes.len());
            let pixels: Vec<[u8; 3]> =
                bytes.as_chunks::<4>().0.iter().map(|[blue, green, red, _]| [*blue, *green, *red]).collect();
            picture.put(rect, &pixels);
            at
        }
        Change::Copy { from: (x, y), to } => {
            rect(Area { x, y, ..to })?;
            let rect = rect(to)?;
            picture.copy((x, y), rect);
            to
        }
        Change::Fill { at, colour } => {
            let rect = rect(at)?;
            picture.change(rect, |_, _| colour);
            at
        }
    };
    Ok(area.pixels())
}
