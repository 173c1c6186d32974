//! Launchers: a connection in, a session plan out.
//!
//! A plan is plain data that names slots; nothing is opened by making one, and no launcher ever holds a secret. What a
//! plan may name are the slots of the request and of [`crate::prompt`]'s answers. A plan has 2 s of computing.

use std::ops::RangeInclusive;

#[cfg(doc)]
use crate::types::SecretField;
use crate::types::{Endpoint, SettingValue, SlotName, Value};

pub use crate::bindings::launcher::ostler::launcher0_1_0::types::{
    CommandLine, DesktopSize, DrivenPlan, DrivenSurface, KindInfo, PlanError, PrivateKey, ProcessPlan,
    RdpPlan, RunRequest, SessionPlan, SshAuth, SshPlan, SshRun,
};
pub use crate::bindings::launcher::ostler::launcher0_2_0::types::{
    CredentialDescription, LaunchRequest, Slot, TerminalSize,
};

/// What a launcher is. A call has an instance of its own, so there is no `self`.
///
/// ```
/// use ostler_sdk::launcher::{KindInfo, LaunchRequest, Launcher, PlanError, SessionPlan, SshPlan};
/// use ostler_sdk::types::{Endpoint, Value};
///
/// struct Bastion;
///
/// impl Launcher for Bastion {
///     fn describe() -> Vec<KindInfo> {
///         vec![KindInfo::new("bastion", "Bastion", 22)]
///     }
///
///     fn plan(request: LaunchRequest) -> Result<SessionPlan, PlanError> {
///         let user = request.user()?;
///         let user = Value::text(format!("{user}%{}", request.host));
///         Ok(SshPlan::new(Endpoint::new("bastion.example", request.port), user).into())
///     }
/// }
/// # let mut request = LaunchRequest::new("bastion", "db", 22);
/// # assert_eq!(Bastion::plan(request.clone()), Err(PlanError::Missing("a user name".into())));
/// # request.credential.user = Some("anna".into());
/// # let Ok(SessionPlan::Ssh(plan)) = Bastion::plan(request) else { panic!() };
/// # assert_eq!(plan.user, Value::text("anna%db"));
/// ```
pub trait Launcher {
    /// Returns the types of connection that it opens.
    fn describe() -> Vec<KindInfo>;

    /// Makes a plan.
    ///
    /// # Errors
    /// Says what is missing, which setting can't be used, or why this connection can't be opened. Any of them ends the
    /// launch: the host asks for host, user name and password before it plans, a launcher for the rest by [`crate::prompt`].
    fn plan(request: LaunchRequest) -> Result<SessionPlan, PlanError>;
}

impl KindInfo {
    /// Describes a type of connection.
    pub fn new(kind: impl Into<String>, title: impl Into<String>, default_port: u16) -> Self {
        Self { kind: kind.into(), title: title.into(), default_port }
    }
}

impl LaunchRequest {
    /// Makes a request without name, folder, settings and credential, for tests.
    pub fn new(kind: impl Into<String>, host: impl Into<String>, port: u16) -> Self {
        Self {
            connection_id: String::new(),
            name: String::new(),
            kind: kind.into(),
            host: host.into(),
            port,
            folder: Vec::new(),
            tags: Vec::new(),
            custom_fields: Vec::new(),
            settings: Vec::new(),
            credential: CredentialDescription { user: None, domain: None, slots: Vec::new() },
            run: RunRequest::Interactive,
            terminal: None,
        }
    }

    /// Returns the user name.
    ///
    /// # Errors
    /// `missing` if there is none. The host asks the person before it plans, except in a dry run.
    pub fn user(&self) -> Result<&str, PlanError> {
        let user = self.credential.user.as_deref().filter(|user| !user.is_empty());
        user.ok_or_else(|| PlanError::Missing("a user name".to_owned()))
    }

    /// Returns the slots whose secrets are meant for a place: one of [`SecretField`], or the name of one that came later.
    pub fn slots(&self, field: impl AsRef<str>) -> impl Iterator<Item = &SlotName> {
        let slots = self.credential.slots.iter();
        slots.filter(move |slot| slot.field == field.as_ref()).map(|slot| &slot.name)
    }

    /// Returns one of the user's own fields.
    #[must_use]
    pub fn custom_field(&self, name: &str) -> Option<&str> {
        self.custom_fields.iter().find(|(known, _)| known == name).map(|(_, text)| text.as_str())
    }

    /// Returns a setting.
    #[must_use]
    pub fn setting(&self, key: &str) -> Option<&SettingValue> {
        self.settings.iter().find(|setting| setting.key == key).map(|setting| &setting.value)
    }

    /// Returns a setting that is yes or no.
    ///
    /// # Errors
    /// `bad-setting` if it is something else.
    pub fn flag(&self, key: &str) -> Result<Option<bool>, PlanError> {
        self.typed(key, "yes or no", |value| match value {
            SettingValue::Flag(flag) => Some(*flag),
            _ => None,
        })
    }

    /// Returns a setting that is a whole number within bounds.
    ///
    /// # Errors
    /// `bad-setting` if it is something else or out of bounds.
    pub fn number(&self, key: &str, bounds: RangeInclusive<u32>) -> Result<Option<u32>, PlanError> {
        let number = self.typed(key, "a number", |value| match value {
            SettingValue::Integer(number) => Some(*number),
            _ => None,
        })?;
        let bounded = |number: i64| {
            u32::try_from(number).ok().filter(|number| bounds.contains(number)).ok_or_else(|| {
                let reason = format!("{number} is not a number from {} to {}", bounds.start(), bounds.end());
                PlanError::setting(key, reason)
            })
        };
        number.map(bounded).transpose()
    }

    /// Returns a setting that is text.
    ///
    /// # Errors
    /// `bad-setting` if it is something else.
    pub fn text(&self, key: &str) -> Result<Option<&str>, PlanError> {
        self.typed(key, "text", |value| match value {
            SettingValue::Text(text) => Some(text.as_str()),
            _ => None,
        })
    }

    /// Returns a setting that is a list; one text is a list of one.
    ///
    /// # Errors
    /// `bad-setting` if it is something else.
    pub fn items(&self, key: &str) -> Result<Option<&[String]>, PlanError> {
        self.typed(key, "a list", |value| match value {
            SettingValue::Items(items) => Some(items.as_slice()),
            SettingValue::Text(text) => Some(std::slice::from_ref(text)),
            _ => None,
        })
    }

    fn typed<'a, T>(
        &'a self,
        key: &str,
        wanted: &str,
        value: impl FnOnce(&'a SettingValue) -> Option<T>,
    ) -> Result<Option<T>, PlanError> {
        let Some(found) = self.setting(key) else { return Ok(None) };
        let wrong = || PlanError::setting(key, format!("it is {}, not {wanted}", found.type_name()));
        value(found).map(Some).ok_or_else(wrong)
    }
}

impl Slot {
    /// Describes a slot, for tests.
    pub fn new(name: impl Into<SlotName>, field: impl AsRef<str>) -> Self {
        Self { name: name.into(), field: field.as_ref().to_owned() }
    }
}

impl PlanError {
    /// Says why a setting can't be used.
    pub fn setting(key: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::BadSetting((key.into(), reason.into()))
    }
}

impl SshPlan {
    /// Plans a shell in a terminal, without a way to log in; 15 s to connect, keepalives every 30 s.
    #[must_use]
    pub fn new(target: Endpoint, user: Value) -> Self {
        Self {
            target,
            user,
            auth: Vec::new(),
            run: SshRun::Shell,
            terminal: true,
            environment: Vec::new(),
            connect_timeout_seconds: 15,
            keepalive_seconds: 30,
        }
    }

    /// Adds a way to log in, to be tried after those before.
    #[must_use]
    pub fn auth(mut self, auth: SshAuth) -> Self {
        self.auth.push(auth);
        self
    }
}

impl From<SshPlan> for SessionPlan {
    fn from(plan: SshPlan) -> Self {
        Self::Ssh(plan)
    }
}

impl From<RdpPlan> for SessionPlan {
    fn from(plan: RdpPlan) -> Self {
        Self::Rdp(plan)
    }
}

impl From<ProcessPlan> for SessionPlan {
    fn from(plan: ProcessPlan) -> Self {
        Self::Process(plan)
    }
}

impl From<DrivenPlan> for SessionPlan {
    fn from(plan: DrivenPlan) -> Self {
        Self::Driven(plan)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{SecretField, Setting};

    #[test]
    fn slots_are_found_by_a_field_that_is_known_and_by_one_that_came_later() {
        let mut request = LaunchRequest::new("ssh", "a", 22);
        request.credential.slots = vec![
            Slot::new("login.password", SecretField::Password),
            Slot::new("login.code", "one-time-code"),
        ];
        assert_eq!(request.slots(SecretField::Password).collect::<Vec<_>>(), ["login.password"]);
        assert_eq!(request.slots("one-time-code").collect::<Vec<_>>(), ["login.code"]);
    }

    #[test]
    fn a_setting_is_read_by_its_type_and_bounds() {
        let mut request = LaunchRequest::new("ssh", "a", 22);
        request.settings = vec![
            Setting::new("flag", true),
            Setting::new("number", 30),
            Setting::new("text", "x"),
            Setting::new("items", vec!["a".to_owned(), "b".to_owned()]),
        ];
        assert_eq!(request.flag("flag"), Ok(Some(true)));
        assert_eq!(request.flag("missing"), Ok(None));
        assert_eq!(request.number("number", 0..=30), Ok(Some(30)));
        assert_eq!(request.text("text"), Ok(Some("x")));
        assert_eq!(request.items("items").unwrap().map(<[String]>::len), Some(2));
        assert_eq!(request.items("text").unwrap().map(<[String]>::len), Some(1));
        assert_eq!(
            request.number("number", 0..=29),
            Err(PlanError::setting("number", "30 is not a number from 0 to 29"))
        );
        assert_eq!(request.flag("text"), Err(PlanError::setting("text", "it is text, not yes or no")));
    }
}
