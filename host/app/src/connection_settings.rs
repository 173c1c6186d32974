//! Settings of connections and folders, as launchers declare them: what is misspelt or of the wrong type is refused before
//! it is stored.
//!
//! The beginning of a key up to its first dot is its launcher's. A key whose beginning no launcher declares is left alone:
//! it belongs to a launcher that may come later, and an import must lose nothing.

use std::collections::BTreeMap;

use ostler_core::{SettingValue, like};
use ostler_plugin_api::Kind;
use ostler_policy::RECORDING_SETTING;
use ostler_registry::{SettingShape, SettingsSchema};

use crate::plugin_settings::{described, meant, setting_value};
use crate::plugins::plugin_id;
use crate::{AppError, Host, Reply, SettingView};

/// So many keys that may have been meant are told.
const NEAR: usize = 3;

/// Changes of settings by key; none removes one.
type SettingChanges = BTreeMap<String, Option<SettingValue>>;

/// What the launchers declare.
pub(crate) struct DeclaredSettings(Vec<(String, SettingsSchema)>);

impl DeclaredSettings {
    fn keys(&self) -> impl Iterator<Item = &str> {
        let declared = self.0.iter().flat_map(|(_, schema)| schema.fields());
        declared.map(|field| field.key.as_str()).chain([RECORDING_SETTING])
    }

    /// Returns a value as it is to be stored: text becomes a list where the schema wants one, and a number or flag becomes text
    /// where it wants that.
    ///
    /// # Errors
    /// Says what is wrong, and what would fit or may have been meant.
    pub(crate) fn settled(&self, key: &str, value: &SettingValue) -> Result<SettingValue, String> {
        if key == RECORDING_SETTING {
            return match value.to_string().as_str() {
                "on" | "off" | "required" | "true" | "false" => Ok(value.clone()),
                _ => Err(format!("the value of '{key}' does not fit: expected one of on, off, required")),
            };
        }
        let mut fault = None;
        for (_, schema) in &self.0 {
            let Ok(field) = schema.field(key) else { continue };
            let taken = match (field.shape, value) {
                (SettingShape::Text, SettingValue::Flag(_) | SettingValue::Integer(_))
                | (SettingShape::List, SettingValue::Text(_)) => schema.read(key, &value.to_string()),
                _ => {
                    let json = serde_json::to_value(value).unwrap_or_default();
                    schema.check(key, &json).map(|()| json)
                }
            };
            match taken {
                Ok(json) => return Ok(setting_value(json).unwrap_or_else(|| value.clone())),
                Err(error) => fault = Some(error.reason),
            }
        }
        if let Some(fault) = fault {
            return Err(fault);
        }
        let near = like(self.keys().map(str::to_owned), key, NEAR);
        let beginning = |key: &str| key.split_once('.').map(|(beginning, _)| beginning.to_owned());
        let own = beginning(key);
        let of_a_launcher = own.is_some() && self.keys().any(|known| beginning(known) == own);
        if of_a_launcher || !near.is_empty() {
            return Err(meant(&format!("there is no setting '{key}'"), &near));
        }
        Ok(value.clone())
    }

    /// Checks changes from a person. What removes a setting is never refused.
    ///
    /// # Errors
    /// Fails at the first that does not fit.
    pub(crate) fn settle(&self, changes: &SettingChanges) -> Result<SettingChanges, AppError> {
        let settled = |(key, value): (&String, &Option<SettingValue>)| {
            let value = value.as_ref().map(|value| self.settled(key, value)).transpose();
            value.map(|value| (key.clone(), value)).map_err(|reason| AppError::bad("setting", reason))
        };
        changes.iter().map(settled).collect()
    }
}

impl Host {
    /// Returns what the enabled launchers declare.
    pub(crate) fn declared_settings(&self) -> Result<DeclaredSettings, AppError> {
        let mut declared = Vec::new();
        for found in self.enabled_plugins(Kind::Launcher)? {
            let Some(schema) = &found.inspection.manifest.connection_settings else { continue };
            match SettingsSchema::new("connection-settings", schema) {
                Ok(schema) => declared.push((plugin_id(&found), schema)),
                // It was laid there by hand: an installation would have refused it. The other launchers' settings count.
                Err(error) => tracing::warn!(plugin = plugin_id(&found), %error, "a schema can't be used"),
            }
        }
        Ok(DeclaredSettings(declared))
    }

    /// Checks changes of settings where there are any.
    pub(crate) fn settle(&self, changes: &SettingChanges) -> Result<SettingChanges, AppError> {
        if changes.values().all(Option::is_none) {
            return Ok(changes.clone());
        }
        self.declared_settings()?.settle(changes)
    }

    pub(crate) fn connection_settings(&self) -> Result<Reply, AppError> {
        let declared = self.declared_settings()?;
        let of = |(plugin, schema): &(String, SettingsSchema)| -> Vec<SettingView> {
            schema.fields().iter().map(|field| described(field, plugin)).collect()
        };
        let mut views: Vec<SettingView> = declared.0.iter().flat_map(of).collect();
        views.push(SettingView {
            key: RECORDING_SETTING.to_owned(),
            plugin: "ostler".to_owned(),
            title: Some("Recording".to_owned()),
            description: Some(
                "Whether sessions are recorded, where the policy leaves it to this setting.".to_owned(),
            ),
            kind: "text".to_owned(),
            expected: "one of on, off, required".to_owned(),
            value: None,
            origin: "nowhere".to_owned(),
            required: false,
            places: Vec::new(),
        });
        views.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(Reply::Settings(views))
    }
}
