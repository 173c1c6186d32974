//! Capability `settings`: what the user or an administrator set for this plugin.
//!
//! The manifest's schema decides: a setting that it does not declare, or whose value is not of the declared type, is as
//! good as not set, and then the schema's default stands. Read when a call first asks, and the same until it ends. Never
//! shows the settings of another plugin or of a connection.

use std::sync::Arc;

use ostler_core::{PluginSettings, SettingValue, Settings};
use ostler_plugin_api::{Capability, Manifest};
use serde_json::Value;
use wasmtime::component::{HasData, Linker};

use super::convert::value_to_wit;
use super::ostler::settings::settings as wit;
use super::ostler::types::types::CapabilityError;
use super::{CallChain, Gate, HostCapability, Setup, setting_to_wit};
use crate::instance::State;

/// The capability of one plugin.
pub(crate) struct PluginOwnSettings {
    gate: Gate,
    plugin: Arc<str>,
    port: Arc<dyn PluginSettings>,
    declared: Vec<Declared>,
}

/// One setting of the manifest's schema.
struct Declared {
    key: String,
    /// The JSON type, where the schema names one.
    json_type: Option<String>,
    default: Option<SettingValue>,
}

/// The settings of one call.
pub(crate) struct Instance {
    own: Arc<PluginOwnSettings>,
    effective: Option<Settings>,
}

impl HostCapability for PluginOwnSettings {
    const CAPABILITY: Capability = Capability::Settings;
    type Instance = Instance;

    fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
        wit::add_to_linker::<State, Access>(linker, |state| &mut state.capabilities.settings)
    }

    fn configure(setup: &Setup<'_>) -> Self {
        Self {
            gate: Gate::new(Self::CAPABILITY, setup),
            plugin: Arc::clone(setup.plugin),
            port: Arc::clone(&setup.ports.settings),
            declared: declared(setup.manifest),
        }
    }

    fn build(self: &Arc<Self>, _: &CallChain<'_>) -> Instance {
        Instance { own: Arc::clone(self), effective: None }
    }
}

struct Access;

impl HasData for Access {
    type Data<'a> = &'a mut Instance;
}

impl wit::Host for Instance {
    fn get(&mut self, key: String) -> Result<Option<wit::SettingValue>, CapabilityError> {
        self.own.gate.pass()?;
        Ok(self.effective().get(&key).map(value_to_wit))
    }

    fn all(&mut self) -> Result<Vec<wit::Setting>, CapabilityError> {
        self.own.gate.pass()?;
        Ok(self.effective().0.iter().map(|(key, value)| setting_to_wit(key, value)).collect())
    }
}

impl Instance {
    fn effective(&mut self) -> &Settings {
        let own = &self.own;
        self.effective.get_or_insert_with(|| own.effective(&own.port.settings(&own.plugin)))
    }
}

impl PluginOwnSettings {
    fn effective(&self, set: &Settings) -> Settings {
        let value = |declared: &Declared| {
            let value = set.get(&declared.key).filter(|value| declared.fits(value));
            let value = value.or(declared.default.as_ref())?;
            Some((declared.key.clone(), value.clone()))
        };
        Settings(self.declared.iter().filter_map(value).collect())
    }
}

impl Declared {
    fn fits(&self, value: &SettingValue) -> bool {
        let name = match value {
            SettingValue::Flag(_) => "boolean",
            SettingValue::Integer(_) => "integer",
            SettingValue::Text(_) => "string",
            SettingValue::List(_) => "array",
        };
        self.json_type
            .as_deref()
            .is_none_or(|declared| declared == name || (declared, name) == ("number", "integer"))
    }
}

/// Reads the settings of a manifest's schema: the members of its `properties`.
fn declared(manifest: &Manifest) -> Vec<Declared> {
    let properties = manifest.settings.as_ref().and_then(|schema| schema.get("properties")?.as_object());
    let declare = |(key, schema): (&String, &Value)| Declared {
        key: key.clone(),
        json_type: schema.get("type").and_then(Value::as_str).map(str::to_owned),
        default: schema.get("default").and_then(value_of),
    };
    // A secret among the settings is a slot, wherever somebody wrote a value for it.
    let readable = |(_, schema): &(&String, &Value)| schema.get("x-ostler-secret").is_none();
    properties.into_iter().flatten().filter(readable).map(declare).collect()
}

fn value_of(json: &Value) -> Option<SettingValue> {
    match json {
        Value::Bool(flag) => Some(SettingValue::Flag(*flag)),
        Value::Number(number) => number.as_i64().map(SettingValue::Integer),
        Value::String(text) => Some(SettingValue::Text(text.clone())),
        Value::Array(items) => items
            .iter()
            .map(|item| item.as_str().map(str::to_owned))
            .collect::<Option<_>>()
            .map(SettingValue::List),
        Value::Null | Value::Object(_) => None,
    }
}
