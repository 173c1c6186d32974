//! The header file: `{"format":"ostler-recording","version":1,"recording":..,"key":..}`, a newline, and the sealed
//! description.
//!
//! The line is read only in the one spelling that is written, so that no byte of it can change unnoticed.

use std::path::Path;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ostler_core::RecordingId;
use ostler_sealing::{EnvelopePrivateKey, EnvelopePublicKey, StreamKey};
use serde::{Deserialize, Serialize};

use crate::{
    Damage, RecordedSurface, RecordingError, RecordingInfo, chain,
    layout::{self, HEADER, MAX_HEADER_FILE_BYTES, MAX_INFO_BYTES},
};

const FORMAT: &str = "ostler-recording";
/// The newest version: desktops came with it. Terminals are written in the first one, which every program reads.
const VERSION: u32 = 2;
const FIRST_VERSION: u32 = 1;
const KEY_INFO: &[u8] = b"ostler recording key v1";

/// What a header shows without any key.
#[derive(Serialize, Deserialize)]
struct Public {
    format: String,
    version: u32,
    recording: RecordingId,
    key: String,
}

/// An opened header.
pub(crate) struct Header {
    /// The sealed description, opened.
    pub(crate) info: RecordingInfo,
    /// The recording's first key.
    pub(crate) key: StreamKey,
    /// The file, which the first segment is bound to.
    pub(crate) file: Vec<u8>,
}

/// Makes a header file and the recording's first key.
pub(crate) fn make(
    info: &RecordingInfo,
    key: &EnvelopePublicKey,
) -> Result<(Vec<u8>, StreamKey), RecordingError> {
    let stream_key = StreamKey::random()?;
    let wrapped = key.wrap(&wrap_info(info.id), &stream_key.to_bytes())?;
    let public = Public {
        format: FORMAT.to_owned(),
        version: version(info.surface),
        recording: info.id,
        key: STANDARD.encode(wrapped),
    };
    let mut file = line(&public).ok_or(RecordingError::InfoTooLong)?;
    let plain = serde_json::to_vec(info).map_err(|_| RecordingError::InfoTooLong)?;
    if plain.len() > MAX_INFO_BYTES {
        return Err(RecordingError::InfoTooLong);
    }
    let sealed = chain::seal_info(&stream_key, &file, &plain)?;
    file.extend_from_slice(&sealed);
    Ok((file, stream_key))
}

/// Reads and opens the header of the recording in `folder`.
pub(crate) fn read(
    folder: &Path,
    id: RecordingId,
    key: &EnvelopePrivateKey,
) -> Result<Header, RecordingError> {
    let file = layout::read(folder, HEADER, MAX_HEADER_FILE_BYTES)?;
    open(&file, id, key)
        .map(|(info, key)| Header { info, key, file })
        .map_err(|damage| RecordingError::damaged(HEADER, damage))
}

/// Opens a header file.
pub(crate) fn open(
    file: &[u8],
    id: RecordingId,
    key: &EnvelopePrivateKey,
) -> Result<(RecordingInfo, StreamKey), Damage> {
    let end = file.iter().position(|&byte| byte == b'\n').ok_or(Damage::Header)?;
    let (first, sealed) = file.split_at(end + 1);
    let public: Public = serde_json::from_slice(first).map_err(|_| Damage::Header)?;
    if public.format != FORMAT || line(&public).as_deref() != Some(first) {
        return Err(Damage::Header);
    }
    if !(FIRST_VERSION..=VERSION).contains(&public.version) {
        return Err(Damage::Newer { found: public.version, known: VERSION });
    }
    if public.recording != id {
        return Err(Damage::OtherRecording);
    }
    let wrapped = STANDARD.decode(&public.key).map_err(|_| Damage::Header)?;
    let stream_key = StreamKey::from_bytes(&*key.unwrap(&wrap_info(id), &wrapped)?);
    let plain = chain::open_info(&stream_key, first, sealed)?;
    let info: RecordingInfo = serde_json::from_slice(&plain).map_err(|_| Damage::Form)?;
    if info.id != id {
        return Err(Damage::OtherRecording);
    }
    if version(info.surface) != public.version {
        return Err(Damage::Header);
    }
    Ok((info, stream_key))
}

fn version(surface: RecordedSurface) -> u32 {
    match surface {
        RecordedSurface::Terminal => FIRST_VERSION,
        RecordedSurface::Desktop => VERSION,
    }
}

fn line(public: &Public) -> Option<Vec<u8>> {
    let mut line = serde_json::to_vec(public).ok()?;
    line.push(b'\n');
    Some(line)
}

fn wrap_info(id: RecordingId) -> Vec<u8> {
    [KEY_INFO, &id.to_bytes()].concat()
}
