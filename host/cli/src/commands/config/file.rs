//! The configuration file as its owner wrote it: one key is changed, comments and order stay, and nothing that the program
//! would not understand takes the file's place.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use ostler_app::{CONFIG_KEYS, ConfigError, Configuration, replace_file};
use toml_edit::{DocumentMut, Item, Key, Table, TableLike, Value};

use crate::error::CliError;

/// Reads the file's text; none where there is no file.
///
/// # Errors
/// Fails where it is there and can't be read.
pub(super) fn read(file: &Path) -> Result<Option<String>, CliError> {
    match std::fs::read_to_string(file) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(failed(file, source)),
    }
}

/// Checks text as the program would read it.
///
/// # Errors
/// Names the line and the column.
pub(super) fn check(file: &Path, text: &str) -> Result<Configuration, CliError> {
    let configuration = Configuration::parse(text)
        .map_err(|source| CliError::Configuration { file: file.to_owned(), source })?;
    let unusable = |reason| CliError::ConfigKey(format!("{}: {reason}", file.display()));
    configuration.network.check().map_err(unusable)?;
    Ok(configuration)
}

/// Puts text in the file's place, and makes the directory that it is in.
///
/// # Errors
/// Fails where it can't be written; then the file is as it was.
pub(super) fn replace(file: &Path, text: &str) -> Result<(), CliError> {
    // A link goes on being one: what it points to is replaced.
    let file = std::fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    if let Some(directory) = file.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(directory);
        made.map_err(|source| failed(directory, source))?;
    }
    Ok(replace_file(&file, text.as_bytes())?)
}

/// Takes a key apart, as TOML writes it.
///
/// # Errors
/// Fails where it is no key.
pub(super) fn keys(key: &str) -> Result<Vec<Key>, CliError> {
    Key::parse(key).map_err(|_| unknown(key))
}

/// Sets a key, and returns the new text. A value that is no TOML is text.
///
/// # Errors
/// Fails where the program would not understand the result.
pub(super) fn set(file: &Path, text: &str, key: &str, value: &str) -> Result<String, CliError> {
    let mut document = parse(file, text)?;
    let path = keys(key)?;
    let Some((last, tables)) = path.split_last() else { return Err(unknown(key)) };
    let mut table: &mut dyn TableLike = document.as_table_mut();
    for name in tables {
        let new = || {
            let mut table = Table::new();
            // `[plugin]` alone, above `[plugin."x".settings]`, would say nothing.
            table.set_implicit(true);
            Item::Table(table)
        };
        table = table.entry_format(name).or_insert_with(new).as_table_like_mut().ok_or_else(|| {
            CliError::ConfigKey(format!("'{}' is no table in {}", name.get(), file.display()))
        })?;
    }
    let mut value = value.parse::<Value>().unwrap_or_else(|_| Value::from(value));
    match table.entry_format(last) {
        toml_edit::Entry::Occupied(mut there) => {
            // What stands behind the value on its line stays.
            if let Some(old) = there.get().as_value() {
                *value.decor_mut() = old.decor().clone();
            }
            there.insert(Item::Value(value));
        }
        toml_edit::Entry::Vacant(free) => {
            free.insert(Item::Value(value));
        }
    }
    let new = document.to_string();
    match Configuration::parse(&new) {
        Ok(_) => Ok(new),
        Err(ConfigError { message, .. }) => Err(CliError::ConfigKey(format!("{key}: {message}"))),
    }
}

/// Removes a key, and tables that are empty then; returns the new text.
///
/// # Errors
/// Fails where the file does not have the key.
pub(super) fn unset(file: &Path, text: &str, key: &str) -> Result<String, CliError> {
    let mut document = parse(file, text)?;
    let path = keys(key)?;
    if !remove(document.as_table_mut(), &path) {
        return Err(CliError::ConfigKey(format!("{} does not set '{key}'", file.display())));
    }
    Ok(document.to_string())
}

fn remove(table: &mut dyn TableLike, path: &[Key]) -> bool {
    let Some((first, rest)) = path.split_first() else { return false };
    if rest.is_empty() {
        return table.remove(first.get()).is_some();
    }
    let Some(inner) = table.get_mut(first.get()).and_then(Item::as_table_like_mut) else { return false };
    let removed = remove(inner, rest);
    if inner.is_empty() {
        table.remove(first.get());
    }
    removed
}

/// Whether the text sets a key.
pub(super) fn sets(text: &str, path: &[Key]) -> bool {
    let Ok(document) = text.parse::<DocumentMut>() else { return false };
    let mut item = Some(document.as_item());
    for key in path {
        item = item.and_then(|item| item.get(key.get()));
    }
    item.is_some()
}

/// Says that there is no such key, and which one may be meant.
pub(super) fn unknown(key: &str) -> CliError {
    let first = key.split('.').next().unwrap_or_default();
    let near: Vec<&str> = CONFIG_KEYS
        .iter()
        .map(|known| known.key)
        .filter(|known| known.split('.').any(|word| word == first || key.ends_with(word)))
        .collect();
    let all = || CONFIG_KEYS.map(|known| known.key).join(", ");
    let near = if near.is_empty() { all() } else { near.join(", ") };
    CliError::ConfigKey(format!("there is no key '{key}'; there are: {near}"))
}

fn parse(file: &Path, text: &str) -> Result<DocumentMut, CliError> {
    // The program's own words for what is wrong are better than those of the editing library.
    check(file, text)?;
    text.parse().map_err(|error: toml_edit::TomlError| CliError::Configuration {
        file: file.to_owned(),
        source: ConfigError { place: None, message: error.message().to_owned() },
    })
}

fn failed(file: &Path, source: io::Error) -> CliError {
    CliError::File { what: file.display().to_string(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# Mine.\n[log]\nlevel = \"info\" # quiet\n\n[policy]\nrecord = \"always\"\n";

    fn set_in(text: &str, key: &str, value: &str) -> Result<String, String> {
        set(Path::new("c"), text, key, value).map_err(|error| error.to_string())
    }

    #[test]
    fn a_key_is_set_and_everything_else_stays_as_it_was() {
        let set = set_in(TEXT, "log.level", "debug").unwrap();
        assert_eq!(set, TEXT.replace("\"info\"", "\"debug\""));
        let set = set_in(TEXT, "unlock.for", "2h").unwrap();
        assert_eq!(set, format!("{TEXT}\n[unlock]\nfor = \"2h\"\n"));
        let set = set_in("", "plugin.\"a.b\".settings.\"x-y\"", "7").unwrap();
        assert_eq!(set, "[plugin.\"a.b\".settings]\n\"x-y\" = 7\n");
        let set = set_in(TEXT, "policy.deny-kinds", "[\"vnc\"]").unwrap();
        assert!(set.ends_with("record = \"always\"\ndeny-kinds = [\"vnc\"]\n"), "{set}");
    }

    #[test]
    fn what_the_program_would_not_understand_is_refused() {
        for (key, value, complaint) in [
            ("log.level", "loud", "log.level: unknown variant `loud`"),
            ("log.levle", "info", "unknown field `levle`"),
            ("log", "info", "log: "),
            ("policy.record.x", "1", "'record' is no table"),
            ("a b", "1", "there is no key 'a b'"),
        ] {
            let refused = set_in(TEXT, key, value).unwrap_err();
            assert!(refused.contains(complaint), "{key}: {refused}");
        }
    }

    #[test]
    fn a_key_is_removed_with_what_is_empty_then() {
        let unset_in = |key| unset(Path::new("c"), TEXT, key).map_err(|error| error.to_string());
        assert_eq!(unset_in("policy.record").unwrap(), "# Mine.\n[log]\nlevel = \"info\" # quiet\n");
        assert!(unset_in("log.level").unwrap().contains("[policy]"));
        assert_eq!(unset_in("policy.deny-kinds").unwrap_err(), "c does not set 'policy.deny-kinds'");
    }

    #[test]
    fn a_key_that_is_set_is_told_from_one_that_is_not() {
        let sets = |key| sets(TEXT, &keys(key).unwrap());
        assert!(sets("log.level") && sets("policy") && !sets("policy.deny-hosts") && !sets("log.level.x"));
    }
}
