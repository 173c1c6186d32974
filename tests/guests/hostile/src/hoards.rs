//! Attacks on memory: the plugin's own, and the host's through what it is handed.

use std::arch::wasm32::memory_grow;
use std::hint::black_box;

use crate::guest::ostler::log::log::{self, Level};
use crate::guest::ostler::prompt::prompt::{self, Field, FieldKind, Form};
use crate::guest::ostler::storage::storage;
use crate::guest::{Tried, said};

pub(crate) fn attack(attack: &str) -> Tried {
    Some(match attack {
        "memory" => {
            let mut hoard: Vec<Vec<u8>> = Vec::new();
            loop {
                hoard.push(black_box(vec![1; 1 << 20]));
            }
        }
        "memory-at-once" => said(format!("grew to {}", memory_grow(0, 65_000))),
        "memory-page-by-page" => loop {
            black_box(memory_grow(0, 1));
        },
        "huge-argument" => {
            log::write(Level::Info, &"x".repeat(20 << 20));
            said("it was taken")
        }
        "a-million-empty-texts-to-the-host" => {
            let options = vec![String::new(); 1_000_000];
            let field =
                Field { id: "a".into(), label: "A".into(), kind: FieldKind::Choice(options), required: true };
            let form = Form { title: "Choose".into(), message: String::new(), fields: vec![field] };
            said(format!("{:?}", prompt::ask(&form)))
        }
        "a-form-of-ten-thousand-fields" => {
            let field = |number: usize| Field {
                id: format!("f{number}"),
                label: "F".into(),
                kind: FieldKind::Confirm(false),
                required: false,
            };
            let fields = (0..10_000).map(field).collect();
            said(format!("{:?}", prompt::ask(&Form { title: "Many".into(), message: String::new(), fields })))
        }
        "storage-in-many-keys" => {
            let refused = (0..100_000).find_map(|number| storage::set(&format!("k{number}"), b"v").err());
            said(format!("{refused:?}"))
        }
        "storage-in-large-values" => {
            let value = vec![7; 1 << 20];
            let refused = (0..100).find_map(|number| storage::set(&format!("k{number}"), &value).err());
            said(format!("{refused:?}"))
        }
        "a-key-of-a-megabyte" => said(format!("{:?}", storage::set(&"k".repeat(1 << 20), b"v"))),
        "a-key-of-another-plugin" => {
            let keys = ["../test.probe/k", "test.probe\0k", "/k"];
            said(format!("{:?}", keys.map(|key| storage::get(key).map(|value| value.is_some()))))
        }
        _ => return None,
    })
}
