//! Sealed recordings: a folder of a header and segments. A complete one proves its content; one that lost its end is
//! incomplete, and what it still has is not compared here.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use anyhow::Context as _;
use ostler_core::{ConnectionId, RecordingId, SessionId, TerminalSize, Timestamp};
use ostler_recording::{RecordedSurface, Recorder, RecordingInfo, RecordingState, Recordings};
use ostler_sealing::EnvelopePrivateKey;

use super::{Still, Taken};
use crate::Input;

pub(super) const ID: RecordingId = RecordingId::from_bytes([5; 16]);

pub(super) fn good(_: &[PathBuf]) -> anyhow::Result<Vec<Input>> {
    let home = tempfile::tempdir()?;
    [3, 0].into_iter().map(|segments| make(home.path(), segments)).collect()
}

pub(super) fn take(input: &Input, scratch: &Path) -> anyhow::Result<Taken> {
    input.write(&scratch.join(ID.to_string()))?;
    let (recordings, key) = (Recordings::open(scratch), key());
    drop(format!("{:?}", recordings.list(&key)));
    let mut out = Vec::new();
    drop(recordings.export_asciicast(ID, &key, &mut out).map_err(|error| error.to_string()));
    Ok(match recordings.verify(ID, &key) {
        Ok(verified) if verified.state == RecordingState::Complete => Taken::Proved(out),
        Ok(_) => Taken::Read,
        Err(_) => Taken::Refused,
    })
}

/// A recording as asciicast.
pub(super) fn exported() -> anyhow::Result<Vec<u8>> {
    let home = tempfile::tempdir()?;
    make(home.path(), 3)?;
    let mut out = Vec::new();
    Recordings::open(home.path()).export_asciicast(ID, &key(), &mut out)?;
    Ok(out)
}

/// The header of a recording, the same one each time.
pub(super) fn header() -> anyhow::Result<&'static [u8]> {
    static HEADER: OnceLock<Vec<u8>> = OnceLock::new();
    if HEADER.get().is_none() {
        let home = tempfile::tempdir()?;
        let header = make(home.path(), 0)?.file("header").map(<[u8]>::to_vec);
        // Another thread's is as good.
        drop(HEADER.set(header.context("there is no header")?));
    }
    HEADER.get().map(Vec::as_slice).context("there is no header")
}

fn make(home: &Path, segments: u32) -> anyhow::Result<Input> {
    let folder = home.join(ID.to_string());
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    let size = TerminalSize { columns: 80, rows: 24 };
    let info = RecordingInfo {
        id: ID,
        session: SessionId::from_bytes([6; 16]),
        connection: ConnectionId::from_bytes([7; 16]),
        name: "Database".to_owned(),
        target: "db.example:22".to_owned(),
        kind: "ssh".to_owned(),
        user: "root".to_owned(),
        os_user: "admin".to_owned(),
        started: Timestamp(1_700_000_000_000_000),
        terminal: size,
        terminal_type: "xterm-256color".to_owned(),
        command: Some("make".to_owned()),
        surface: RecordedSurface::Terminal,
    };
    let recorder = Recorder::start(home, info, &key().public(), Arc::new(Still))?;
    for number in 0..segments {
        recorder.output(format!("line {number}: \u{1F434} \u{1b}[1mbold\u{1b}[0m\r\n").as_bytes())?;
        recorder.output(b"\xFF\xC3")?;
        recorder.input(b"ls\r")?;
        recorder.marker("here")?;
        recorder.flush()?;
    }
    recorder.resize(TerminalSize { columns: 132, rows: 50 })?;
    recorder.finish(Some(segments))?;
    Input::read(&folder)
}

pub(super) fn key() -> EnvelopePrivateKey {
    EnvelopePrivateKey::from_seed(&[7; 32])
}
