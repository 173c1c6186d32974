//! What the user or an administrator set for this plugin (capability `settings`).
//!
//! Values fit the schema in the manifest's `settings` table; one that was not set has the schema's `default`. Settings of
//! a connection are something else: a launcher gets those with its request. In a native build every call answers
//! `unavailable`.

use serde::de::value::{Error, MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeOwned, Deserializer, Error as _, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use crate::types::{CapabilityError, Setting, SettingValue};

/// Returns one setting: what was set, else the manifest's default, else none.
///
/// # Errors
/// `denied` without the grant, `unavailable` if the store can't be read.
pub fn get(key: &str) -> Result<Option<SettingValue>, CapabilityError> {
    #[cfg(target_family = "wasm")]
    return crate::bindings::capabilities::ostler::settings::settings::get(key);
    #[cfg(not(target_family = "wasm"))]
    return Err(no_host(key));
}

/// Returns all settings that have a value.
///
/// # Errors
/// As [`get`].
pub fn all() -> Result<Vec<Setting>, CapabilityError> {
    #[cfg(target_family = "wasm")]
    return crate::bindings::capabilities::ostler::settings::settings::all();
    #[cfg(not(target_family = "wasm"))]
    return Err(no_host(""));
}

/// Returns all settings as a type of the plugin's own, such as a struct with a field for each key. A key with a dot or a hyphen is
/// named by `#[serde(rename = "..")]`; what may be missing is an `Option` or has `#[serde(default)]`.
///
/// # Errors
/// As [`get`]; `invalid` where the settings don't make up the type: then schema and type say different things.
pub fn typed<T: DeserializeOwned>() -> Result<T, CapabilityError> {
    from_settings(all()?)
}

/// Makes a value of a plugin's own type of settings, as [`typed`] does: for tests of that type.
///
/// # Errors
/// `invalid`, with the key or type that does not fit.
pub fn from_settings<T: DeserializeOwned>(settings: Vec<Setting>) -> Result<T, CapabilityError> {
    let members = settings.into_iter().map(|setting| (setting.key, Held(setting.value)));
    T::deserialize(MapDeserializer::<_, Error>::new(members))
        .map_err(|error| CapabilityError::Invalid(format!("the settings don't fit: {error}")))
}

/// A value on its way into a type of the plugin.
struct Held(SettingValue);

impl<'de> IntoDeserializer<'de, Error> for Held {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Held {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            SettingValue::Flag(flag) => visitor.visit_bool(flag),
            SettingValue::Integer(number) => visitor.visit_i64(number),
            SettingValue::Text(text) => visitor.visit_string(text),
            SettingValue::Items(items) => visitor.visit_seq(SeqDeserializer::new(items.into_iter())),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0 {
            SettingValue::Text(text) => visitor.visit_enum(text.into_deserializer()),
            _ => Err(Error::custom("expected text")),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

#[cfg(not(target_family = "wasm"))]
fn no_host(_: &str) -> CapabilityError {
    crate::types::no_host()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Depth {
        One,
        WholeTree,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Own {
        server: String,
        #[serde(rename = "page-size")]
        page_size: Option<u16>,
        depth: Depth,
        #[serde(default)]
        names: Vec<String>,
        #[serde(default)]
        quiet: bool,
    }

    #[test]
    fn settings_become_a_type_of_the_plugins_own() {
        let set = vec![
            Setting::new("server", "vault.example"),
            Setting::new("page-size", 50),
            Setting::new("depth", "whole-tree"),
            Setting::new("names", SettingValue::Items(vec!["a".to_owned()])),
        ];
        let own = Own {
            server: "vault.example".to_owned(),
            page_size: Some(50),
            depth: Depth::WholeTree,
            names: vec!["a".to_owned()],
            quiet: false,
        };
        assert_eq!(from_settings::<Own>(set), Ok(own));
    }

    #[test]
    fn what_does_not_fit_the_type_is_named() {
        let set = |depth: &str| vec![Setting::new("server", "s"), Setting::new("depth", depth)];
        let error = from_settings::<Own>(set("deep")).unwrap_err();
        assert!(error.reason().contains("unknown variant `deep`"), "{error:?}");
        let error = from_settings::<Own>(Vec::new()).unwrap_err();
        assert!(error.reason().contains("missing field `server`"), "{error:?}");
        let mut large = set("one");
        large.push(Setting::new("page-size", 70_000));
        assert!(from_settings::<Own>(large).is_err());
    }
}
