//! Every case of the bundled plugins, through the built component and the runtime. The plugins run the same cases natively;
//! here the contract, the export macro and the conversions of the host are in between.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ostler_core::{
    BoxFuture, Clock, CodeAuthenticator, Form, FormAnswers, ImportEntry, ImportItem, ImportProblem,
    ImportedCredential, LaunchRequest, NoHost, PluginSettings, PluginStorage, PortError, ProblemSeverity,
    PromptError, Prompter, Settings, Timestamp,
};
use ostler_registry::inspect;
use ostler_runtime::{ImportOutlet, Plugin, PluginError, Ports, Runtime, RuntimeConfig, SaidKind};
use ostler_sdk::cases::differences;
use serde_json::{Map, Value, json};

/// A host without anything: plugins that ask for nothing run on it.
struct Nothing;

impl PluginStorage for Nothing {
    fn get(&self, _: &str, _: &str) -> Result<Option<Vec<u8>>, PortError> {
        Ok(None)
    }
    fn set(&self, _: &str, _: &str, _: Option<&[u8]>) -> Result<(), PortError> {
        Ok(())
    }
    fn keys(&self, _: &str) -> Result<Vec<(String, u64)>, PortError> {
        Ok(Vec::new())
    }
}

impl PluginSettings for Nothing {
    fn settings(&self, _: &str) -> Settings {
        Settings::default()
    }
}

impl Prompter for Nothing {
    fn ask<'a>(&'a self, _: &'a str, _: &'a Form) -> BoxFuture<'a, Result<FormAnswers, PromptError>> {
        Box::pin(async { Err(PromptError::Headless) })
    }
}

impl CodeAuthenticator for Nothing {
    fn tag(&self, _: &[&[u8]]) -> [u8; 32] {
        [0; 32]
    }
    fn verify(&self, _: &[&[u8]], _: &[u8; 32]) -> bool {
        false
    }
}

impl Clock for Nothing {
    fn now(&self) -> Timestamp {
        Timestamp(0)
    }
    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

fn load(name: &str) -> Plugin {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let built = root.join("target/bundled-plugins");
    let directory = std::env::var_os("OSTLER_BUNDLED_PLUGINS").map_or(built, PathBuf::from);
    let file = directory.join(format!("{name}.wasm"));
    let bytes =
        fs::read(&file).unwrap_or_else(|_| panic!("{} is missing: run 'cargo xtask build'", file.display()));
    let inspection = inspect(&bytes).unwrap();
    let nothing = Arc::new(Nothing);
    let ports = Ports {
        storage: nothing.clone(),
        settings: nothing.clone(),
        prompter: nothing.clone(),
        code: nothing.clone(),
        clock: nothing,
        secret_uses: Arc::new(NoHost),
        resolver: Arc::new(NoHost),
        way_out: Arc::default(),
        zone: Arc::new(NoHost),
        machine_uses: Arc::new(NoHost),
        connections: Arc::new(NoHost),
        recordings: Arc::new(NoHost),
        secrets: Arc::new(NoHost),
        events: Arc::new(NoHost),
    };
    let grants = inspection.manifest.capabilities.iter().map(|asked| asked.name).collect();
    let runtime = Runtime::new(RuntimeConfig::default(), ports).unwrap();
    runtime.load(&inspection.manifest, &inspection.digest.to_string(), &bytes, grants).unwrap()
}

fn cases(name: &str) -> Vec<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../plugins").join(name).join("cases");
    let mut cases: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    cases
}

fn read(path: &Path) -> Option<Value> {
    fs::read(path).ok().map(|bytes| {
        serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    })
}

/// Compares what was found with what the case expects, and collects the differences.
fn judge(case: &Path, found: &Value, failures: &mut Vec<String>) {
    let mut expected = read(&case.join("expected.json")).unwrap();
    for problem in expected.get_mut("problems").and_then(Value::as_array_mut).into_iter().flatten() {
        // The host cleans and cuts what is shown of a plugin's words; the importer's own tests compare them whole.
        let shown = problem["entry"]
            .as_str()
            .is_none_or(|name| name.len() <= 200 && !name.contains(char::is_control));
        if !shown && let Some(problem) = problem.as_object_mut() {
            problem.remove("entry");
        }
    }
    let name = case.file_name().unwrap().to_string_lossy().into_owned();
    failures
        .extend(differences(&expected, found).into_iter().map(|difference| format!("{name}{difference}")));
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

#[tokio::test(flavor = "multi_thread")]
async fn every_case_of_the_csv_importer_comes_out_of_the_component_as_expected() {
    let plugin = load("importer-csv");
    let mut failures = Vec::new();
    let cases = cases("importer-csv");
    for case in &cases {
        let input = fs::read_dir(case)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .find(|path| path.file_stem().is_some_and(|stem| stem == "input"))
            .unwrap();
        let bytes = fs::read(&input).unwrap();
        let options = read(&case.join("options.json")).unwrap_or_else(|| json!({}));
        let options: Vec<(String, String)> = options
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
            .collect();
        let name = input.file_name().unwrap().to_string_lossy().into_owned();
        let sure = plugin.detect(&bytes[..bytes.len().min(64 << 10)], &name).await.unwrap();
        let mut collected = Collected::default();
        let outcome = plugin.parse(Box::new(std::io::Cursor::new(bytes)), &options, &mut collected).await;
        let mut found =
            json!({ "detect": sure, "entries": collected.entries, "problems": collected.problems });
        match outcome {
            Ok(summary) => {
                let mut shown = serde_json::to_value(&summary).unwrap();
                shown["mendable_head"] = json!(String::from_utf8_lossy(&summary.mendable_head));
                found["summary"] = shown;
            }
            Err(error) => found["error"] = said(&error),
        }
        judge(case, &found, &mut failures);
    }
    assert!(cases.len() >= 12);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_case_of_the_ssh_launcher_comes_out_of_the_component_as_expected() {
    let plugin = load("launcher-ssh");
    let mut failures = Vec::new();
    let cases = cases("launcher-ssh");
    for case in &cases {
        let request: LaunchRequest =
            serde_json::from_value(read(&case.join("request.json")).unwrap()).unwrap();
        let found = match plugin.plan(&request).await {
            Ok(outcome) => json!({ "plan": outcome.plan }),
            Err(error) => json!({ "error": said(&error) }),
        };
        judge(case, &found, &mut failures);
    }
    assert!(cases.len() >= 6);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
