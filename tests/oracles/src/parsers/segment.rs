//! Opened segments of a recording: their heads, the compressed text, the events in it. An input's files are plaintexts,
//! which are sealed here as a recorder would have; nobody without the recording's key can.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use ostler_recording::{Recordings, fuzzing};

use super::{Taken, recording};
use crate::Input;

const HEADER: &str = "header";

/// More do nothing that these don't.
const MOST: usize = 16;

pub(super) fn good(components: &[PathBuf]) -> anyhow::Result<Vec<Input>> {
    let recordings = recording::good(components)?;
    recordings
        .iter()
        .map(|recording| {
            let header = recording.file(HEADER).context("there is no header")?;
            let segments = recording.files.iter().filter(|(name, _)| name.starts_with("seg-"));
            let (names, sealed): (Vec<&String>, Vec<&[u8]>) =
                segments.map(|(name, bytes)| (name, bytes.as_slice())).unzip();
            let plain = fuzzing::open_segments(header, recording::ID, &recording::key(), &sealed)?;
            Ok(Input { files: names.into_iter().cloned().zip(plain).collect() })
        })
        .collect()
}

/// What verifies can be read to its end, and what it exports is an asciicast.
pub(super) fn take(input: &Input, scratch: &Path) -> anyhow::Result<Taken> {
    let header = recording::header()?;
    let plaintexts: Vec<&[u8]> = input.files.iter().take(MOST).map(|(_, bytes)| bytes.as_slice()).collect();
    let sealed = fuzzing::seal_segments(header, recording::ID, &recording::key(), &plaintexts)?;
    let mut files = vec![(HEADER.to_owned(), header.to_vec())];
    files.extend((0..).zip(sealed).map(|(number, bytes): (u64, _)| (format!("seg-{number:08}"), bytes)));
    Input { files }.write(&scratch.join(recording::ID.to_string()))?;

    let (recordings, key) = (Recordings::open(scratch), recording::key());
    drop(format!("{:?}", recordings.list(&key)));
    let verified = recordings.verify(recording::ID, &key).map_err(|error| error.to_string());
    let mut out = Vec::new();
    let exported = recordings.export_asciicast(recording::ID, &key, &mut out);
    ensure!(verified.is_err() || exported.is_ok(), "what verifies can't be exported: {exported:?}");
    if exported.is_ok() {
        ensure!(super::asciicast::read(&out).is_some(), "what was exported is no asciicast");
    }
    Ok(if verified.is_ok() { Taken::Read } else { Taken::Refused })
}
