//! What all kinds of plugins share: settings, slots, places in a protocol, and why the host says no.
//!
//! Plain values with the fields that the WIT package `ostler:types` gives them. A slot is a name: no type here holds a
//! secret.

pub use crate::bindings::capabilities::ostler::types::types::{
    CapabilityError, Endpoint, SecretField, Setting, SettingValue, Slot, SlotName, Value,
};

impl CapabilityError {
    /// Returns the host's words, without the kind of error.
    #[must_use]
    pub fn reason(&self) -> &str {
        match self {
            Self::Denied(reason)
            | Self::Limit(reason)
            | Self::Invalid(reason)
            | Self::Unavailable(reason) => reason,
        }
    }
}

impl Endpoint {
    /// Names a host (without brackets) and a port.
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self { host: host.into(), port }
    }
}

impl Setting {
    /// Makes a setting, such as `ssh.keepalive-seconds`.
    pub fn new(key: impl Into<String>, value: impl Into<SettingValue>) -> Self {
        Self { key: key.into(), value: value.into() }
    }
}

impl SettingValue {
    /// Names the type of the value, for an error.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Flag(_) => "yes or no",
            Self::Integer(_) => "a number",
            Self::Text(_) => "text",
            Self::Items(_) => "a list",
        }
    }
}

impl From<bool> for SettingValue {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<i64> for SettingValue {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<String> for SettingValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for SettingValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<Vec<String>> for SettingValue {
    fn from(items: Vec<String>) -> Self {
        Self::Items(items)
    }
}

impl SecretField {
    /// Returns the field's name, as it stands in cases and in the host's output.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::PrivateKey => "private-key",
            Self::KeyPassphrase => "key-passphrase",
            Self::UserName => "user-name",
            Self::Environment => "environment",
        }
    }
}

impl AsRef<str> for SecretField {
    fn as_ref(&self) -> &str {
        self.name()
    }
}

impl Value {
    /// Makes a value of plain text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// Names the slot whose secret the host puts here, if the secret's sinks allow the place.
    pub fn slot(name: impl Into<SlotName>) -> Self {
        Self::Slot(name.into())
    }
}

/// What a capability answers where there is no host: in a native build, such as a unit test.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn no_host() -> CapabilityError {
    CapabilityError::Unavailable("there is no host: this is a native build".to_owned())
}
