//! What a plugin did with a case, as cases write it.

use ostler_core::{
    ImportEntry, ImportItem, ImportProblem, ImportedCredential, LaunchRequest, ProblemSeverity,
};
use ostler_runtime::{ImportOutlet, Plugin, PluginError, SaidKind};
use serde_json::{Map, Value, json};

/// Bytes of a file that `detect` sees.
const HEAD: usize = 64 << 10;

/// What a plugin did.
pub(crate) struct Outcome {
    /// As `expected.json` writes it.
    pub(crate) value: Value,
    /// How the call ended, where it was no value of the plugin's.
    pub(crate) broke: Option<String>,
}

pub(crate) async fn plan(plugin: &Plugin, request: &LaunchRequest) -> Outcome {
    match plugin.plan(request).await {
        Ok(outcome) => Outcome { value: json!({ "plan": outcome.plan }), broke: None },
        Err(error) => Outcome { value: json!({ "error": said(&error) }), broke: broke(&error) },
    }
}

pub(crate) async fn import(
    plugin: &Plugin,
    name: &str,
    bytes: Vec<u8>,
    options: &[(String, String)],
) -> Outcome {
    let sure = match plugin.detect(bytes.get(..bytes.len().min(HEAD)).unwrap_or_default(), name).await {
        Ok(sure) => sure,
        Err(error) => return Outcome { value: json!({ "error": said(&error) }), broke: broke(&error) },
    };
    let mut collected = Collected::default();
    let parsed = plugin.parse(Box::new(std::io::Cursor::new(bytes)), options, &mut collected).await;
    let mut found = Map::new();
    found.insert("detect".to_owned(), json!(sure));
    found.insert("entries".to_owned(), json!(collected.entries));
    found.insert("problems".to_owned(), json!(collected.problems));
    let broke = match parsed {
        Ok(summary) => {
            let mut shown = serde_json::to_value(&summary).unwrap_or_default();
            if let Some(shown) = shown.as_object_mut() {
                let head = String::from_utf8_lossy(&summary.mendable_head).into_owned();
                shown.insert("mendable_head".to_owned(), json!(head));
            }
            found.insert("summary".to_owned(), shown);
            None
        }
        Err(error) => {
            found.insert("error".to_owned(), said(&error));
            broke(&error)
        }
    };
    Outcome { value: Value::Object(found), broke }
}

/// Tells of a call that ended otherwise than by the plugin's word, or by the host's no to what it said.
fn broke(error: &PluginError) -> Option<String> {
    match error {
        PluginError::Trap { .. } | PluginError::Limit { .. } => Some(format!("it broke: {error}")),
        _ => None,
    }
}

#[derive(Default)]
struct Collected {
    entries: Vec<Value>,
    problems: Vec<Value>,
}

impl ImportOutlet for Collected {
    fn entries(&mut self, entries: Vec<ImportEntry>) -> bool {
        self.entries.extend(entries.iter().map(entry));
        true
    }
    fn problems(&mut self, problems: Vec<ImportProblem>) {
        self.problems.extend(problems.iter().map(problem));
    }
}

fn entry(entry: &ImportEntry) -> Value {
    let item = match &entry.item {
        ImportItem::Folder(folder) => json!({ "folder": {
            "name": folder.name, "notes": folder.notes, "credential": credential(&folder.credential), "settings": folder.settings,
        }}),
        ImportItem::Connection(connection) => json!({ "connection": {
            "name": connection.name, "kind": connection.kind, "host": connection.host, "port": connection.port,
            "credential": credential(&connection.credential), "settings": connection.settings,
            "notes": connection.notes, "tags": connection.tags, "custom_fields": connection.custom_fields,
        }}),
    };
    json!({
        "position": entry.position, "identity": entry.identity, "folder": entry.folder, "defaults": entry.defaults,
        "item": item,
    })
}

fn credential(credential: &ImportedCredential) -> Value {
    match credential {
        ImportedCredential::None => json!("none"),
        ImportedCredential::Inherit => json!("inherit"),
        ImportedCredential::Local { user, domain, secrets } => {
            let secrets: Map<String, Value> = secrets
                .iter()
                .map(|(field, bytes)| (field.name().to_owned(), json!(bytes.expose_text())))
                .collect();
            json!({ "local": { "user": user, "domain": domain, "secrets": secrets } })
        }
    }
}

fn problem(problem: &ImportProblem) -> Value {
    let severity = match problem.severity {
        ProblemSeverity::NotImported => "not-imported",
        ProblemSeverity::Warning => "warning",
    };
    json!({
        "position": problem.position, "entry": problem.entry, "severity": severity, "reason": problem.reason,
        "mendable": problem.mendable.as_deref().map(String::from_utf8_lossy),
    })
}

/// Shows a plugin's no as the cases write it.
fn said(error: &PluginError) -> Value {
    let PluginError::Said(said) = error else { return json!({ "host": error.to_string() }) };
    match &said.kind {
        SaidKind::Missing => json!({ "kind": "missing", "reason": said.text }),
        SaidKind::Unsupported => json!({ "kind": "unsupported", "reason": said.text }),
        SaidKind::BadSetting { key } => json!({ "kind": "bad-setting", "key": key, "reason": said.text }),
        SaidKind::BadOption { name } => json!({ "kind": "bad-option", "name": name, "reason": said.text }),
        SaidKind::BadFile { position } => {
            json!({ "kind": "bad-file", "position": position, "reason": said.text })
        }
    }
}
