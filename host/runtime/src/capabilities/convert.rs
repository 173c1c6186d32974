//! Settings and slots between their WIT form and `core`'s.

use ostler_core::{SecretField, SettingValue, SlotDescription};

use super::ostler::types::types as wit;

pub(crate) fn setting_to_wit(key: &str, value: &SettingValue) -> wit::Setting {
    wit::Setting { key: key.to_owned(), value: value_to_wit(value) }
}

pub(super) fn value_to_wit(value: &SettingValue) -> wit::SettingValue {
    match value {
        SettingValue::Flag(flag) => wit::SettingValue::Flag(*flag),
        SettingValue::Integer(number) => wit::SettingValue::Integer(*number),
        SettingValue::Text(text) => wit::SettingValue::Text(text.clone()),
        SettingValue::List(items) => wit::SettingValue::Items(items.clone()),
    }
}

pub(crate) fn setting_from_wit(setting: wit::Setting) -> (String, SettingValue) {
    let value = match setting.value {
        wit::SettingValue::Flag(flag) => SettingValue::Flag(flag),
        wit::SettingValue::Integer(number) => SettingValue::Integer(number),
        wit::SettingValue::Text(text) => SettingValue::Text(text),
        wit::SettingValue::Items(items) => SettingValue::List(items),
    };
    (setting.key, value)
}

/// Returns a slot as the first version of the contract has it; none where its field did not exist then.
pub(crate) fn slot_to_wit(slot: &SlotDescription) -> Option<wit::Slot> {
    Some(wit::Slot { name: slot.name.to_string(), field: field_to_wit(slot.field)? })
}

fn field_to_wit(field: SecretField) -> Option<wit::SecretField> {
    Some(match field {
        SecretField::Password => wit::SecretField::Password,
        SecretField::PrivateKey => wit::SecretField::PrivateKey,
        SecretField::KeyPassphrase => wit::SecretField::KeyPassphrase,
        SecretField::UserName => wit::SecretField::UserName,
        SecretField::Environment => wit::SecretField::Environment,
        SecretField::Request | SecretField::Input => return None,
    })
}

pub(crate) fn field_from_wit(field: wit::SecretField) -> SecretField {
    match field {
        wit::SecretField::Password => SecretField::Password,
        wit::SecretField::PrivateKey => SecretField::PrivateKey,
        wit::SecretField::KeyPassphrase => SecretField::KeyPassphrase,
        wit::SecretField::UserName => SecretField::UserName,
        wit::SecretField::Environment => SecretField::Environment,
    }
}
