//! The store's passphrase: from a file, a file descriptor or the person; never from the words of the command line.

use std::ffi::OsString;
use std::path::PathBuf;

use ostler_app::core::{PromptError, SecretBytes, check_passphrase};

use crate::error::CliError;
use crate::output::Output;
use crate::prompt::Asker;
use crate::secret_file::SecretSource;

/// The variable that names a file with the passphrase.
pub(crate) const FILE_VARIABLE: &str = "OSTLER_PASSPHRASE_FILE";

/// How often a person may enter a new passphrase until both times agree.
const TRIES: u32 = 3;

/// Returns where the passphrase comes from: what the command line names, then what the environment names. None asks
/// the person.
pub(crate) fn source(
    file: Option<&PathBuf>,
    descriptor: Option<u32>,
    environment: Option<OsString>,
) -> Option<SecretSource> {
    SecretSource::choose(file, descriptor)
        .or_else(|| environment.filter(|path| !path.is_empty()).map(|path| SecretSource::File(path.into())))
}

/// Gets the passphrase of an existing store.
///
/// # Errors
/// Fails where it can't be read, or nobody is there to ask.
pub(crate) fn existing(
    source: Option<&SecretSource>,
    asker: Asker,
    output: &Output,
) -> Result<SecretBytes, CliError> {
    match source {
        Some(source) => source.read_line("the passphrase", output),
        None => asker.hidden("Passphrase: ").map_err(unanswered),
    }
}

/// Gets a new passphrase that keeps the rule. A person enters it twice.
///
/// # Errors
/// Fails where it can't be read, is too weak, or nobody is there to ask.
pub(crate) fn new(
    source: Option<&SecretSource>,
    asker: Asker,
    output: &Output,
) -> Result<SecretBytes, CliError> {
    let Some(source) = source else { return ask_twice(asker, output) };
    let passphrase = source.read_line("the passphrase", output)?;
    check(&passphrase)?;
    Ok(passphrase)
}

fn ask_twice(asker: Asker, output: &Output) -> Result<SecretBytes, CliError> {
    output.note("at least 8 characters with upper and lower case, a digit and a symbol; a lost passphrase can't be recovered");
    let mut tries = TRIES;
    loop {
        tries = tries.saturating_sub(1);
        let first = asker.hidden("New passphrase: ").map_err(unanswered)?;
        match check(&first) {
            Err(error) if tries == 0 => return Err(error),
            Err(error) => {
                output.warning(&error.to_string());
                continue;
            }
            Ok(()) => {}
        }
        if asker.hidden("Once more: ").map_err(unanswered)? == first {
            return Ok(first);
        }
        if tries == 0 {
            return Err(CliError::Declined("the two passphrases differ"));
        }
        output.warning("the two differ");
    }
}

fn check(passphrase: &SecretBytes) -> Result<(), CliError> {
    let Some(text) = passphrase.expose_text() else {
        return Err(CliError::Secret {
            what: "the passphrase".to_owned(),
            reason: "is not UTF-8 text".to_owned(),
        });
    };
    let faults = check_passphrase(text);
    if faults.is_empty() { Ok(()) } else { Err(CliError::WeakPassphrase(faults)) }
}

fn unanswered(error: PromptError) -> CliError {
    match error {
        PromptError::Headless => CliError::NoPassphrase,
        PromptError::Declined => CliError::Declined("no passphrase was entered"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_goes_before_the_environment() {
        let file = PathBuf::from("/a");
        let environment = || Some(OsString::from("/env"));
        assert_eq!(source(Some(&file), None, environment()), Some(SecretSource::File(file)));
        assert_eq!(source(None, Some(5), environment()), Some(SecretSource::Descriptor(5)));
        assert_eq!(source(None, None, environment()), Some(SecretSource::File(PathBuf::from("/env"))));
        assert_eq!(source(None, None, Some(OsString::new())), None);
    }

    #[test]
    fn a_weak_passphrase_is_refused() {
        assert!(matches!(check(&SecretBytes::from("weak".to_owned())), Err(CliError::WeakPassphrase(_))));
        assert!(check(&SecretBytes::from("Str0ng!pass".to_owned())).is_ok());
    }
}
