//! Words that several verbs share: ports, settings, credentials.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use ostler_app::core::{PromptError, SecretBytes, SettingValue};
use ostler_app::{CredentialChange, CredentialModeInput, SecretInput, SourceInput};

use crate::error::CliError;
use crate::output::Output;
use crate::prompt::Asker;
use crate::secret_file::SecretSource;

/// Takes a port.
pub(crate) fn port(text: &str) -> Result<u16, String> {
    match text.parse::<u16>() {
        Ok(port) if port > 0 => Ok(port),
        _ => Err("a port is a whole number from 1 to 65535".to_owned()),
    }
}

/// Takes `KEY=VALUE`.
pub(crate) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => Ok((key.trim().to_owned(), value.to_owned())),
        _ => Err("expected KEY=VALUE".to_owned()),
    }
}

/// Takes `KEY=VALUE` of a setting: `true` and `false` are flags, whole numbers are numbers, all else is text.
pub(crate) fn setting(text: &str) -> Result<(String, SettingValue), String> {
    let (key, value) = pair(text)?;
    let value = match value.as_str() {
        "true" => SettingValue::Flag(true),
        "false" => SettingValue::Flag(false),
        _ => match value.parse() {
            // What would come back otherwise than it was written is text.
            Ok(number) if i64::to_string(&number) == value => SettingValue::Integer(number),
            _ => SettingValue::Text(value),
        },
    };
    Ok((key, value))
}

/// Where a credential comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CredentialMode {
    /// Nothing is stored: what is missing is asked for.
    None,
    /// The nearest folder above that has one of its own.
    Inherit,
    /// Stored here.
    Local,
}

/// The words for a credential. A secret comes from the person, a file or an open file descriptor, never from the command
/// line.
#[derive(Debug, Args)]
pub(crate) struct CredentialWords {
    /// The user name.
    #[arg(long, value_name = "NAME", help_heading = "Credential")]
    user: Option<String>,
    /// The domain.
    #[arg(long, value_name = "DOMAIN", help_heading = "Credential")]
    domain: Option<String>,
    /// Where the credential comes from; a user or a secret makes it local.
    #[arg(long, value_enum, value_name = "MODE", help_heading = "Credential")]
    credential: Option<CredentialMode>,
    /// Acquire it at each launch from this credential source, a plugin.
    #[arg(long, value_name = "PLUGIN", requires = "entry", help_heading = "Credential")]
    source: Option<String>,
    /// The entry of the credential source, as 'ostler plugin entries' lists it.
    #[arg(long, value_name = "ENTRY", requires = "source", help_heading = "Credential")]
    entry: Option<String>,
    /// Ask for the password, without showing it, and store it.
    #[arg(long, conflicts_with_all = ["password_file", "password_fd"], help_heading = "Credential")]
    ask_password: bool,
    /// Store the password in this file (one newline at its end does not count).
    #[arg(long, value_name = "FILE", help_heading = "Credential")]
    password_file: Option<PathBuf>,
    /// Store the password that comes on this file descriptor.
    #[arg(long, value_name = "N", conflicts_with = "password_file", help_heading = "Credential")]
    password_fd: Option<u32>,
    /// Store the private key in this file.
    #[arg(long, value_name = "FILE", help_heading = "Credential")]
    key_file: Option<PathBuf>,
    /// Store the passphrase of the private key that is in this file.
    #[arg(long, value_name = "FILE", help_heading = "Credential")]
    key_passphrase_file: Option<PathBuf>,
}

impl CredentialWords {
    /// Reads the secrets and returns the change.
    ///
    /// # Errors
    /// Fails where a secret can't be read, or nobody is there to ask.
    pub(crate) fn read(self, asker: Asker, output: &Output) -> Result<CredentialChange, CliError> {
        let line = |source: Option<SecretSource>, what: &str| -> Result<Option<SecretInput>, CliError> {
            source.map(|source| source.read_line(what, output).map(SecretInput)).transpose()
        };
        let password = if self.ask_password {
            Some(SecretInput(ask_password(asker)?))
        } else {
            line(SecretSource::choose(self.password_file.as_ref(), self.password_fd), "the password")?
        };
        let key = SecretSource::choose(self.key_file.as_ref(), None);
        let key_passphrase = SecretSource::choose(self.key_passphrase_file.as_ref(), None);
        Ok(CredentialChange {
            mode: self.credential.map(|mode| match mode {
                CredentialMode::None => CredentialModeInput::None,
                CredentialMode::Inherit => CredentialModeInput::Inherit,
                CredentialMode::Local => CredentialModeInput::Local,
            }),
            source: self.source.zip(self.entry).map(|(plugin, entry)| SourceInput { plugin, entry }),
            user: self.user,
            domain: self.domain,
            password,
            private_key: key
                .map(|source| {
                    source.read_all("the private key", output).and_then(private_key).map(SecretInput)
                })
                .transpose()?,
            key_passphrase: line(key_passphrase, "the passphrase of the key")?,
        })
    }
}

/// Asks for a password twice, so that no slip of a finger is stored.
fn ask_password(asker: Asker) -> Result<SecretBytes, CliError> {
    let ask = |question| {
        asker.hidden(question).map_err(|error| match error {
            PromptError::Headless => CliError::Declined("nobody is here to be asked for the password"),
            PromptError::Declined => CliError::Declined("no password was entered"),
        })
    };
    let first = ask("Password: ")?;
    if ask("Once more: ")? == first { Ok(first) } else { Err(CliError::Declined("the two passwords differ")) }
}

/// Refuses what is clearly no private key: the public half is given by mistake more often than not.
fn private_key(bytes: SecretBytes) -> Result<SecretBytes, CliError> {
    let looks_private =
        bytes.expose_text().is_some_and(|text| text.contains("PRIVATE KEY") || text.starts_with("PuTTY-"));
    if looks_private {
        return Ok(bytes);
    }
    let reason = "is no private key in OpenSSH, PEM or PuTTY form (is it the public one?)".to_owned();
    Err(CliError::Secret { what: "the key file".to_owned(), reason })
}

/// The words for settings.
#[derive(Debug, Args)]
pub(crate) struct SettingWords {
    /// Set a setting: true, false, a whole number, or text.
    #[arg(long, value_name = "KEY=VALUE", value_parser = setting, help_heading = "Settings")]
    set: Vec<(String, SettingValue)>,
    /// Remove a setting, so that the folder's or the global one holds again.
    #[arg(long, value_name = "KEY", help_heading = "Settings")]
    unset: Vec<String>,
}

impl SettingWords {
    pub(crate) fn changes(self) -> BTreeMap<String, Option<SettingValue>> {
        let unset = self.unset.into_iter().map(|key| (key, None));
        unset.chain(self.set.into_iter().map(|(key, value)| (key, Some(value)))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_take_the_type_that_their_text_looks_like() {
        assert_eq!(setting("a=true"), Ok(("a".to_owned(), SettingValue::Flag(true))));
        assert_eq!(setting("a=-12"), Ok(("a".to_owned(), SettingValue::Integer(-12))));
        assert_eq!(setting("a=1.5"), Ok(("a".to_owned(), SettingValue::Text("1.5".to_owned()))));
        assert_eq!(setting("a=x=y"), Ok(("a".to_owned(), SettingValue::Text("x=y".to_owned()))));
        assert!(setting("a").is_err());
        assert!(setting("=x").is_err());
    }

    #[test]
    fn a_public_key_is_no_private_key() {
        let public = SecretBytes::from("ssh-ed25519 AAAA comment".to_owned());
        assert!(private_key(public).is_err());
        let private = SecretBytes::from("-----BEGIN OPENSSH PRIVATE KEY-----\n".to_owned());
        assert!(private_key(private).is_ok());
    }
}
