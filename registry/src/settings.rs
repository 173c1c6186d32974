//! Schemas of settings: what a manifest says of the settings of a plugin, or of connections, and whether a value fits.
//!
//! A schema is JSON Schema (draft 2020-12) and checked when its plugin is installed. It stands by itself: no references, so
//! that nothing is ever fetched and no check runs in circles; patterns run on an engine of linear time. Never keeps a value.

use std::collections::BTreeMap;

use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::{Map, Value};

/// Members that a schema may nest.
const DEEPEST: usize = 16;
/// Properties that a schema may have.
const MOST_PROPERTIES: usize = 256;
/// Bytes of a compiled pattern.
const LARGEST_PATTERN: usize = 256 << 10;
/// Bytes of all values together.
const LARGEST_VALUES: usize = 256 << 10;
/// Bytes of a key.
const LONGEST_KEY: usize = 128;
/// The draft that a schema may name.
const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";
/// Where a property names the places of its secret.
const SECRET: &str = "x-ostler-secret";
/// Words that lead to another place of this schema, or out of it.
const REFERENCES: [&str; 7] =
    ["$ref", "$dynamicRef", "$recursiveRef", "$id", "$anchor", "$dynamicAnchor", "$vocabulary"];

/// What is wrong with a schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {reason}")]
pub struct SchemaError {
    /// The place, such as `settings.server`.
    pub place: String,
    /// What is wrong there.
    pub reason: String,
}

/// A value does not fit, or there is no such setting.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct SettingFault {
    /// The key; empty where it is about several.
    pub key: String,
    /// What is wrong, and what would fit. Holds no value of a secret.
    pub reason: String,
}

/// What a setting holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingShape {
    /// Yes or no.
    Flag,
    /// A whole number.
    Integer,
    /// Text.
    Text,
    /// Several texts.
    List,
}

impl SettingShape {
    /// Returns its name for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Flag => "true or false",
            Self::Integer => "whole number",
            Self::Text => "text",
            Self::List => "list of texts",
        }
    }
}

/// A place that the secret of a setting may go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretPlace {
    /// The protocol, such as `https`.
    pub protocol: String,
    /// The host, or the key of the setting that holds it, also as a URL.
    pub host: PlaceHost,
    /// The port, or the key of the setting that holds it.
    pub port: PlacePort,
    /// The field of the protocol, such as `password`.
    pub field: String,
}

/// The host of a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlaceHost {
    /// This one.
    Named(String),
    /// The one that a setting holds.
    Setting(String),
}

/// The port of a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlacePort {
    /// The one that is named with the host, or else the usual one of `https` or `http`.
    OfHost,
    /// This one.
    Named(u16),
    /// The one that a setting holds.
    Setting(String),
}

/// One setting, as its schema describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct SettingField {
    /// The key.
    pub key: String,
    /// Its name for people.
    pub title: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// What it holds.
    pub shape: SettingShape,
    /// The values that it can have, where they are listed.
    pub choices: Vec<Value>,
    /// What holds where nothing is set.
    pub default: Option<Value>,
    /// Whether it has to be set.
    pub required: bool,
    /// The places of its secret, where it is one; else none.
    pub secret: Vec<SecretPlace>,
    /// What would fit, for people.
    pub fits: String,
}

/// A checked schema.
#[derive(Debug)]
pub struct SettingsSchema {
    fields: Vec<SettingField>,
    each: BTreeMap<String, Validator>,
    whole: Validator,
}

impl SettingsSchema {
    /// Checks a schema. `name` is the table of the manifest that holds it.
    ///
    /// # Errors
    /// Names the place and what is wrong there.
    pub fn new(name: &str, schema: &Value) -> Result<Self, SchemaError> {
        let fault =
            |place: &str, reason: &str| SchemaError { place: place.to_owned(), reason: reason.to_owned() };
        let top = schema.as_object().ok_or_else(|| fault(name, "it must be a table"))?;
        stands_alone(schema, 0).map_err(|reason| SchemaError { place: name.to_owned(), reason })?;
        if top.get("$schema").is_some_and(|draft| draft != DRAFT) {
            return Err(fault(name, "'$schema' must be that of draft 2020-12"));
        }
        if top.get("type").is_some_and(|shape| shape != "object") {
            return Err(fault(name, "'type' must be \"object\""));
        }
        let none = Map::new();
        let properties = match top.get("properties") {
            None => &none,
            Some(properties) => {
                properties.as_object().ok_or_else(|| fault(name, "'properties' must be a table"))?
            }
        };
        if properties.len() > MOST_PROPERTIES {
            return Err(fault(name, "it has more than 256 properties"));
        }
        let required: Vec<&str> = top
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let (mut fields, mut each) = (Vec::new(), BTreeMap::new());
        for (key, property) in properties {
            let place = format!("{name}.{key}");
            let wrong = |reason: String| SchemaError { place: place.clone(), reason };
            let field = field(key, property, required.contains(&key.as_str())).map_err(wrong)?;
            let validator = compile(property).map_err(wrong)?;
            if let Some(default) = &field.default
                && !validator.is_valid(default)
            {
                return Err(wrong("its default does not fit".to_owned()));
            }
            fields.push(field);
            each.insert(key.clone(), validator);
        }
        let is = |key: &String, shape| {
            let fits =
                |other: &SettingField| other.shape == shape && other.secret.is_empty() && other.key == *key;
            fields.iter().any(fits)
        };
        for field in &fields {
            for place in &field.secret {
                let lacking = match (&place.host, &place.port) {
                    (PlaceHost::Setting(key), _) if !is(key, SettingShape::Text) => Some((key, "text")),
                    (_, PlacePort::Setting(key)) if !is(key, SettingShape::Integer) => {
                        Some((key, "whole number"))
                    }
                    _ => None,
                };
                if let Some((key, shape)) = lacking {
                    let reason = format!(
                        "its place is that of the setting '{key}', which is no {shape} of this schema"
                    );
                    return Err(SchemaError { place: format!("{name}.{}", field.key), reason });
                }
            }
        }
        let whole = compile(schema).map_err(|reason| SchemaError { place: name.to_owned(), reason })?;
        Ok(Self { fields, each, whole })
    }

    /// Returns the settings, by key.
    #[must_use]
    pub fn fields(&self) -> &[SettingField] {
        &self.fields
    }

    /// Returns one setting.
    ///
    /// # Errors
    /// There is none of this name.
    pub fn field(&self, key: &str) -> Result<&SettingField, SettingFault> {
        self.fields.iter().find(|field| field.key == key).ok_or_else(|| {
            let keys: Vec<&str> = self.fields.iter().map(|field| field.key.as_str()).collect();
            let reason = match keys.is_empty() {
                true => format!("there is no setting '{key}'; there are none at all"),
                false => format!("there is no setting '{key}'; there are {}", keys.join(", ")),
            };
            SettingFault { key: key.to_owned(), reason }
        })
    }

    /// Reads a value as a person writes it.
    ///
    /// # Errors
    /// Says what would fit. Never repeats what was written.
    pub fn read(&self, key: &str, text: &str) -> Result<Value, SettingFault> {
        let field = self.field(key)?;
        let value = match field.shape {
            SettingShape::Flag => match text.to_lowercase().as_str() {
                "true" | "yes" | "on" => Some(Value::Bool(true)),
                "false" | "no" | "off" => Some(Value::Bool(false)),
                _ => None,
            },
            SettingShape::Integer => text.trim().parse::<i64>().ok().map(Value::from),
            SettingShape::Text => Some(Value::from(text)),
            SettingShape::List if text.trim_start().starts_with('[') => serde_json::from_str(text).ok(),
            SettingShape::List if text.is_empty() => Some(Value::Array(Vec::new())),
            SettingShape::List => Some(text.split(',').map(|item| Value::from(item.trim())).collect()),
        };
        let value = value.ok_or_else(|| unfit(field))?;
        self.check(key, &value)?;
        Ok(value)
    }

    /// Checks one value.
    ///
    /// # Errors
    /// There is no such setting, or the value does not fit.
    pub fn check(&self, key: &str, value: &Value) -> Result<(), SettingFault> {
        let field = self.field(key)?;
        let fits = value.to_string().len() <= LARGEST_VALUES
            && self.each.get(key).is_some_and(|validator| validator.is_valid(value));
        if fits { Ok(()) } else { Err(unfit(field)) }
    }

    /// Checks all values together: what has to be set, and what belongs together. Settings that are secrets count by being
    /// there.
    ///
    /// # Errors
    /// Names what is missing or does not go together.
    pub fn check_all(&self, values: &Map<String, Value>) -> Result<(), SettingFault> {
        if let Some(field) =
            self.fields.iter().find(|field| field.required && !values.contains_key(&field.key))
        {
            let reason = format!("'{}' has to be set: {}", field.key, field.fits);
            return Err(SettingFault { key: field.key.clone(), reason });
        }
        let together = Value::Object(values.clone());
        match self.whole.iter_errors(&together).find(|error| {
            // What a secret is, no schema sees.
            let path = error.instance_path().to_string();
            let key = path.trim_start_matches('/').split('/').next().unwrap_or_default();
            !self.fields.iter().any(|field| field.key == key && !field.secret.is_empty())
        }) {
            None => Ok(()),
            Some(error) => Err(SettingFault {
                key: String::new(),
                reason: format!("the settings don't go together: {error}"),
            }),
        }
    }
}

fn unfit(field: &SettingField) -> SettingFault {
    SettingFault {
        key: field.key.clone(),
        reason: format!("the value of '{}' does not fit: expected {}", field.key, field.fits),
    }
}

fn compile(schema: &Value) -> Result<Validator, String> {
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .should_validate_formats(true)
        .with_pattern_options(
            PatternOptions::regex().size_limit(LARGEST_PATTERN).dfa_size_limit(LARGEST_PATTERN),
        )
        .build(schema)
        .map_err(|error| format!("it is no JSON Schema: {error}"))
}

/// Checks that nothing leads out of a schema, or around in it.
fn stands_alone(schema: &Value, depth: usize) -> Result<(), String> {
    if depth > DEEPEST {
        return Err(format!("it nests deeper than {DEEPEST} levels"));
    }
    match schema {
        Value::Object(members) => members.iter().try_for_each(|(key, value)| {
            if REFERENCES.contains(&key.as_str()) {
                return Err(format!("it has '{key}'; a schema of settings stands by itself"));
            }
            stands_alone(value, depth + 1)
        }),
        Value::Array(items) => items.iter().try_for_each(|item| stands_alone(item, depth + 1)),
        _ => Ok(()),
    }
}

fn field(key: &str, property: &Value, required: bool) -> Result<SettingField, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if !(1..=LONGEST_KEY).contains(&key.len()) || !key.chars().all(plain) {
        return Err("a key has 1 to 128 of A-Z, a-z, 0-9, '.', '-' and '_'".to_owned());
    }
    let property = property.as_object().ok_or("it must be a table")?;
    let text = |name: &str| property.get(name).and_then(Value::as_str).map(str::to_owned);
    let shape = match text("type").as_deref() {
        Some("boolean") => SettingShape::Flag,
        Some("integer" | "number") => SettingShape::Integer,
        Some("string") => SettingShape::Text,
        Some("array")
            if property.get("items").and_then(|items| items.get("type")) == Some(&Value::from("string")) =>
        {
            SettingShape::List
        }
        _ => {
            return Err("'type' must be \"boolean\", \"integer\", \"string\", or \"array\" with items of type \"string\"".to_owned());
        }
    };
    let secret = secret(key, property, shape)?;
    let choices = property.get("enum").and_then(Value::as_array).cloned().unwrap_or_default();
    Ok(SettingField {
        key: key.to_owned(),
        title: text("title"),
        description: text("description"),
        shape,
        fits: fits(property, shape, &choices),
        choices,
        default: property.get("default").cloned(),
        required,
        secret,
    })
}

/// Says in words what fits.
fn fits(property: &Map<String, Value>, shape: SettingShape, choices: &[Value]) -> String {
    let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if !choices.is_empty() {
        return format!("one of {}", choices.iter().map(shown).collect::<Vec<_>>().join(", "));
    }
    let bound = |name: &str| property.get(name).map(shown);
    let between = |least: Option<String>, most: Option<String>, of: &str| match (least, most) {
        (Some(least), Some(most)) => format!(" from {least} to {most}{of}"),
        (Some(least), None) => format!(" of at least {least}{of}"),
        (None, Some(most)) => format!(" of at most {most}{of}"),
        (None, None) => String::new(),
    };
    let mut words = match shape {
        SettingShape::Flag => "true or false".to_owned(),
        SettingShape::Integer => format!("a whole number{}", between(bound("minimum"), bound("maximum"), "")),
        SettingShape::Text => {
            format!("text{}", between(bound("minLength"), bound("maxLength"), " characters"))
        }
        SettingShape::List => format!(
            "texts, with commas between them{}",
            between(bound("minItems"), bound("maxItems"), " items")
        ),
    };
    let items = property.get("items").filter(|_| shape == SettingShape::List);
    if let Some(choices) = items.and_then(|items| items.get("enum")).and_then(Value::as_array) {
        let choices: Vec<String> = choices.iter().map(shown).collect();
        words.push_str(&format!(", each one of {}", choices.join(", ")));
    }
    if let Some(pattern) = bound("pattern").or_else(|| items?.get("pattern").map(shown)) {
        words.push_str(&format!(" like {pattern}"));
    }
    if let Some(format) = bound("format") {
        words.push_str(&format!(" in the form '{format}'"));
    }
    words
}

/// Reads the places of a secret: a table, or several.
fn secret(key: &str, property: &Map<String, Value>, shape: SettingShape) -> Result<Vec<SecretPlace>, String> {
    let Some(places) = property.get(SECRET) else {
        return match property.get("format").and_then(Value::as_str) {
            Some("secret") => Err(format!(
                "a secret names the places that it may go to: {SECRET} = {{ protocol, host, port, field }}"
            )),
            _ => Ok(Vec::new()),
        };
    };
    if shape != SettingShape::Text || property.contains_key("default") || property.contains_key("enum") {
        return Err("a secret is a string without 'default' and 'enum'".to_owned());
    }
    let lower = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-');
    if key.len() > 56 || !key.chars().all(lower) {
        return Err(
            "the key of a secret has at most 56 of a-z, 0-9, '-' and '.', since it names a slot".to_owned()
        );
    }
    let places = match places {
        Value::Array(places) => places.iter().map(place).collect::<Result<Vec<_>, _>>()?,
        one => vec![place(one)?],
    };
    if places.is_empty() { Err(format!("{SECRET} names no place")) } else { Ok(places) }
}

fn place(place: &Value) -> Result<SecretPlace, String> {
    let wrong = || {
        format!(
            "{SECRET} must be {{ protocol = \"https\", host = \"name\" or \"setting:key\", port = 443 or \"setting:key\", field = \"request\" }}"
        )
    };
    let members = place.as_object().ok_or_else(wrong)?;
    if members.keys().any(|key| !["protocol", "host", "port", "field"].contains(&key.as_str())) {
        return Err(wrong());
    }
    let text = |name: &str| members.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let host = text("host").ok_or_else(wrong)?;
    let protocol = text("protocol").ok_or_else(wrong)?;
    let port = match members.get("port") {
        None if ["https", "http"].contains(&protocol) => PlacePort::OfHost,
        // A program, named by its path, has none.
        None if protocol == "process" && host.starts_with('/') => PlacePort::Named(0),
        None => return Err(format!("{SECRET} must name a port, since '{protocol}' has no usual one")),
        Some(Value::String(text)) => {
            PlacePort::Setting(text.strip_prefix("setting:").ok_or_else(wrong)?.to_owned())
        }
        Some(number) => {
            let port = number.as_u64().and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0);
            PlacePort::Named(port.ok_or_else(wrong)?)
        }
    };
    Ok(SecretPlace {
        protocol: protocol.to_owned(),
        host: match host.strip_prefix("setting:") {
            Some(key) => PlaceHost::Setting(key.to_owned()),
            None => PlaceHost::Named(host.to_owned()),
        },
        port,
        field: text("field").ok_or_else(wrong)?.to_owned(),
    })
}
