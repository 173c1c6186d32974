//! An importer of lines. `name host port [password]` is a connection; a line that is not becomes a problem; a line that
//! begins with `!` makes it misbehave.

wit_bindgen::generate!({
    world: "ostler:importer/importer-plugin",
    path: ["../../../plugin-api/wit/types-0.1.0", "../../../plugin-api/wit/importer-0.1.0"],
    generate_all,
});

use exports::ostler::importer::importer::Guest;
use ostler::importer::feed;
use ostler::importer::types::{
    Connection, Credential, Entry, Failure, Folder, Info, Item, LocalCredential, MappedField, MappingState,
    OptionInfo, Position, Problem, Secret, Severity, Summary,
};
use ostler::types::types::{SecretField, Setting, SettingValue};

#[unsafe(link_section = "ostler:plugin.toml")]
#[used]
static MANIFEST: [u8; include_bytes!("../plugin.toml").len()] = *include_bytes!("../plugin.toml");

struct Lines;

export!(Lines);

impl Guest for Lines {
    fn describe() -> Info {
        Info {
            title: "Lines\u{1b}".into(),
            extensions: vec!["lines".into()],
            options: vec![OptionInfo {
                name: "strict".into(),
                help: "Stop.".into(),
                choices: vec!["yes".into(), "no".into()],
            }],
        }
    }

    fn detect(head: Vec<u8>, name: String) -> u8 {
        if name == "length" {
            return if head.len() == 64 << 10 { 64 } else { 0 };
        }
        if head.starts_with(b"#lines") { 200 } else { 0 }
    }

    fn parse(options: Vec<(String, String)>) -> Result<Summary, Failure> {
        if let Some((name, _)) = options.iter().find(|(name, _)| name != "strict") {
            return Err(Failure::BadOption((name.clone(), "is unknown".into())));
        }
        let text = String::from_utf8(whole()).map_err(|error| {
            let line = error.as_bytes()[..error.utf8_error().valid_up_to()]
                .iter()
                .filter(|byte| **byte == b'\n')
                .count();
            let line = u64::try_from(line).ok().map(|line| line + 1);
            Failure::BadFile((Position { line, column: None, field: None }, "is not UTF-8".into()))
        })?;
        for (number, line) in (1..).zip(text.lines()) {
            let at = Position { line: Some(number), column: None, field: None };
            if let Some(misuse) = line.strip_prefix('!') {
                misbehave(misuse, at);
            } else if !line.starts_with('#') && !take(line, at) {
                break;
            }
        }
        Ok(Summary {
            format: "lines".into(),
            mapping: vec![MappedField {
                target: "host".into(),
                source: Some("second word".into()),
                example: Some("a.example".into()),
                state: MappingState::Guessed,
            }],
            unused: vec!["rest".into()],
            mendable_head: b"#lines\n".to_vec(),
        })
    }
}

fn whole() -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let read = feed::read(u32::MAX);
        if read.is_empty() {
            return bytes;
        }
        bytes.extend(read);
    }
}

/// Hands over what the line says; false where the host wants no more.
fn take(line: &str, at: Position) -> bool {
    let mut words = line.split(' ');
    let (name, host, port) = (words.next(), words.next(), words.next().and_then(|port| port.parse().ok()));
    let (Some(name), Some(host), Some(port)) = (name, host, port) else {
        feed::report(&[Problem {
            position: at,
            entry: name.map(str::to_owned),
            severity: Severity::NotImported,
            reason: "a line is 'name host port', with\u{1b}out more".into(),
            mendable: Some(format!("{line}\n").into_bytes()),
        }]);
        return true;
    };
    feed::put(&[connection(name, host, port, words.next(), at)])
}

fn connection(name: &str, host: &str, port: u16, password: Option<&str>, at: Position) -> Entry {
    let secret = |value: &str| Secret { field: SecretField::Password, value: value.into() };
    let local = |value: &str| LocalCredential {
        user: Some("root".into()),
        domain: None,
        secrets: vec![secret(value)],
    };
    Entry {
        position: at,
        identity: format!("{name}@{host}"),
        folder: vec!["top".into(), "below".into()],
        defaults: vec!["the type is ssh".into()],
        item: Item::Connection(Connection {
            name: name.into(),
            kind: "ssh".into(),
            host: host.into(),
            port,
            credential: password.map_or(Credential::Inherit, |password| Credential::Local(local(password))),
            settings: vec![Setting { key: "ssh.keepalive-seconds".into(), value: SettingValue::Integer(30) }],
            notes: "two\nlines".into(),
            tags: vec!["b".into(), "a".into()],
            custom_fields: vec![("rack".into(), "7".into())],
        }),
    }
}

fn misbehave(misuse: &str, at: Position) {
    let mut entry = connection("bad", "bad.example", 22, Some("hunter2"), at.clone());
    let Item::Connection(bad) = &mut entry.item else { return };
    match misuse {
        "port" => bad.port = 0,
        "host" => bad.host = "a b".into(),
        "name" => bad.name = "a\u{1b}b".into(),
        "no-name" => bad.name = " ".into(),
        "kind" => bad.kind = "SSH!".into(),
        "notes" => bad.notes = "x".repeat(100_000),
        "tags" => bad.tags = (0..1000).map(|index| index.to_string()).collect(),
        "settings" => bad.settings = vec![Setting { key: String::new(), value: SettingValue::Flag(true) }],
        "fields" => bad.custom_fields = vec![("key".into(), "x".repeat(100_000))],
        "secret" => {
            bad.credential = Credential::Local(LocalCredential {
                user: None,
                domain: None,
                secrets: vec![Secret { field: SecretField::Password, value: "x".repeat(100_000) }],
            })
        }
        "user" => {
            bad.credential = Credential::Local(LocalCredential {
                user: Some("a\nb".into()),
                domain: None,
                secrets: Vec::new(),
            })
        }
        "depth" => entry.folder = vec!["down".into(); 1000],
        "identity" => entry.identity = "x".repeat(10_000),
        "folder" => {
            entry.item = Item::Folder(Folder {
                name: "bad\n".into(),
                notes: String::new(),
                credential: Credential::None,
                settings: Vec::new(),
            });
        }
        "panic" => panic!("a line told it to"),
        "loop" => loop {
            std::hint::black_box(0);
        },
        "flood" => while feed::put(&vec![entry.clone(); 1000]) {},
        "packed" => {
            feed::put_packed(&packed(&at));
            return;
        }
        "torn" => {
            // The length of a text that is not there.
            let mut block = packed(&at);
            block.extend([0, 0, 0, 0xff, 0xff, 0xff, 0xff]);
            feed::put_packed(&block);
            return;
        }
        "large" => {
            feed::put_packed(&vec![0; (4 << 20) + 1]);
            return;
        }
        "complain" => {
            for _ in 0..10_000 {
                feed::report(&[Problem {
                    position: at.clone(),
                    entry: None,
                    severity: Severity::Warning,
                    reason: "again".into(),
                    mendable: None,
                }]);
            }
        }
        other => panic!("the importer can't do '{other}'"),
    }
    feed::put(&[entry]);
}

/// Packs an entry by hand, as an importer in a language without a library for it would.
fn packed(at: &Position) -> Vec<u8> {
    let mut block = Vec::new();
    let text = |block: &mut Vec<u8>, text: &str| {
        block.extend((text.len() as u32).to_le_bytes());
        block.extend(text.as_bytes());
    };
    // The position: a line, no column, no field.
    block.push(1);
    block.extend(at.line.unwrap_or_default().to_le_bytes());
    block.extend([0, 0]);
    text(&mut block, "packed@a.example");
    // Two folders, no defaults.
    block.extend(2u32.to_le_bytes());
    text(&mut block, "top");
    text(&mut block, "below");
    block.extend(0u32.to_le_bytes());
    // A connection.
    block.push(1);
    text(&mut block, "packed");
    text(&mut block, "ssh");
    text(&mut block, "a.example");
    block.extend(2222u16.to_le_bytes());
    // Its own credential: a user, no domain, a password.
    block.extend([2, 1]);
    text(&mut block, "root");
    block.push(0);
    block.extend(1u32.to_le_bytes());
    block.push(0);
    text(&mut block, "hunter2");
    // A setting: a number.
    block.extend(1u32.to_le_bytes());
    text(&mut block, "ssh.keepalive-seconds");
    block.push(1);
    block.extend(30i64.to_le_bytes());
    text(&mut block, "two\nlines");
    // A tag and a field of the user's own.
    block.extend(1u32.to_le_bytes());
    text(&mut block, "prod");
    block.extend(1u32.to_le_bytes());
    text(&mut block, "rack");
    text(&mut block, "7");
    block
}
