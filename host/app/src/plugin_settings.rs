//! Settings of plugins: what a manifest's schema declares, what was set, and the secrets among them (feature NEW-85).
//!
//! What is set lies sealed in the store, over what the configuration file says. A secret among them lies in the vault as
//! every secret does, with the places that the schema names fixed when it is stored; nothing here returns it, and the plugin
//! names it as the slot `setting.<key>`.

use std::collections::BTreeMap;

use ostler_audit::{EventClass, Outcome};
use ostler_core::{
    Field, FieldKind, Form, FormAnswer, HostRule, SecretField, SecretId, SettingValue, Settings, Sink,
    SinkRule, SlotName, like,
};
use ostler_registry::{FoundPlugin, PlaceHost, PlacePort, SettingField, SettingShape, SettingsSchema};
use ostler_vault::{Changes, StoredSecret, Vault, VaultError};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use crate::auditing::plugin_ref;
use crate::lease::{Held, LeasedSlot};
use crate::plugins::plugin_id;
use crate::{AppError, Configuration, Event, Host, Reply, SecretInput};

/// The name of the sealed document that holds what is set for plugins.
const DOCUMENT: &str = "plugin-settings";

/// How often an answer that does not fit is asked for again.
const TRIES: u32 = 3;

/// So many keys that may have been meant are told.
const NEAR: usize = 3;

/// Bytes of a secret.
const LARGEST_SECRET: usize = 64 << 10;

/// A setting, as it is described and set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SettingView {
    /// The key.
    pub key: String,
    /// The plugin that declares it.
    pub plugin: String,
    /// Its name for people.
    pub title: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// What it holds: `true or false`, `whole number`, `text`, `list of texts` or `secret`.
    pub kind: String,
    /// What fits, in words.
    pub expected: String,
    /// The value in effect; never that of a secret.
    pub value: Option<SettingValue>,
    /// Where the value comes from: `set`, `configuration`, `default` or `nowhere`.
    pub origin: String,
    /// Whether it has to be set.
    pub required: bool,
    /// Where the secret may go, where it is one.
    pub places: Vec<String>,
}

/// What is set for one plugin.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Kept {
    #[serde(default)]
    values: Settings,
    #[serde(default)]
    secrets: BTreeMap<String, SecretId>,
}

type AllKept = BTreeMap<String, Kept>;

fn read(bytes: Option<&[u8]>) -> AllKept {
    bytes.and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or_default()
}

fn kept(vault: &Vault, plugin: &str) -> Result<Kept, VaultError> {
    Ok(read(vault.document(DOCUMENT)?.as_deref()).remove(plugin).unwrap_or_default())
}

/// Returns what is set for a plugin: in the store, else in the configuration file.
pub(crate) fn settings_of(
    vault: Result<Vault, VaultError>,
    configuration: &Configuration,
    plugin: &str,
) -> Settings {
    let stored = match vault.and_then(|vault| kept(&vault, plugin)) {
        Ok(kept) => kept.values,
        Err(error) => {
            tracing::warn!(plugin, %error, "what is set for a plugin can't be read");
            Settings::default()
        }
    };
    let configured = configuration.plugin.get(plugin).map(|own| own.settings.clone()).unwrap_or_default();
    Settings::effective([&stored, &configured])
}

impl Host {
    pub(crate) fn plugin_settings(&self, id: &str) -> Result<Reply, AppError> {
        let found = self.find_plugin(id)?;
        let schema = schema_of(&found)?;
        let kept = kept(&self.vault()?, id)?;
        let configured = self.configuration.plugin.get(id).map(|own| &own.settings);
        let places = self.values(&schema, &kept, id);
        let view = |field: &SettingField| {
            let (value, origin) =
                match (kept.values.get(&field.key), configured.and_then(|set| set.get(&field.key))) {
                    _ if !field.secret.is_empty() => {
                        (None, if kept.secrets.contains_key(&field.key) { "set" } else { "nowhere" })
                    }
                    (Some(value), _) => (Some(value.clone()), "set"),
                    (None, Some(value)) => (Some(value.clone()), "configuration"),
                    (None, None) => match field.default.clone().and_then(setting_value) {
                        Some(default) => (Some(default), "default"),
                        None => (None, "nowhere"),
                    },
                };
            let places = rules(field, &places).unwrap_or_default();
            SettingView {
                value,
                origin: origin.to_owned(),
                places: places.iter().map(place).collect(),
                ..described(field, id)
            }
        };
        Ok(Reply::Settings(schema.fields().iter().map(view).collect()))
    }

    /// Changes what is set for a plugin, all of it or nothing. Without any change the person is asked, field by field.
    pub(crate) async fn plugin_configure(
        &self,
        id: &str,
        changes: &BTreeMap<String, Option<String>>,
        secrets: &BTreeMap<String, SecretInput>,
    ) -> Result<Reply, AppError> {
        let found = self.find_plugin(id)?;
        let schema = schema_of(&found)?;
        let mut kept = kept(&self.vault()?, id)?;
        let before = kept.clone();
        let mut given: BTreeMap<String, SecretInput> = BTreeMap::new();
        if changes.is_empty() && secrets.is_empty() {
            self.ask_for_settings(id, &schema, &mut kept, &mut given).await?;
        }
        for (key, text) in changes {
            let field = field(&schema, key)?;
            match text {
                None => {
                    kept.values.0.remove(key);
                    kept.secrets.remove(key);
                }
                Some(_) if !field.secret.is_empty() => {
                    let reason = "it is a secret, which no command line takes: use --secret-file, or answer the question";
                    return Err(AppError::bad(key, reason));
                }
                Some(text) => {
                    let value = schema.read(key, text).map_err(|fault| AppError::bad(key, fault.reason))?;
                    kept.values.0.extend(setting_value(value).map(|value| (key.clone(), value)));
                }
            }
        }
        for (key, secret) in secrets {
            if field(&schema, key)?.secret.is_empty() {
                return Err(AppError::bad(key, "it is no secret: use --set"));
            }
            given.insert(key.clone(), secret.clone());
        }
        self.keep_settings(&found, &schema, (&before, kept), &given).await?;
        self.plugin_settings(id)
    }

    /// Checks all settings together, stores the secrets, and keeps the rest.
    async fn keep_settings(
        &self,
        found: &FoundPlugin,
        schema: &SettingsSchema,
        (before, mut kept): (&Kept, Kept),
        given: &BTreeMap<String, SecretInput>,
    ) -> Result<(), AppError> {
        let id = plugin_id(found);
        let values = self.values(schema, &kept, &id);
        let (mut put, mut forgotten) = (Vec::new(), Vec::new());
        for field in schema.fields().iter().filter(|field| !field.secret.is_empty()) {
            if let Some(secret) = given.get(&field.key) {
                let rules = rules(field, &values).map_err(|reason| AppError::bad(&field.key, reason))?;
                if secret.0.expose().is_empty() || secret.0.expose().len() > LARGEST_SECRET {
                    return Err(AppError::bad(&field.key, "a secret has 1 to 65536 bytes"));
                }
                let main = rules.first().map_or(SecretField::Password, |rule| rule.field);
                let stored =
                    StoredSecret { id: SecretId::random(), field: main, rules, bytes: secret.0.clone() };
                kept.secrets.insert(field.key.clone(), stored.id);
                put.push(stored);
            } else if let Some(stored) = kept.secrets.get(&field.key) {
                // The places were fixed when it was stored: where they are others now, it is another secret.
                let (_, old) = self.vault()?.sink_rules(*stored)?;
                if rules(field, &values).ok().as_ref() != Some(&old) {
                    kept.secrets.remove(&field.key);
                    forgotten.push(field.key.clone());
                }
            }
        }
        let mut all: Map<String, Value> = values.clone();
        all.extend(kept.secrets.keys().map(|key| (key.clone(), Value::from(""))));
        // A secret that is forgotten may be one that has to be set: then it is missed at the next call, not here.
        all.extend(forgotten.iter().map(|key| (key.clone(), Value::from(""))));
        schema.check_all(&all).map_err(|fault| AppError::bad(id.clone(), fault.reason))?;
        let gone: Vec<SecretId> = before
            .secrets
            .values()
            .filter(|id| !kept.secrets.values().any(|new| new == *id))
            .copied()
            .collect();
        self.audit_settings(found, before, &kept)?;
        let add = Changes { put_secrets: put, ..Changes::default() };
        if !add.is_empty() {
            self.change(|_| Ok((add.clone(), ())))?;
        }
        self.vault()?.update_document(DOCUMENT, &mut |bytes| {
            let mut all = read(bytes.as_deref());
            all.insert(id.clone(), kept.clone());
            serde_json::to_vec(&all).ok().or(bytes)
        })?;
        let remove = Changes { delete_secrets: gone, ..Changes::default() };
        if !remove.is_empty() {
            self.change(|_| Ok((remove.clone(), ())))?;
        }
        for key in forgotten {
            let notice = format!("'{key}' was for another place and was forgotten: give it again");
            self.front.show(Event::Notice(notice)).await;
        }
        Ok(())
    }

    fn audit_settings(&self, found: &FoundPlugin, before: &Kept, after: &Kept) -> Result<(), AppError> {
        let keys = before.values.0.keys().chain(after.values.0.keys());
        let changed = keys.filter(|key| before.values.get(key) != after.values.get(key)).cloned();
        let secrets = before.secrets.keys().chain(after.secrets.keys());
        let secrets = secrets.filter(|key| before.secrets.get(*key) != after.secrets.get(*key)).cloned();
        let mut changed: Vec<String> = changed.chain(secrets).collect();
        changed.sort();
        changed.dedup();
        let mut event = self.audit.event(EventClass::PluginConfigure, Outcome::Success);
        event.plugin = Some(plugin_ref(found));
        event.details.insert("keys".to_owned(), changed.join(", "));
        Ok(self.audit.write(&event)?)
    }

    /// Returns the values in effect that the schema knows, as JSON; no secrets.
    fn values(&self, schema: &SettingsSchema, kept: &Kept, id: &str) -> Map<String, Value> {
        let configured =
            self.configuration.plugin.get(id).map(|own| own.settings.clone()).unwrap_or_default();
        let set = Settings::effective([&kept.values, &configured]);
        let plain = schema.fields().iter().filter(|field| field.secret.is_empty());
        let value = |field: &SettingField| {
            let set = set.get(&field.key).and_then(|value| serde_json::to_value(value).ok());
            Some((field.key.clone(), set.or_else(|| field.default.clone())?))
        };
        plain.filter_map(value).collect()
    }

    /// Asks the person for each setting. What is left empty stays as it is.
    async fn ask_for_settings(
        &self,
        id: &str,
        schema: &SettingsSchema,
        kept: &mut Kept,
        given: &mut BTreeMap<String, SecretInput>,
    ) -> Result<(), AppError> {
        if schema.fields().is_empty() {
            return Err(AppError::bad(id, "it has no settings"));
        }
        for field in schema.fields() {
            let present = kept.values.get(&field.key).cloned();
            let present = present.or_else(|| field.default.clone().and_then(setting_value));
            let form = question(id, field, present.as_ref(), kept.secrets.contains_key(&field.key));
            for left in (0..TRIES).rev() {
                let asked = self.front.ask("ostler", &form).await;
                let answers = asked.map_err(|source| AppError::Prompt {
                    what: format!("'{id}' was to be configured, and nothing was named with --set"),
                    source,
                })?;
                let text = match answers.into_iter().next() {
                    None => break,
                    Some((_, FormAnswer::Secret { bytes, .. })) => {
                        given.insert(field.key.clone(), SecretInput(bytes));
                        break;
                    }
                    Some((_, FormAnswer::Flag(flag))) => flag.to_string(),
                    Some((_, FormAnswer::Text(text))) => text,
                };
                match schema.read(&field.key, &text) {
                    Ok(value) => {
                        let value = setting_value(value).filter(|value| Some(value) != present.as_ref());
                        kept.values.0.extend(value.map(|value| (field.key.clone(), value)));
                        break;
                    }
                    Err(fault) if left == 0 => return Err(AppError::bad(&field.key, fault.reason)),
                    Err(fault) => self.front.show(Event::Notice(fault.reason)).await,
                }
            }
        }
        Ok(())
    }

    /// Returns the secrets among a plugin's settings, as slots of its calls.
    pub(crate) fn setting_slots(
        &self,
        found: &FoundPlugin,
    ) -> Result<BTreeMap<SlotName, LeasedSlot>, AppError> {
        let vault = self.vault()?;
        let mut slots = BTreeMap::new();
        for (key, id) in kept(&vault, &plugin_id(found))?.secrets {
            let Ok(slot) = SlotName::new(&format!("setting.{key}")) else { continue };
            let (_, rules) = vault.sink_rules(id)?;
            let sinks = rules.into_iter().filter_map(|rule| match rule {
                SinkRule { protocol: Some(protocol), host: HostRule::Exact { host, port }, field } => {
                    Some(Sink { protocol, host, port, field })
                }
                _ => None,
            });
            slots.insert(slot, LeasedSlot { held: Held::Stored(id), sinks: sinks.collect() });
        }
        Ok(slots)
    }
}

/// Tells whether a slot is that of a secret among the settings.
pub(crate) fn is_setting(slot: &SlotName) -> bool {
    slot.as_str().starts_with("setting.")
}

/// Reads the schema of a plugin's settings.
fn schema_of(found: &FoundPlugin) -> Result<SettingsSchema, AppError> {
    let none = Value::Object(Map::new());
    let schema = found.inspection.manifest.settings.as_ref().unwrap_or(&none);
    SettingsSchema::new("settings", schema)
        .map_err(|error| AppError::bad(plugin_id(found), error.to_string()))
}

/// Describes a setting without its value.
pub(crate) fn described(field: &SettingField, plugin: &str) -> SettingView {
    let kind = if field.secret.is_empty() { field.shape.name() } else { "secret" };
    SettingView {
        key: field.key.clone(),
        plugin: plugin.to_owned(),
        title: field.title.clone(),
        description: field.description.clone(),
        kind: kind.to_owned(),
        expected: field.fits.clone(),
        value: field.default.clone().and_then(setting_value),
        origin: if field.default.is_some() { "default" } else { "nowhere" }.to_owned(),
        required: field.required,
        places: Vec::new(),
    }
}

fn field<'a>(schema: &'a SettingsSchema, key: &str) -> Result<&'a SettingField, AppError> {
    schema.field(key).map_err(|fault| {
        let near = like(schema.fields().iter().map(|field| field.key.clone()), key, NEAR);
        AppError::bad(key, meant(&fault.reason, &near))
    })
}

/// Adds what may have been meant.
pub(crate) fn meant(reason: &str, near: &[String]) -> String {
    match near {
        [] => reason.to_owned(),
        near => format!("{reason}; did you mean '{}'?", near.join("' or '")),
    }
}

/// Takes a value of JSON as one of a setting.
pub(crate) fn setting_value(value: Value) -> Option<SettingValue> {
    serde_json::from_value(value).ok()
}

/// Works out the places that a secret may go to.
fn rules(field: &SettingField, values: &Map<String, Value>) -> Result<Vec<SinkRule>, String> {
    let rule = |place: &ostler_registry::SecretPlace| {
        let host = match &place.host {
            PlaceHost::Named(host) => host.clone(),
            PlaceHost::Setting(key) => {
                let host = values.get(key).and_then(Value::as_str).filter(|host| !host.is_empty());
                host.map(str::to_owned).ok_or_else(|| {
                    format!("it may go to the host of the setting '{key}' only: set that first")
                })?
            }
        };
        let (host, own_port) = match place.protocol == Sink::PROCESS {
            true => (host, None),
            false => server(&host, &place.protocol)?,
        };
        let port = match &place.port {
            PlacePort::Named(port) => *port,
            PlacePort::OfHost => {
                own_port.ok_or_else(|| format!("'{host}' names no port, and there is no usual one"))?
            }
            PlacePort::Setting(key) => {
                let port = values.get(key).and_then(Value::as_u64).and_then(|port| u16::try_from(port).ok());
                port.filter(|port| *port > 0).ok_or_else(|| {
                    format!("it may go to the port of the setting '{key}' only: set that first")
                })?
            }
        };
        let name = &place.field;
        let known = SecretField::ALL.into_iter().find(|known| known.name() == name);
        let field = known.ok_or_else(|| format!("its schema names the field '{name}', which is unknown"))?;
        Ok(SinkRule { protocol: Some(place.protocol.clone()), host: HostRule::Exact { host, port }, field })
    };
    field.secret.iter().map(rule).collect()
}

/// Reads a server as people write it, as a URL or as a host with or without a port.
fn server(text: &str, protocol: &str) -> Result<(String, Option<u16>), String> {
    let url =
        if text.contains("://") { Url::parse(text) } else { Url::parse(&format!("{protocol}://{text}")) };
    let url = url.map_err(|error| format!("'{text}' names no server: {error}"))?;
    if url.scheme() != protocol {
        return Err(format!("it goes by {protocol} only, and '{text}' is {}", url.scheme()));
    }
    let host = url.host_str().ok_or_else(|| format!("'{text}' names no server"))?;
    Ok((host.trim_start_matches('[').trim_end_matches(']').to_owned(), url.port_or_known_default()))
}

fn place(rule: &SinkRule) -> String {
    match (&rule.protocol, &rule.host) {
        (Some(protocol), HostRule::Exact { host, port }) => {
            format!("{} of {protocol}://{host}:{port}", rule.field.name())
        }
        _ => rule.field.name().to_owned(),
    }
}

/// Words the question for one setting.
fn question(plugin: &str, field: &SettingField, present: Option<&SettingValue>, has_secret: bool) -> Form {
    let label = field.title.clone().unwrap_or_else(|| field.key.clone());
    let kind = match (field.shape, field.choices.is_empty()) {
        _ if !field.secret.is_empty() => FieldKind::Password,
        (SettingShape::Flag, _) => FieldKind::Confirm { default: present == Some(&SettingValue::Flag(true)) },
        (SettingShape::Text, false) => {
            let options = field.choices.iter().filter_map(|choice| choice.as_str().map(str::to_owned));
            FieldKind::Choice { options: options.collect() }
        }
        _ => FieldKind::Text { default: present.map(ToString::to_string) },
    };
    let mut message = field.description.clone().unwrap_or_default();
    match kind {
        FieldKind::Password if has_secret => message.push_str(" It is set; empty leaves it."),
        FieldKind::Password => {}
        _ => message.push_str(&format!(" Expected: {}.", field.fits)),
    }
    let unset = present.is_none() && !has_secret;
    let asked = Field { id: "value".to_owned(), label, kind, required: field.required && unset };
    Form {
        title: format!("{plugin}: {}", field.key),
        message: message.trim().to_owned(),
        fields: vec![asked],
    }
}
