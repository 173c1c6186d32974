//! Runs a plugin's folder of cases natively (feature `cases`).
//!
//! A case is a folder of `cases/`: what goes in, and the part of what comes out that matters. Adding one needs no Rust. The
//! author's guide has the shape of the files; a host that runs the built component can use the same folders, and compares
//! with the same [`differences`]. For tests only.
//!
//! ```no_run
//! # use ostler_sdk::importer::{Failure, Feed, Importer, Info, Options, Summary};
//! # struct HostList;
//! # impl Importer for HostList {
//! #     fn describe() -> Info { Info::new("") }
//! #     fn detect(_: &[u8], _: &str) -> u8 { 0 }
//! #     fn parse(_: &Options, _: &mut Feed) -> Result<Summary, Failure> { Ok(Summary::new("")) }
//! # }
//! # #[allow(clippy::test_attr_in_doctest)]
//! #[test]
//! fn cases() {
//!     ostler_sdk::cases::check_importer::<HostList>("cases".as_ref()).unwrap();
//! }
//! ```

mod json;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::importer::{Importer, parse_in_memory};
use crate::launcher::Launcher;

/// With this variable set, `expected.json` is written anew from what came out, to be read and committed.
const BLESS: &str = "OSTLER_BLESS";

/// What is wrong with a folder of cases: one line for each difference.
#[derive(Clone, PartialEq, Eq)]
pub struct CaseFailures(Vec<String>);

impl fmt::Display for CaseFailures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl fmt::Debug for CaseFailures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{self}\n")
    }
}

impl std::error::Error for CaseFailures {}

/// Runs an importer on every case below `folder` and returns how many there are.
///
/// # Errors
/// Lists every difference of every case; also a folder without cases, and a case that can't be read.
pub fn check_importer<I: Importer>(folder: &Path) -> Result<usize, CaseFailures> {
    check(folder, |case| {
        let input = input_file(case)?;
        let file = fs::read(&input).map_err(|error| format!("{}: {error}", input.display()))?;
        let options = read_options(case)?;
        let options: Vec<(&str, &str)> =
            options.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let name = input.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let head = file.get(..file.len().min(64 << 10)).unwrap_or_default();
        let mut found = json::parsed(&parse_in_memory::<I>(&file, &options));
        if let Value::Object(found) = &mut found {
            found.insert("detect".to_owned(), json!(I::detect(head, &name)));
        }
        Ok(found)
    })
}

/// Runs a launcher on every case below `folder` and returns how many there are.
///
/// # Errors
/// As [`check_importer`].
pub fn check_launcher<L: Launcher>(folder: &Path) -> Result<usize, CaseFailures> {
    check(folder, |case| {
        let request = json::request(&read_json(&case.join("request.json"))?)?;
        Ok(json::planned(&L::plan(request)))
    })
}

/// Returns where `found` differs from what is `expected`, one line for each place.
///
/// Of an object, only the keys that `expected` has count; lists and all other values must be the same.
#[must_use]
pub fn differences(expected: &Value, found: &Value) -> Vec<String> {
    let mut differences = Vec::new();
    compare("", expected, found, &mut differences);
    differences
}

fn compare(at: &str, expected: &Value, found: &Value, differences: &mut Vec<String>) {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            for (key, value) in expected {
                compare(&format!("{at}.{key}"), value, found.get(key).unwrap_or(&Value::Null), differences);
            }
        }
        (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => {
            for (index, (expected, found)) in expected.iter().zip(found).enumerate() {
                compare(&format!("{at}[{index}]"), expected, found, differences);
            }
        }
        _ if expected == found => {}
        _ => differences.push(format!("{at}: expected {expected}, found {found}")),
    }
}

fn check(folder: &Path, run: impl Fn(&Path) -> Result<Value, String>) -> Result<usize, CaseFailures> {
    let cases = case_folders(folder).map_err(|reason| CaseFailures(vec![reason]))?;
    let mut failures = Vec::new();
    for case in &cases {
        let name = case.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        match run(case).and_then(|found| judge(case, &found)) {
            Ok(differences) => {
                failures.extend(differences.iter().map(|difference| format!("{name}{difference}")))
            }
            Err(reason) => failures.push(format!("{name}: {reason}")),
        }
    }
    if failures.is_empty() { Ok(cases.len()) } else { Err(CaseFailures(failures)) }
}

fn judge(case: &Path, found: &Value) -> Result<Vec<String>, String> {
    let path = case.join("expected.json");
    if std::env::var_os(BLESS).is_some() {
        let text = format!("{found:#}\n");
        write(&path, &text).map_err(|error| format!("{}: {error}", path.display()))?;
        return Ok(Vec::new());
    }
    Ok(differences(&read_json(&path)?, found))
}

#[expect(clippy::disallowed_methods, reason = "a case is under version control; a torn write costs nothing")]
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    fs::write(path, text)
}

fn case_folders(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut cases: Vec<PathBuf> =
        entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_dir()).collect();
    cases.sort();
    if cases.is_empty() { Err(format!("{} has no cases", folder.display())) } else { Ok(cases) }
}

fn input_file(case: &Path) -> Result<PathBuf, String> {
    let entries = fs::read_dir(case).map_err(|error| format!("{}: {error}", case.display()))?;
    entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.file_stem().is_some_and(|stem| stem == "input"))
        .ok_or_else(|| "there is no file 'input.*'".to_owned())
}

fn read_json(path: &Path) -> Result<Value, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
}

fn read_options(case: &Path) -> Result<Vec<(String, String)>, String> {
    let path = case.join("options.json");
    if !path.exists() {
        return Ok(Vec::new());
    }
    let options: Map<String, Value> = match read_json(&path)? {
        Value::Object(options) => options,
        _ => return Err("options.json is an object of texts".to_owned()),
    };
    let text = |(name, value): (String, Value)| match value {
        Value::String(value) => Ok((name, value)),
        _ => Err(format!("option '{name}' is not text")),
    };
    options.into_iter().map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_expected_counts_and_it_counts_exactly() {
        let found = json!({ "a": 1, "b": [{ "c": 2, "d": 3 }], "e": null });
        for same in [json!({}), json!({ "b": [{ "d": 3 }] }), json!({ "e": null }), found.clone()] {
            assert_eq!(differences(&same, &found), Vec::<String>::new());
        }
        for (other, line) in [
            (json!({ "a": 2 }), ".a: expected 2, found 1"),
            (json!({ "b": [] }), ".b: expected [], found"),
            (json!({ "b": [{ "d": 4 }] }), ".b[0].d: expected 4, found 3"),
            (json!({ "x": 1 }), ".x: expected 1, found null"),
        ] {
            let lines = differences(&other, &found);
            assert_eq!(lines.len(), 1);
            assert!(lines[0].starts_with(line), "{lines:?}");
        }
    }
}
