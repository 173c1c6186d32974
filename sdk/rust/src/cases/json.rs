//! Requests, plans, entries and problems between JSON and the types of this crate.
//!
//! The shapes are those of the host's own types, so that a host prints the same. A secret stands in the clear: a case
//! holds no true one.

use serde_json::{Map, Value, json};

use crate::importer::{
    Credential, Entry, Failure, Item, MappingState, Parsed, Position, Problem, Severity, Summary,
};
use crate::launcher::{
    CommandLine, DrivenSurface, LaunchRequest, PlanError, RunRequest, SessionPlan, Slot, SshAuth, SshPlan,
    SshRun, TerminalSize,
};
use crate::types::{Endpoint, Setting, SettingValue, Value as PlanValue};

pub(super) fn parsed(parsed: &Parsed) -> Value {
    let entries: Vec<Value> = parsed.entries.iter().map(entry).collect();
    let problems: Vec<Value> = parsed.problems.iter().map(problem).collect();
    let (key, outcome) = match &parsed.outcome {
        Ok(done) => ("summary", summary(done)),
        Err(no) => ("error", failure(no)),
    };
    let mut found = json!({ "entries": entries, "problems": problems });
    if let Value::Object(found) = &mut found {
        found.insert(key.to_owned(), outcome);
    }
    found
}

fn entry(entry: &Entry<'_>) -> Value {
    let item = match &entry.item {
        Item::Folder(folder) => json!({ "folder": {
            "name": folder.name,
            "notes": folder.notes,
            "credential": credential(&folder.credential),
            "settings": settings(&folder.settings),
        } }),
        Item::Connection(connection) => json!({ "connection": {
            "name": connection.name,
            "kind": connection.kind,
            "host": connection.host,
            "port": connection.port,
            "credential": credential(&connection.credential),
            "settings": settings(&connection.settings),
            "notes": connection.notes,
            "tags": connection.tags,
            "custom_fields": object(connection.custom_fields.iter().map(|(key, value)| (key.clone().into_owned(), json!(value)))),
        } }),
    };
    json!({
        "position": position(&entry.position),
        "identity": entry.identity,
        "folder": entry.folder,
        "defaults": entry.defaults,
        "item": item,
    })
}

fn credential(credential: &Credential<'_>) -> Value {
    match credential {
        Credential::None => json!("none"),
        Credential::Inherit => json!("inherit"),
        Credential::Local(local) => {
            let secrets =
                local.secrets.iter().map(|secret| (secret.field.name().to_owned(), json!(secret.value)));
            json!({ "local": { "user": local.user, "domain": local.domain, "secrets": object(secrets) } })
        }
    }
}

fn settings(settings: &[Setting]) -> Value {
    let value = |value: &SettingValue| match value {
        SettingValue::Flag(flag) => json!(flag),
        SettingValue::Integer(number) => json!(number),
        SettingValue::Text(text) => json!(text),
        SettingValue::Items(items) => json!(items),
    };
    object(settings.iter().map(|setting| (setting.key.clone(), value(&setting.value))))
}

fn object(members: impl Iterator<Item = (String, Value)>) -> Value {
    Value::Object(members.collect::<Map<_, _>>())
}

fn position(position: &Position) -> Value {
    json!({ "line": position.line, "column": position.column, "field": position.field })
}

fn problem(problem: &Problem) -> Value {
    let severity = match problem.severity {
        Severity::NotImported => "not-imported",
        Severity::Warning => "warning",
    };
    json!({
        "position": position(&problem.position),
        "entry": problem.entry,
        "severity": severity,
        "reason": problem.reason,
        "mendable": problem.mendable.as_deref().map(String::from_utf8_lossy),
    })
}

fn summary(summary: &Summary) -> Value {
    let state = |state| match state {
        MappingState::Chosen => "chosen",
        MappingState::Guessed => "guessed",
        MappingState::Unmapped => "unmapped",
    };
    let mapped = summary.mapping.iter().map(|field| {
        json!({
            "target": field.target,
            "source": field.source,
            "example": field.example,
            "state": state(field.state),
        })
    });
    json!({
        "format": summary.format,
        "mapping": mapped.collect::<Vec<_>>(),
        "unused": summary.unused,
        "mendable_head": String::from_utf8_lossy(&summary.mendable_head),
    })
}

fn failure(failure: &Failure) -> Value {
    match failure {
        Failure::BadOption((name, reason)) => json!({ "kind": "bad-option", "name": name, "reason": reason }),
        Failure::BadFile((at, reason)) => {
            json!({ "kind": "bad-file", "position": position(at), "reason": reason })
        }
    }
}

pub(super) fn planned(planned: &Result<SessionPlan, PlanError>) -> Value {
    match planned {
        Ok(plan) => json!({ "plan": plan_json(plan) }),
        Err(error) => json!({ "error": match error {
            PlanError::Missing(reason) => json!({ "kind": "missing", "reason": reason }),
            PlanError::BadSetting((key, reason)) => json!({ "kind": "bad-setting", "key": key, "reason": reason }),
            PlanError::Unsupported(reason) => json!({ "kind": "unsupported", "reason": reason }),
        } }),
    }
}

fn plan_json(plan: &SessionPlan) -> Value {
    match plan {
        SessionPlan::Ssh(plan) => json!({ "ssh": ssh(plan) }),
        SessionPlan::Rdp(plan) => json!({ "rdp": {
            "target": endpoint(&plan.target),
            "user": value(&plan.user),
            "domain": plan.domain,
            "password": plan.password,
            "size": plan.size.map(|size| json!({ "width": size.width, "height": size.height })),
        } }),
        SessionPlan::Process(plan) => json!({ "process": {
            "program": plan.program,
            "arguments": plan.arguments.iter().map(value).collect::<Vec<_>>(),
            "environment": environment(&plan.environment),
            "terminal": plan.terminal,
        } }),
        SessionPlan::Driven(plan) => json!({ "driven": {
            "target": endpoint(&plan.target),
            "surface": match plan.surface {
                DrivenSurface::Terminal => "terminal",
                DrivenSurface::Desktop => "desktop",
            },
        } }),
    }
}

fn ssh(plan: &SshPlan) -> Value {
    let auth = plan.auth.iter().map(|auth| match auth {
        SshAuth::Password(slot) => json!({ "password": slot }),
        SshAuth::KeyboardInteractive(slot) => json!({ "keyboard-interactive": slot }),
        SshAuth::PrivateKey(key) => {
            json!({ "private-key": { "key": key.key, "passphrase": key.passphrase } })
        }
        SshAuth::None => json!("none"),
    });
    json!({
        "target": endpoint(&plan.target),
        "user": value(&plan.user),
        "auth": auth.collect::<Vec<_>>(),
        "run": match &plan.run {
            SshRun::Shell => json!("shell"),
            SshRun::Command(line) => json!({ "command": line }),
        },
        "terminal": plan.terminal,
        "environment": environment(&plan.environment),
        "connect_timeout_seconds": plan.connect_timeout_seconds,
        "keepalive_seconds": plan.keepalive_seconds,
    })
}

fn endpoint(endpoint: &Endpoint) -> Value {
    json!({ "host": endpoint.host, "port": endpoint.port })
}

fn value(value: &PlanValue) -> Value {
    match value {
        PlanValue::Text(text) => json!({ "text": text }),
        PlanValue::Slot(slot) => json!({ "slot": slot }),
    }
}

fn environment(environment: &[(String, PlanValue)]) -> Value {
    environment.iter().map(|(name, own)| json!([name, value(own)])).collect()
}

/// Reads a launch request; what is left out is empty.
pub(super) fn request(json: &Value) -> Result<LaunchRequest, String> {
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let needed = |key: &str| text(json, key).ok_or_else(|| format!("request.json has no text '{key}'"));
    let port = json.get("port").and_then(Value::as_u64).and_then(|port| u16::try_from(port).ok());
    let mut request =
        LaunchRequest::new(needed("kind")?, needed("host")?, port.ok_or("request.json has no 'port'")?);
    request.connection_id = text(json, "connection").unwrap_or_default();
    request.name = text(json, "name").unwrap_or_default();
    request.folder = texts(json.get("folder"), "folder")?;
    request.tags = texts(json.get("tags"), "tags")?;
    if let Some(fields) = json.get("custom_fields").and_then(Value::as_object) {
        let field = |(name, value): (&String, &Value)| {
            let value = value.as_str().ok_or_else(|| format!("the custom field '{name}' is no text"))?;
            Ok::<_, String>((name.clone(), value.to_owned()))
        };
        request.custom_fields = fields.iter().map(field).collect::<Result<_, _>>()?;
    }
    request.terminal = json.get("terminal").filter(|size| !size.is_null()).map(terminal).transpose()?;
    if let Some(settings) = json.get("settings").and_then(Value::as_object) {
        request.settings =
            settings.iter().map(|(key, value)| setting(key, value)).collect::<Result<_, _>>()?;
    }
    if let Some(credential) = json.get("credential") {
        request.credential.user = text(credential, "user");
        request.credential.domain = text(credential, "domain");
        let slots = credential.get("slots").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        request.credential.slots = slots.iter().map(slot).collect::<Result<_, _>>()?;
    }
    match json.get("run") {
        None => {}
        Some(Value::String(run)) if run == "interactive" => {}
        Some(run) => {
            let command = run.get("command").ok_or("'run' is \"interactive\" or { \"command\": .. }")?;
            let line = text(command, "line").ok_or("'run.command' has no 'line'")?;
            let terminal = command.get("terminal").and_then(Value::as_bool).unwrap_or(false);
            request.run = RunRequest::Command(CommandLine { line, terminal });
        }
    }
    Ok(request)
}

fn texts(list: Option<&Value>, key: &str) -> Result<Vec<String>, String> {
    let Some(list) = list else { return Ok(Vec::new()) };
    let texts = list.as_array().and_then(|items| {
        items.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
    });
    texts.ok_or_else(|| format!("'{key}' is no list of texts"))
}

fn terminal(size: &Value) -> Result<TerminalSize, String> {
    let number =
        |key: &str| size.get(key).and_then(Value::as_u64).and_then(|number| u16::try_from(number).ok());
    match (number("columns"), number("rows")) {
        (Some(columns), Some(rows)) => Ok(TerminalSize { columns, rows }),
        _ => Err("'terminal' has 'columns' and 'rows'".to_owned()),
    }
}

fn setting(key: &str, value: &Value) -> Result<Setting, String> {
    let value = match value {
        Value::Bool(flag) => SettingValue::Flag(*flag),
        Value::Number(number) => SettingValue::Integer(
            number.as_i64().ok_or_else(|| format!("setting '{key}' is no whole number"))?,
        ),
        Value::String(text) => SettingValue::Text(text.clone()),
        Value::Array(items) => {
            let item = |item: &Value| item.as_str().map(str::to_owned);
            let items = items.iter().map(item).collect::<Option<_>>();
            SettingValue::Items(items.ok_or_else(|| format!("setting '{key}' is no list of texts"))?)
        }
        Value::Null | Value::Object(_) => return Err(format!("setting '{key}' can't be this")),
    };
    Ok(Setting { key: key.to_owned(), value })
}

fn slot(json: &Value) -> Result<Slot, String> {
    let text =
        |key: &str| json.get(key).and_then(Value::as_str).ok_or_else(|| format!("a slot has no '{key}'"));
    Ok(Slot::new(text("name")?, text("field")?))
}
