//! The settings of a connection, as options of the protocol. What they mean stands in the README.

use ostler_sdk::types::{Setting, SettingValue};

use crate::rfb::{Encoding, Options};

/// A setting that can't be used: its key, and why.
pub type BadSetting = (String, String);

/// What the settings say.
#[derive(Debug)]
pub struct Settings {
    /// Options of the protocol; the password and the window are not among the settings.
    pub options: Options,
    /// The digest of the one certificate to trust.
    pub tls_pin: Option<String>,
}

impl Settings {
    /// Reads effective settings.
    ///
    /// # Errors
    /// Names the first that can't be used.
    pub fn read(settings: &[Setting]) -> Result<Self, BadSetting> {
        let all = All(settings);
        let usual = Options::default();
        let compression = match all.of("vnc.compression") {
            None => None,
            Some(SettingValue::Integer(level @ 0..=9)) => Some(*level as u8),
            Some(_) => return Err(bad("vnc.compression", "it is not a number from 0 to 9")),
        };
        let repeater = all.text("vnc.repeater")?;
        if repeater.is_some_and(|server| server.is_empty() || server.len() > 249) {
            return Err(bad("vnc.repeater", "it has not 1 to 249 bytes"));
        }
        let tls_pin = all.text("vnc.tls-pin")?;
        if tls_pin.is_some_and(|pin| pin.len() != 64 || !pin.bytes().all(|byte| byte.is_ascii_hexdigit())) {
            return Err(bad("vnc.tls-pin", "it is not 64 hexadecimal digits"));
        }
        let options = Options {
            shared: all.flag("vnc.shared", usual.shared)?,
            view_only: all.flag("vnc.view-only", usual.view_only)?,
            clipboard: all.flag("vnc.clipboard", usual.clipboard)?,
            local_cursor: all.flag("vnc.local-cursor", usual.local_cursor)?,
            resize: all.flag("vnc.resize", usual.resize)?,
            encodings: all.encodings()?.unwrap_or(usual.encodings),
            compression,
            tls: all.flag("vnc.tls", usual.tls)?,
            repeater: repeater.map(str::to_owned),
            password: false,
            window: None,
        };
        Ok(Self { options, tls_pin: tls_pin.map(str::to_owned) })
    }
}

struct All<'a>(&'a [Setting]);

impl<'a> All<'a> {
    fn of(&self, key: &str) -> Option<&'a SettingValue> {
        self.0.iter().find(|setting| setting.key == key).map(|setting| &setting.value)
    }

    fn flag(&self, key: &str, usual: bool) -> Result<bool, BadSetting> {
        match self.of(key) {
            None => Ok(usual),
            Some(SettingValue::Flag(flag)) => Ok(*flag),
            Some(other) => Err(bad(key, format!("it is {}, not yes or no", other.type_name()))),
        }
    }

    fn text(&self, key: &str) -> Result<Option<&'a str>, BadSetting> {
        match self.of(key) {
            None => Ok(None),
            Some(SettingValue::Text(text)) => Ok(Some(text)),
            Some(other) => Err(bad(key, format!("it is {}, not text", other.type_name()))),
        }
    }

    fn encodings(&self) -> Result<Option<Vec<Encoding>>, BadSetting> {
        const KEY: &str = "vnc.encodings";
        let names = match self.of(KEY) {
            None => return Ok(None),
            Some(SettingValue::Items(names)) => names.as_slice(),
            Some(SettingValue::Text(name)) => std::slice::from_ref(name),
            Some(other) => return Err(bad(KEY, format!("it is {}, not a list", other.type_name()))),
        };
        let known = |name: &String| {
            let encoding = Encoding::ALL.into_iter().find(|encoding| encoding.name() == name);
            encoding.ok_or_else(|| {
                let names = Encoding::ALL.map(Encoding::name).join(", ");
                bad(KEY, format!("'{name}' is not one of {names}"))
            })
        };
        names.iter().map(known).collect::<Result<_, _>>().map(Some)
    }
}

fn bad(key: &str, reason: impl Into<String>) -> BadSetting {
    (key.to_owned(), reason.into())
}
