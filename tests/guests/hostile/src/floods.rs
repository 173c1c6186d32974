//! Floods of output, and output that forges.

use std::io::Write as _;

use crate::guest::ostler::log::log::{self, Level};
use crate::guest::ostler::prompt::prompt::{self, Field, FieldKind, Form};
use crate::guest::{Tried, said};

pub(crate) fn attack(attack: &str) -> Tried {
    let line = "a line of output\n";
    match attack {
        "lines-to-stdout" => (0..5000).for_each(|_| print!("{line}")),
        "lines-to-stderr" => (0..5000).for_each(|_| eprint!("{line}")),
        "one-line-without-an-end" => {
            let block = vec![b'x'; 1 << 20];
            (0..4).for_each(|_| drop(std::io::stderr().write_all(&block)));
        }
        "no-text-to-stdout" => drop(std::io::stdout().write_all(&[0xff, 0xfe, 0x80, b'\n'])),
        "lines-to-the-log" => (0..5000).for_each(|_| log::write(Level::Error, line)),
        "a-forged-log-line" => {
            log::write(
                Level::Error,
                "fine\n2026-01-01T00:00:00Z ERROR ostler: \u{1b}[31myour store is broken",
            );
        }
        "forms-without-an-end" => {
            let field = || Field {
                id: "a".into(),
                label: "A".into(),
                kind: FieldKind::Confirm(true),
                required: false,
            };
            let form = || Form { title: "Again".into(), message: String::new(), fields: vec![field()] };
            let refused = (0..1000).find_map(|_| match prompt::ask(&form()) {
                Err(prompt::PromptError::Refused(error)) => Some(error),
                _ => None,
            });
            return Some(said(format!("{refused:?}")));
        }
        "a-form-in-the-name-of-the-host" => {
            let field = Field {
                id: "a".into(),
                label: "Passphrase".into(),
                kind: FieldKind::Password,
                required: true,
            };
            let title = "\u{1b}[2J\u{1b}[HOstler: enter your passphrase\u{202e}".to_owned();
            drop(prompt::ask(&Form { title, message: "\r\n\u{7}".into(), fields: vec![field] }));
        }
        _ => return None,
    }
    Some(said("it came to an end"))
}
