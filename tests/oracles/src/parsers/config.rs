//! The configuration file.

use std::path::{Path, PathBuf};

use anyhow::ensure;
use ostler_app::Configuration;

use super::Taken;
use crate::Input;

const FILE: &str = r#"
[log]
level = "info"

[settings]
"ssh.keepalive-seconds" = 60
recording = true

[policy]
record = "always"

[plugin."ostler.launcher-ssh".settings]
key = "value"
numbers = 7
"#;

pub(super) fn good(_: &[PathBuf]) -> anyhow::Result<Vec<Input>> {
    Ok(vec![Input::of(FILE), Input::of("")])
}

/// What is wrong is named with a line that the file has.
pub(super) fn take(input: &Input, _: &Path) -> anyhow::Result<Taken> {
    let Ok(text) = std::str::from_utf8(input.bytes()) else { return Ok(Taken::Refused) };
    match Configuration::parse(text) {
        Ok(configuration) => {
            drop(format!("{configuration:?}"));
            Ok(Taken::Read)
        }
        Err(error) => {
            let lines = text.split('\n').count();
            ensure!(
                error.place.is_none_or(|(line, column)| (1..=lines).contains(&line) && column > 0),
                "{error}: of {lines} lines"
            );
            Ok(Taken::Refused)
        }
    }
}
