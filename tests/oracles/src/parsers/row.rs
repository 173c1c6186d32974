//! Opened rows of a store: JSON of core's types, rules of secrets, and named values. The first byte of an input says what
//! the row holds.
//!
//! Nobody without the keys can make a store hold them; a newer program, or one with a fault, can.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use anyhow::{Context as _, ensure};
use ostler_core::{
    Connection, ConnectionId, CredentialMode, Folder, FolderId, HostKey, Settings, SourceIdentity, Timestamp,
};
use ostler_vault::KnownHost;
use ostler_vault::fuzzing::{Content, Rows};

use super::{Taken, comes_back};
use crate::Input;

const CONTENTS: [Content; 6] = [
    Content::Folder,
    Content::Connection,
    Content::KnownHosts,
    Content::Rules,
    Content::PluginValue,
    Content::Document,
];

const RULES: &str = r#"{"field":"password","rules":[{"protocol":"ssh","host":{"exact":{"host":"db.example","port":22}},"field":"password"}]}"#;

static ROWS: LazyLock<Option<Rows>> = LazyLock::new(|| Rows::new().ok());

pub(super) fn good(_: &[PathBuf]) -> anyhow::Result<Vec<Input>> {
    let known = KnownHost {
        host: "db.example".to_owned(),
        port: 22,
        key: HostKey {
            algorithm: "ssh-ed25519".to_owned(),
            openssh: "ssh-ed25519 AAAA".to_owned(),
            fingerprint: "SHA256:x".to_owned(),
        },
        added: Timestamp(3),
    };
    let named = |names: &[&str]| {
        let mut plain = Vec::new();
        for name in names {
            plain.extend((name.len() as u64).to_be_bytes());
            plain.extend(name.bytes());
        }
        [plain.as_slice(), b"value"].concat()
    };
    let contents: [Vec<u8>; 6] = [
        serde_json::to_vec(&folder(1, None))?,
        serde_json::to_vec(&connection(2, Some(1)))?,
        serde_json::to_vec(&[known])?,
        RULES.as_bytes().to_vec(),
        named(&["acme.importer-xyz", "key"]),
        named(&["grants"]),
    ];
    Ok((0..).zip(contents).map(|(kind, plain)| Input::of([&[kind], plain.as_slice()].concat())).collect())
}

/// What is read comes back as it was written.
pub(super) fn take(input: &Input, _: &Path) -> anyhow::Result<Taken> {
    let Some((kind, plain)) = input.bytes().split_first() else { return Ok(Taken::Refused) };
    let content = CONTENTS.get(usize::from(*kind) % CONTENTS.len()).context("no such content")?;
    let rows = ROWS.as_ref().context("no random bytes")?;
    if let Err(error) = rows.take(*content, plain) {
        drop(error.to_string());
        return Ok(Taken::Refused);
    }
    let written = match content {
        Content::Folder => comes_back::<Folder>(&serde_json::from_slice(plain)?)?,
        Content::Connection => comes_back::<Connection>(&serde_json::from_slice(plain)?)?,
        Content::KnownHosts => comes_back::<Vec<KnownHost>>(&serde_json::from_slice(plain)?)?,
        Content::Rules | Content::PluginValue | Content::Document => plain.to_vec(),
    };
    ensure!(rows.take(*content, &written).is_ok(), "what was written again is refused");
    Ok(Taken::Read)
}

pub(super) fn folder(id: u8, parent: Option<u8>) -> Folder {
    Folder {
        id: FolderId::from_bytes([id; 16]),
        parent: parent.map(|id| FolderId::from_bytes([id; 16])),
        name: format!("Folder {id}"),
        notes: "notes".to_owned(),
        credential: CredentialMode::None,
        settings: Settings::default(),
        source: None,
    }
}

pub(super) fn connection(id: u8, folder: Option<u8>) -> Connection {
    Connection {
        id: ConnectionId::from_bytes([id; 16]),
        folder: folder.map(|id| FolderId::from_bytes([id; 16])),
        name: format!("db{id}"),
        kind: "ssh".to_owned(),
        host: "db.example".to_owned(),
        port: 22,
        credential: CredentialMode::Inherit,
        settings: Settings::default(),
        notes: String::new(),
        tags: ["tag".to_owned()].into(),
        custom_fields: [("field".to_owned(), "value".to_owned())].into(),
        source: Some(SourceIdentity { plugin: "csv".to_owned(), identity: "7".to_owned() }),
        imported: None,
        created: Timestamp(1),
        updated: Timestamp(2),
    }
}
