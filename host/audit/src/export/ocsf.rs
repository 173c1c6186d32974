//! Events in the Open Cybersecurity Schema Framework, version 1.3.0 (schema.ocsf.io), as JSON.
//!
//! What OCSF has no attribute for stands under `unmapped`, by the names that the log has for it.

use std::net::IpAddr;

use serde_json::{Map, Value, json};

use super::{PRODUCT, facts, rfc3339};
use crate::{AuditEvent, AuditRecord, EventClass, OcsfClass, Outcome, Severity};

const VERSION: &str = "1.3.0";
/// 'Other', in every enumeration of OCSF.
const OTHER: u8 = 99;
/// Network Activity: a session over another protocol than SSH.
const NETWORK_ACTIVITY: u32 = 4001;

/// Writes an event as one JSON object on one line. `version` is this program's.
#[must_use]
pub fn ocsf(record: &AuditRecord, version: &str) -> String {
    let event = &record.event;
    let class = EventClass::find(&event.class);
    let (ocsf, activity) = match class.map(EventClass::spec) {
        Some(spec) => (spec.ocsf, spec.activity),
        // A newer program wrote it.
        None => (OcsfClass::BaseEvent, OTHER),
    };
    let class_uid = match ocsf {
        OcsfClass::SshActivity if event.details.get("protocol").is_some_and(|protocol| protocol != "ssh") => {
            NETWORK_ACTIVITY
        }
        ocsf => ocsf.uid(),
    };
    let severity = class.map_or(Severity::Informational, |class| class.severity(event.outcome));
    let (status_id, status) = match event.outcome {
        Outcome::Success => (1, "Success"),
        Outcome::Failure | Outcome::Denied => (2, "Failure"),
    };
    let mut object = Map::new();
    let mut set = |name: &str, value: Value| object.insert(name.to_owned(), value);
    set("class_uid", class_uid.into());
    set("category_uid", (class_uid / 1000).into());
    set("activity_id", activity.into());
    set("type_uid", (u64::from(class_uid) * 100 + u64::from(activity)).into());
    if activity == OTHER {
        set("activity_name", event.class.clone().into());
    }
    set("time", record.time.0.div_euclid(1000).into());
    set("severity_id", severity.id().into());
    set("severity", severity.name().into());
    set("status_id", status_id.into());
    set("status", status.into());
    if event.outcome == Outcome::Denied {
        set("status_code", "denied".into());
    }
    if let Some(reason) = &event.reason {
        set("status_detail", reason.clone().into());
    }
    set("message", class.map_or(event.class.as_str(), |class| class.spec().meaning).into());
    let profiles: &[&str] = if has_host(ocsf) { &["host"] } else { &[] };
    set(
        "metadata",
        json!({
            "version": VERSION,
            "product": { "name": PRODUCT, "vendor_name": PRODUCT, "version": version },
            "profiles": profiles,
            "event_code": event.class,
            "log_name": "audit",
            "sequence": record.sequence,
            "original_time": rfc3339(record.time),
        }),
    );
    let process = json!({ "pid": record.process });
    if ocsf != OcsfClass::BaseEvent {
        set("actor", json!({ "user": user(event), "process": process }));
    }
    if has_host(ocsf) {
        set("device", json!({ "hostname": record.machine, "type_id": 0 }));
    }
    if has_source(ocsf) {
        set("src_endpoint", json!({ "hostname": record.machine }));
    }
    for (name, value) in of_class(ocsf, event, version) {
        set(name, value);
    }
    let unmapped: Map<String, Value> =
        facts(event).into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    if !unmapped.is_empty() {
        set("unmapped", unmapped.into());
    }
    Value::Object(object).to_string()
}

/// Whether a class has the profile 'host', with the machine and who acts there.
const fn has_host(class: OcsfClass) -> bool {
    !matches!(
        class,
        OcsfClass::BaseEvent | OcsfClass::EventLog | OcsfClass::ApiActivity | OcsfClass::DatastoreActivity
    )
}

/// Whether a class tells where an act came from.
const fn has_source(class: OcsfClass) -> bool {
    !matches!(class, OcsfClass::BaseEvent | OcsfClass::ApplicationLifecycle)
}

/// Returns the attributes that only one class has.
fn of_class(class: OcsfClass, event: &AuditEvent, version: &str) -> Vec<(&'static str, Value)> {
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "unknown".to_owned());
    match class {
        OcsfClass::BaseEvent => Vec::new(),
        OcsfClass::EventLog => vec![("log_name", "audit".into()), ("log_provider", PRODUCT.into())],
        OcsfClass::AccountChange => vec![("user", user(event))],
        OcsfClass::Authentication => vec![
            ("user", user(event)),
            ("service", json!({ "name": "Ostler vault" })),
            ("is_remote", false.into()),
        ],
        OcsfClass::AuthorizeSession => vec![
            ("user", user(event)),
            ("privileges", json!(["open a session"])),
            ("session", json!({ "uid": event.session.map(|id| id.to_string()).unwrap_or_default() })),
        ],
        OcsfClass::EntityManagement => vec![("entity", entity(event))],
        OcsfClass::UserAccess => vec![
            ("user", json!({ "name": plugin(event), "type": "Plugin", "type_id": OTHER })),
            ("privileges", json!([text(&event.capability)])),
        ],
        OcsfClass::SshActivity => vec![("dst_endpoint", endpoint(event.target.as_deref()))],
        OcsfClass::ApplicationLifecycle => vec![("app", app(event, version))],
        OcsfClass::ApiActivity => vec![(
            "api",
            json!({ "operation": text(&event.capability), "service": { "name": plugin(event) } }),
        )],
        OcsfClass::DatastoreActivity => vec![("database", database(event))],
    }
}

fn user(event: &AuditEvent) -> Value {
    // The log names users of the operating system by number.
    match event.actor.strip_prefix("uid ") {
        Some(uid) => json!({ "name": event.actor, "uid": uid }),
        None if event.actor.is_empty() => json!({ "name": "ostler" }),
        None => json!({ "name": event.actor }),
    }
}

fn plugin(event: &AuditEvent) -> &str {
    event.plugin.as_ref().map_or("unknown", |plugin| plugin.id.as_str())
}

fn entity(event: &AuditEvent) -> Value {
    let kind = event.class.split('.').next().unwrap_or_default();
    let name = ["name", "path", "file", "host"].iter().find_map(|name| event.details.get(*name));
    let mut entity = Map::from_iter([("type".to_owned(), kind.into())]);
    entity.insert("name".to_owned(), name.map_or(kind, String::as_str).into());
    if let Some(id) = event.connection {
        entity.insert("uid".to_owned(), id.to_string().into());
    }
    entity.into()
}

/// Names the other end by address where it is one.
fn endpoint(target: Option<&str>) -> Value {
    let Some(target) = target else { return json!({ "name": "unknown" }) };
    let (host, port) = match target.rsplit_once(':').map(|(host, port)| (host, port.parse::<u16>())) {
        Some((host, Ok(port))) => (host, Some(port)),
        _ => (target, None),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let name = if host.parse::<IpAddr>().is_ok() { "ip" } else { "hostname" };
    let mut endpoint = Map::from_iter([(name.to_owned(), host.into())]);
    if let Some(port) = port {
        endpoint.insert("port".to_owned(), port.into());
    }
    endpoint.into()
}

fn app(event: &AuditEvent, version: &str) -> Value {
    match &event.plugin {
        // A plugin's id begins with the name of who made it.
        Some(plugin) => json!({
            "name": plugin.id,
            "uid": plugin.digest,
            "vendor_name": plugin.id.split('.').next().unwrap_or_default(),
            "version": plugin.version,
        }),
        None if event.class.starts_with("host.") => {
            json!({ "name": PRODUCT, "vendor_name": PRODUCT, "version": version })
        }
        None => {
            json!({ "name": event.details.get("plugin").map_or("unknown", String::as_str), "vendor_name": "unknown" })
        }
    }
}

fn database(event: &AuditEvent) -> Value {
    match event.recording {
        Some(recording) => {
            json!({ "name": "recordings", "type": "Recordings", "type_id": OTHER, "uid": recording.to_string() })
        }
        None => json!({ "name": "vault", "type": "Vault", "type_id": OTHER }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_named_by_address_where_it_is_one() {
        assert_eq!(endpoint(Some("db.example:22")), json!({ "hostname": "db.example", "port": 22 }));
        assert_eq!(endpoint(Some("10.0.0.7:22")), json!({ "ip": "10.0.0.7", "port": 22 }));
        assert_eq!(endpoint(Some("[::1]:22")), json!({ "ip": "::1", "port": 22 }));
        assert_eq!(endpoint(Some("db")), json!({ "hostname": "db" }));
        assert_eq!(endpoint(None), json!({ "name": "unknown" }));
    }
}
