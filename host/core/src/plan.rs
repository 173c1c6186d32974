//! Session plans: what an engine is to do, as plain data that names slots, never secrets.
//!
//! A plan comes from a plugin and is foreign input: [`SessionPlan::check`] bounds every part of it before
//! policy, audit or an engine sees it.

use serde::{Deserialize, Serialize};

use crate::SlotName;

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Endpoint {
    /// A host name or an address, without brackets.
    pub host: String,
    /// The port, 1 to 65535.
    pub port: u16,
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// Text, or the name of a slot whose secret the host puts in its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlanValue {
    /// The text itself.
    Text(String),
    /// A secret, if its sinks allow this place.
    Slot(SlotName),
}

/// What an engine is to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SessionPlan {
    /// A terminal or command over SSH.
    Ssh(SshPlan),
    /// A desktop over RDP.
    Rdp(RdpPlan),
    /// A program on this machine.
    Process(ProcessPlan),
    /// A protocol that the plugin speaks itself.
    Driven(DrivenPlan),
}

/// A session over SSH.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SshPlan {
    /// Where to connect.
    pub target: Endpoint,
    /// The user to log in as.
    pub user: PlanValue,
    /// Ways to log in, tried in order.
    pub auth: Vec<SshAuth>,
    /// What to run.
    pub run: SshRun,
    /// Whether a terminal is asked for.
    pub terminal: bool,
    /// Variables for the remote environment (RFC 4254, 6.4).
    pub environment: Vec<(String, PlanValue)>,
    /// How long connecting and logging in may take, in seconds.
    pub connect_timeout_seconds: u32,
    /// Seconds of silence after which a keepalive is sent; 0 sends none.
    pub keepalive_seconds: u32,
}

/// One way to log in over SSH.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SshAuth {
    /// The password in the slot (RFC 4252, 8).
    Password(SlotName),
    /// Questions of the server (RFC 4256): password questions are answered from the slot, all others, and
    /// those without a slot, by the person.
    KeyboardInteractive(Option<SlotName>),
    /// A private key (RFC 4252, 7).
    PrivateKey {
        /// The slot of the key.
        key: SlotName,
        /// The slot of the passphrase that opens the key.
        passphrase: Option<SlotName>,
    },
    /// No proof at all (RFC 4252, 5.2).
    None,
}

/// What runs at the other end of an SSH session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SshRun {
    /// The user's shell.
    Shell,
    /// One command line.
    Command(String),
}

/// A session over RDP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RdpPlan {
    /// Where to connect.
    pub target: Endpoint,
    /// The user to log in as.
    pub user: PlanValue,
    /// The domain, if any.
    pub domain: Option<String>,
    /// The slot of the password.
    pub password: Option<SlotName>,
    /// The size of the desktop; none follows the window.
    pub size: Option<DesktopSize>,
}

/// The size of a desktop in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DesktopSize {
    /// Width in pixels.
    pub width: u16,
    /// Height in pixels.
    pub height: u16,
}

/// A program on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessPlan {
    /// The program, by a name that the grant knows.
    pub program: String,
    /// Its arguments.
    pub arguments: Vec<PlanValue>,
    /// Additional variables of its environment.
    pub environment: Vec<(String, PlanValue)>,
    /// Whether it runs in a terminal of its own.
    pub terminal: bool,
}

/// A protocol that the plugin speaks itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrivenPlan {
    /// Where the plugin may open a stream to.
    pub target: Endpoint,
    /// What the session shows.
    pub surface: DrivenSurface,
}

/// What a driven session shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DrivenSurface {
    /// A terminal.
    Terminal,
    /// A desktop.
    Desktop,
}

/// What is wrong with a plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct PlanFault {
    /// The part of the plan, such as `target.port`.
    pub field: &'static str,
    /// What is wrong with it.
    pub reason: &'static str,
}

const LONGEST_HOST: usize = 255;
const LONGEST_TEXT: usize = 32 * 1024;
const MOST_ITEMS: usize = 64;
const LONGEST_CONNECT_SECONDS: u32 = 600;

impl SessionPlan {
    /// Returns the protocol, as sinks and audit events name it.
    #[must_use]
    pub fn protocol(&self) -> &'static str {
        match self {
            Self::Ssh(_) => "ssh",
            Self::Rdp(_) => "rdp",
            Self::Process(_) => "process",
            Self::Driven(_) => "driven",
        }
    }

    /// Returns where the session connects to, if it does.
    #[must_use]
    pub fn target(&self) -> Option<&Endpoint> {
        match self {
            Self::Ssh(plan) => Some(&plan.target),
            Self::Rdp(plan) => Some(&plan.target),
            Self::Driven(plan) => Some(&plan.target),
            Self::Process(_) => None,
        }
    }

    /// Returns every slot that the plan names, in order, without repeats.
    #[must_use]
    pub fn slots(&self) -> Vec<&SlotName> {
        let mut slots: Vec<&SlotName> = Vec::new();
        let mut add = |slot| {
            if !slots.contains(&slot) {
                slots.push(slot);
            }
        };
        match self {
            Self::Ssh(plan) => {
                plan.user.slot().into_iter().for_each(&mut add);
                plan.auth.iter().flat_map(SshAuth::slots).for_each(&mut add);
                plan.environment.iter().filter_map(|(_, value)| value.slot()).for_each(&mut add);
            }
            Self::Rdp(plan) => plan.user.slot().into_iter().chain(plan.password.as_ref()).for_each(&mut add),
            Self::Process(plan) => {
                plan.arguments.iter().filter_map(PlanValue::slot).for_each(&mut add);
                plan.environment.iter().filter_map(|(_, value)| value.slot()).for_each(&mut add);
            }
            Self::Driven(_) => {}
        }
        slots
    }

    /// Bounds every part of the plan.
    ///
    /// # Errors
    /// Names the first part that is out of bounds.
    pub fn check(&self) -> Result<(), PlanFault> {
        if let Some(target) = self.target() {
            check_target(target)?;
        }
        match self {
            Self::Ssh(plan) => {
                check_value("user", &plan.user, false)?;
                check_items("auth", plan.auth.len())?;
                check_environment(&plan.environment)?;
                if let SshRun::Command(command) = &plan.run {
                    check_text("run.command", command, true)?;
                }
                if !(1..=LONGEST_CONNECT_SECONDS).contains(&plan.connect_timeout_seconds) {
                    return Err(fault("connect-timeout-seconds", "must be 1 to 600"));
                }
            }
            Self::Rdp(plan) => check_value("user", &plan.user, false)?,
            Self::Process(plan) => {
                check_text("program", &plan.program, false)?;
                check_items("arguments", plan.arguments.len())?;
                plan.arguments.iter().try_for_each(|value| check_value("arguments", value, true))?;
                check_environment(&plan.environment)?;
            }
            Self::Driven(_) => {}
        }
        Ok(())
    }
}

impl PlanValue {
    /// Returns the slot, where it is one.
    #[must_use]
    pub fn slot(&self) -> Option<&SlotName> {
        match self {
            Self::Slot(slot) => Some(slot),
            Self::Text(_) => None,
        }
    }
}

impl SshAuth {
    /// Returns the slots that this way to log in uses.
    fn slots(&self) -> impl Iterator<Item = &SlotName> {
        let (first, second) = match self {
            Self::Password(slot) => (Some(slot), None),
            Self::KeyboardInteractive(slot) => (slot.as_ref(), None),
            Self::PrivateKey { key, passphrase } => (Some(key), passphrase.as_ref()),
            Self::None => (None, None),
        };
        first.into_iter().chain(second)
    }
}

fn fault(field: &'static str, reason: &'static str) -> PlanFault {
    PlanFault { field, reason }
}

impl Endpoint {
    /// Checks that the text can be a host and the number a port.
    ///
    /// # Errors
    /// Names `target.host` or `target.port` and what is wrong.
    pub fn check(&self) -> Result<(), PlanFault> {
        check_target(self)
    }
}

fn check_target(target: &Endpoint) -> Result<(), PlanFault> {
    let host = &target.host;
    if host.is_empty() || host.len() > LONGEST_HOST {
        return Err(fault("target.host", "must have 1 to 255 bytes"));
    }
    if host.chars().any(|c| c.is_whitespace() || c.is_control() || "/@\\[]\"'".contains(c)) {
        return Err(fault("target.host", "has a character that no host name or address has"));
    }
    if target.port == 0 {
        return Err(fault("target.port", "must be 1 to 65535"));
    }
    Ok(())
}

fn check_items(field: &'static str, count: usize) -> Result<(), PlanFault> {
    if count > MOST_ITEMS { Err(fault(field, "has more than 64 items")) } else { Ok(()) }
}

fn check_environment(environment: &[(String, PlanValue)]) -> Result<(), PlanFault> {
    check_items("environment", environment.len())?;
    for (name, value) in environment {
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(fault("environment", "a name must be letters, digits and '_'"));
        }
        check_value("environment", value, true)?;
    }
    Ok(())
}

fn check_value(field: &'static str, value: &PlanValue, lines: bool) -> Result<(), PlanFault> {
    match value {
        PlanValue::Text(text) => check_text(field, text, lines),
        PlanValue::Slot(_) => Ok(()),
    }
}

fn check_text(field: &'static str, text: &str, lines: bool) -> Result<(), PlanFault> {
    if text.len() > LONGEST_TEXT {
        return Err(fault(field, "has more than 32 KiB"));
    }
    if text.chars().any(|c| c.is_control() && !(lines && matches!(c, '\n' | '\t' | '\r'))) {
        return Err(fault(field, "has a control character"));
    }
    Ok(())
}
