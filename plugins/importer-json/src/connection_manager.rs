//! Exports of Delinea Connection Manager: `SchemaVersion` "1.0", `Folders` and `Secrets`.
//!
//! What the manual describes is read as it says; members that it does not describe become custom fields, but for those that may hold a
//! secret, which are named.

use std::collections::{BTreeMap, BTreeSet};

use ostler_sdk::importer::{
    Connection, Credential, Entry, Failure, Feed, Folder, LocalCredential, Position, Problem, Summary,
};
use ostler_sdk::types::SecretField;
use serde_json::{Map, Value};

use crate::names;
use crate::scan::{Document, Record};

/// Folders above an entry.
const DEEPEST: usize = 64;
/// The member of a record of a file to mend that names its folders.
const PLACE: &str = "OstlerFolder";
/// The member of such a record that says what is wrong.
const PROBLEM: &str = "OstlerProblem";

/// A folder of the file.
struct Place {
    name: String,
    parent: Option<String>,
    position: Position,
}

/// Reads the export.
pub(crate) fn import(document: &Document, feed: &mut Feed) -> Result<Summary, Failure> {
    let version = document.member("SchemaVersion").unwrap_or_default().trim_matches('"').to_owned();
    if version.split('.').next() != Some("1") {
        let reason = format!(
            "schema version '{version}' is not known; versions 1.x are: export it again with such a program"
        );
        return Err(Failure::file(Position::line(1).field("SchemaVersion"), reason));
    }
    document.check_lists(&["Folders", "Secrets"])?;
    for comma in &document.commas {
        feed.problem(Problem::warning(document.position(*comma), "a comma too many was taken for none"));
    }
    let folders = folders(document, feed);
    for (id, folder) in &folders {
        let Some((mut above, fault)) = path(&folders, id) else { continue };
        let Some(name) = above.pop() else { continue };
        if let Some(fault) = fault {
            feed.problem(Problem::warning(folder.position.clone(), fault).entry(folder.name.clone()));
        }
        let renamed = (name != folder.name).then(|| names::renamed(&folder.name, &name));
        let mut entry = Entry::new(Folder::new(name))
            .at(folder.position.clone())
            .identity(format!("folder:{id}"))
            .within(above);
        entry.defaults.extend(renamed);
        if !feed.entry(entry) {
            break;
        }
    }
    for record in document.records().filter(|record| ["Secrets", ""].contains(&record.array)) {
        match secret(document, &record, &folders, feed) {
            Ok(entry) => {
                if !feed.entry(entry) {
                    break;
                }
            }
            Err((position, name, reason)) => {
                let mut problem = Problem::not_imported(position, reason.clone())
                    .mendable(mendable(&record, &folders, &reason));
                if let Some(name) = name {
                    problem = problem.entry(name);
                }
                feed.problem(problem);
            }
        }
    }
    for record in document.records().filter(|record| !["Folders", "Secrets", ""].contains(&record.array)) {
        let reason = format!("it stands in '{}', which this importer does not know", record.array);
        feed.problem(Problem::not_imported(document.position_of(&record), reason));
    }
    if document.cut {
        feed.problem(Problem::not_imported(
            Position::nowhere(),
            "the file ends in the middle: what was cut off is missing; export it again",
        ));
    }
    let mut summary = Summary::new(format!("Connection Manager {version}"));
    summary.mendable_head = b"{\"SchemaVersion\":\"1.0\",\"records\":\"lines\"}\n".to_vec();
    Ok(summary)
}

fn folders(document: &Document, feed: &mut Feed) -> BTreeMap<String, Place> {
    let mut folders = BTreeMap::new();
    for record in document.records().filter(|record| record.array == "Folders") {
        let position = document.position_of(&record);
        let read: Map<String, Value> = match serde_json::from_str(record.text) {
            Ok(read) => read,
            Err(error) => {
                let reason = format!("the folder can't be read: {}", said(&error));
                feed.problem(Problem::not_imported(document.position_in(&record, &error), reason));
                continue;
            }
        };
        let name = text(&read, "Name").unwrap_or_default();
        let Some(id) = text(&read, "Id").filter(|_| !name.is_empty()) else {
            let reason =
                "a folder needs 'Id' and 'Name'; what stands in it goes to the folder that is imported into";
            feed.problem(Problem::not_imported(position, reason).entry(name));
            continue;
        };
        let parent = text(&read, "ParentFolderId").filter(|parent| !parent.is_empty());
        if folders.contains_key(&id) {
            let reason = "another folder has the same 'Id', and counts";
            feed.problem(Problem::not_imported(position, reason).entry(name));
            continue;
        }
        folders.insert(id, Place { name, parent, position });
    }
    folders
}

/// Returns the names down to a folder, and what is wrong on the way; none where there is no such folder.
fn path(folders: &BTreeMap<String, Place>, id: &str) -> Option<(Vec<String>, Option<String>)> {
    folders.get(id)?;
    let (mut path, mut seen, mut at, mut fault) = (Vec::new(), BTreeSet::new(), Some(id), None);
    while let Some(id) = at {
        let Some(place) = folders.get(id) else {
            fault = Some(format!(
                "its parent folder '{id}' is not in the file: it goes to the folder that is imported into"
            ));
            break;
        };
        if !seen.insert(id) || path.len() == DEEPEST {
            let reason =
                "its parents lead in a circle, or are too many: it goes to the folder that is imported into";
            fault = Some(reason.to_owned());
            path.truncate(1);
            break;
        }
        path.push(names::clean(&place.name).0);
        at = place.parent.as_deref();
    }
    path.reverse();
    Some((path, fault))
}

type Refused = (Position, Option<String>, String);

/// Reads a connection.
fn secret(
    document: &Document,
    record: &Record<'_>,
    folders: &BTreeMap<String, Place>,
    feed: &mut Feed,
) -> Result<Entry<'static>, Refused> {
    let position = document.position_of(record);
    let read: Map<String, Value> = serde_json::from_str(record.text).map_err(|error| {
        (document.position_in(record, &error), None, format!("it can't be read: {}", said(&error)))
    })?;
    let name = text(&read, "Name").unwrap_or_default();
    let refuse = |field: &str, reason: String| (position.clone().field(field), Some(name.clone()), reason);
    let (shown, renamed) = names::clean(&name);
    if shown.is_empty() {
        return Err(refuse("Name", "it has no name".to_owned()));
    }
    let written = text(&read, "Type").unwrap_or_default();
    let (kind, usual) = names::kind(&written).ok_or_else(|| {
        refuse(
            "Type",
            format!(
                "'{written}' is no type that there is a launcher for; there are Rdp, Ssh, Vnc and Telnet"
            ),
        )
    })?;
    let host = text(&read, "ComputerName").filter(|host| !host.is_empty());
    let host = host.ok_or_else(|| refuse("ComputerName", "it has no host".to_owned()))?;
    let mut defaults = Vec::new();
    let port = match text(&read, "Port").filter(|port| !port.is_empty()) {
        None => {
            defaults.push(format!("port was set to {usual}"));
            usual
        }
        Some(port) => match port.parse::<u16>() {
            Ok(port @ 1..) => port,
            _ => {
                return Err(refuse(
                    "Port",
                    format!("'{port}' is no port; ports are numbers from 1 to 65535"),
                ));
            }
        },
    };
    if renamed {
        defaults.push(names::renamed(&name, &shown).into_owned());
    }
    let user = text(&read, "UserName").filter(|user| !user.is_empty());
    let password = read.get("Password").and_then(Value::as_str).filter(|password| !password.is_empty());
    let mut connection = Connection::new(shown, kind, host, port);
    connection.credential = Credential::None;
    if user.is_some() || password.is_some() {
        let mut local = LocalCredential::new();
        local.user = user.map(Into::into);
        if let Some(password) = password {
            local = local.secret(SecretField::Password, password.to_owned());
        } else {
            defaults.push("no password is in the file: it is asked for".to_owned());
        }
        connection = connection.credential(local);
    }
    connection = with_more(connection, &read, &position, &name, feed);
    let place: Vec<String> = match read.get(PLACE).and_then(Value::as_array) {
        Some(place) => place.iter().filter_map(Value::as_str).map(|name| names::clean(name).0).collect(),
        None => place_of(&read, folders, &position, &name, feed),
    };
    let identity = text(&read, "Id").map(|id| format!("secret:{id}")).unwrap_or_default();
    let mut entry = Entry::new(connection).at(position).identity(identity).within(place);
    entry.defaults = defaults.into_iter().map(Into::into).collect();
    Ok(entry)
}

fn place_of(
    read: &Map<String, Value>,
    folders: &BTreeMap<String, Place>,
    position: &Position,
    name: &str,
    feed: &mut Feed,
) -> Vec<String> {
    let Some(parent) = text(read, "ParentFolderId").filter(|parent| !parent.is_empty()) else {
        return Vec::new();
    };
    path(folders, &parent).map(|(path, _)| path).unwrap_or_else(|| {
        let reason =
            format!("its folder '{parent}' is not in the file: it goes to the folder that is imported into");
        feed.problem(
            Problem::warning(position.clone().field("ParentFolderId"), reason).entry(name.to_owned()),
        );
        Vec::new()
    })
}

/// Keeps what the manual does not describe.
fn with_more(
    mut connection: Connection<'static>,
    read: &Map<String, Value>,
    position: &Position,
    name: &str,
    feed: &mut Feed,
) -> Connection<'static> {
    const KNOWN: [&str; 10] = [
        "Id",
        "Name",
        "Type",
        "ParentFolderId",
        "ComputerName",
        "Port",
        "UserName",
        "Password",
        PLACE,
        PROBLEM,
    ];
    for (key, value) in read.iter().filter(|(key, _)| !KNOWN.contains(&key.as_str())) {
        let value = match value {
            Value::Null => continue,
            Value::String(text) if text.is_empty() => continue,
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let lower = key.to_ascii_lowercase();
        if ["password", "secret", "passphrase", "token", "key"].iter().any(|word| lower.contains(word)) {
            let reason = format!(
                "'{}' was left out: it may be a secret that this importer does not know",
                names::clean(key).0
            );
            feed.problem(
                Problem::warning(position.clone().field(names::clean(key).0), reason).entry(name.to_owned()),
            );
        } else if lower == "notes" || lower == "description" {
            connection = connection.notes(value);
        } else {
            connection = connection.custom_field(names::clean(key).0, value);
        }
    }
    connection
}

/// Returns a text or number without blanks around it.
fn text(read: &Map<String, Value>, key: &str) -> Option<String> {
    match read.get(key)? {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// What the library says of a fault, without its place, which is that of a record.
pub(crate) fn said(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.clone(), |(reason, _)| reason.to_owned())
}

/// Returns a record as a line of a file to mend.
fn mendable(record: &Record<'_>, folders: &BTreeMap<String, Place>, reason: &str) -> Vec<u8> {
    let line = match serde_json::from_str::<Map<String, Value>>(record.text) {
        Ok(mut read) => {
            let place = text(&read, "ParentFolderId").and_then(|parent| path(folders, &parent));
            if let Some((place, _)) = place {
                read.insert(PLACE.to_owned(), place.into());
            }
            read.insert(PROBLEM.to_owned(), reason.into());
            Value::from(read).to_string()
        }
        Err(_) => record.text.replace(['\r', '\n'], " "),
    };
    format!("{}\n", line.trim()).into_bytes()
}
