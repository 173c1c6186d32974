//! Schemas of settings: what is read of them, what refuses one, and what fits.

use ostler_registry::{SettingShape, SettingsSchema, check, check_new, inspect};
use serde_json::{Value, json};

use crate::components::{EXPORTS, IMPORTS, MANIFEST, component};

fn schema(properties: Value) -> SettingsSchema {
    SettingsSchema::new("settings", &json!({ "type": "object", "properties": properties })).unwrap()
}

fn refused(schema: Value) -> String {
    SettingsSchema::new("settings", &schema).unwrap_err().to_string()
}

#[test]
fn a_schema_says_what_there_is_and_what_would_fit() {
    let schema = schema(json!({
        "port": { "type": "integer", "minimum": 1, "maximum": 65535, "default": 22 },
        "depth": { "type": "string", "enum": ["one", "all"], "title": "Depth" },
        "names": { "type": "array", "maxItems": 2, "items": { "type": "string", "pattern": "^[a-z]+$" } },
        "on": { "type": "boolean" },
        "ways": { "type": "array", "items": { "type": "string", "enum": ["a", "b"] } },
    }));
    let fields: Vec<_> =
        schema.fields().iter().map(|field| (field.key.as_str(), field.shape, field.fits.as_str())).collect();
    assert_eq!(
        fields,
        [
            ("depth", SettingShape::Text, "one of one, all"),
            ("names", SettingShape::List, "texts, with commas between them of at most 2 items like ^[a-z]+$"),
            ("on", SettingShape::Flag, "true or false"),
            ("port", SettingShape::Integer, "a whole number from 1 to 65535"),
            ("ways", SettingShape::List, "texts, with commas between them, each one of a, b"),
        ]
    );
    assert_eq!(schema.read("port", "443"), Ok(json!(443)));
    assert_eq!(schema.read("names", "a, b"), Ok(json!(["a", "b"])));
    assert_eq!(schema.read("names", r#"["a"]"#), Ok(json!(["a"])));
    assert_eq!(schema.read("on", "yes"), Ok(json!(true)));
    for (key, text, expected) in [
        ("port", "0", "the value of 'port' does not fit: expected a whole number from 1 to 65535"),
        ("port", "many", "the value of 'port' does not fit"),
        ("depth", "two", "expected one of one, all"),
        ("names", "A", "like ^[a-z]+$"),
        ("names", "a,b,c", "at most 2 items"),
        ("ways", "a,c", "each one of a, b"),
        ("on", "maybe", "expected true or false"),
        ("prt", "1", "there is no setting 'prt'; there are depth, names, on, port, ways"),
    ] {
        let fault = schema.read(key, text).unwrap_err().to_string();
        assert!(fault.contains(expected), "{fault:?} should contain {expected:?}");
    }
}

#[test]
fn what_belongs_together_is_checked_together() {
    let whole = json!({
        "required": ["server"],
        "dependentRequired": { "user": ["domain"] },
        "properties": {
            "server": { "type": "string" }, "user": { "type": "string" }, "domain": { "type": "string" },
        },
    });
    let schema = SettingsSchema::new("settings", &whole).unwrap();
    let values = |values: Value| values.as_object().cloned().unwrap();
    let fault = schema.check_all(&values(json!({}))).unwrap_err();
    assert_eq!((fault.key.as_str(), fault.reason.as_str()), ("server", "'server' has to be set: text"));
    let fault = schema.check_all(&values(json!({ "server": "s", "user": "u" }))).unwrap_err();
    assert!(fault.reason.contains("\"domain\" is a required property"), "{fault}");
    schema.check_all(&values(json!({ "server": "s", "user": "u", "domain": "d" }))).unwrap();
}

#[test]
fn a_schema_that_leads_elsewhere_or_can_not_be_one_is_refused_with_its_place() {
    let secret =
        |place: Value| json!({ "properties": { "token": { "type": "string", "x-ostler-secret": place } } });
    let mut deep = json!({ "type": "string" });
    for _ in 0..40 {
        deep = json!({ "not": deep });
    }
    let many: serde_json::Map<String, Value> =
        (0..300).map(|number| (format!("k{number}"), json!({ "type": "string" }))).collect();
    for (schema, expected) in [
        (json!({ "$ref": "https://example.com/x" }), "it has '$ref'"),
        (json!({ "properties": { "a": { "type": "string", "allOf": [{ "$ref": "#" }] } } }), "it has '$ref'"),
        (json!({ "$schema": "http://json-schema.org/draft-07/schema#" }), "draft 2020-12"),
        (json!({ "type": "array" }), "'type' must be"),
        (json!({ "properties": { "a": { "type": "object" } } }), "settings.a: 'type' must be"),
        (json!({ "properties": { "a": { "type": "array", "items": { "type": "integer" } } } }), "settings.a"),
        (json!({ "properties": { "a b": { "type": "string" } } }), "a key has 1 to 128"),
        (json!({ "properties": { "a": { "type": "integer", "minimum": "x" } } }), "it is no JSON Schema"),
        (json!({ "properties": { "a": { "type": "string", "pattern": "(" } } }), "it is no JSON Schema"),
        (
            json!({ "properties": { "a": { "type": "string", "pattern": "(a{1000}){1000}" } } }),
            "it is no JSON Schema",
        ),
        (
            json!({ "properties": { "a": { "type": "integer", "maximum": 3, "default": 4 } } }),
            "its default does not fit",
        ),
        (json!({ "properties": { "a": { "type": "string", "format": "secret" } } }), "names the places"),
        (json!({ "properties": { "a": deep } }), "nests deeper"),
        (json!({ "properties": many }), "more than 256"),
        (secret(json!({ "protocol": "https", "field": "password" })), "must be { protocol"),
        (secret(json!([])), "names no place"),
        (
            secret(json!({ "protocol": "https", "host": "setting:server", "field": "password" })),
            "the setting 'server', which is no text of this schema",
        ),
        (
            secret(json!({ "protocol": "https", "host": "h", "port": "setting:token", "field": "password" })),
            "which is no whole number of this schema",
        ),
    ] {
        let fault = refused(schema);
        assert!(fault.contains(expected), "{fault:?} should contain {expected:?}");
    }
}

#[test]
fn a_schema_is_checked_before_its_plugin_is_installed() {
    let manifest = |schema: &str| format!("{MANIFEST}\n{schema}");
    let faults = |schema: &str| {
        let bytes = component(&[&manifest(schema)], &IMPORTS, &EXPORTS);
        let inspection = inspect(&bytes).unwrap();
        // The shelf looks at files each time without the costly part.
        check(&inspection).unwrap();
        check_new(&inspection).err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert_eq!(faults("[settings.properties.a]\ntype = \"string\""), "");
    let fault = faults("[settings.properties.a]\ntype = \"text\"");
    assert!(
        fault.contains("settings.a: 'type' must be") && fault.contains("its author has to mend"),
        "{fault}"
    );
}
