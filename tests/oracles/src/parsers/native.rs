//! What the process of a native plugin sends: that it is ready, and its answer.
//!
//! What a person reads of it is one line without characters that steer a terminal, and a list has an end.

use std::path::{Path, PathBuf};

use anyhow::ensure;
use ostler_runtime::NativeError;
use ostler_runtime::fuzzing::{native_frame, take_native_talk};

use super::Taken;
use crate::Input;

const READY: &str = r#"{"Loaded":{"protocol":1}}"#;
const ANSWERS: [&str; 4] = [
    r#"{"entries":[{"reference":"a/1","name":"Token \u001b[1m","folder":true},{"reference":"b","name":"B"}]}"#,
    r#"{"description":{"name":"A","user":"anna","domain":null,"fields":["password"],"requirements":[{"id":"pin","label":"PIN","secret":true}]}}"#,
    r#"{"lease":[{"field":"password","value":"word"}]}"#,
    r#"{"failed":{"kind":"refused","text":"wrong\nPIN"}}"#,
];

/// As many entries are shown of a list.
const MOST_ENTRIES: usize = 1000;

pub(super) fn good(_: &[PathBuf]) -> anyhow::Result<Vec<Input>> {
    let talk = |answer: &str| [READY, answer].map(|message| native_frame(message.as_bytes())).concat();
    Ok(ANSWERS.map(|answer| Input::of(talk(answer))).into())
}

pub(super) fn take(input: &Input, _: &Path) -> anyhow::Result<Taken> {
    let Some(talk) = take_native_talk(input.bytes()) else { return Ok(Taken::Refused) };
    let shown = |text: &str| ensure_line(text);
    if let Ok(entries) = &talk.entries {
        ensure!(entries.len() <= MOST_ENTRIES, "{} entries", entries.len());
        entries.iter().try_for_each(|entry| shown(&entry.name))?;
    }
    if let Ok(description) = &talk.description {
        shown(&description.name)?;
        description.requirements.iter().try_for_each(|requirement| shown(&requirement.label))?;
    }
    if let Err(NativeError::Said(failure)) = &talk.entries {
        shown(&failure.text)?;
    }
    ensure!(talk.entries.is_err() || talk.description.is_err(), "an answer is two things at once");
    Ok(Taken::Read)
}

fn ensure_line(text: &str) -> anyhow::Result<()> {
    ensure!(!text.chars().any(char::is_control), "{text:?} steers a terminal");
    ensure!(text.chars().count() <= 1001, "a name of {} characters", text.chars().count());
    Ok(())
}
