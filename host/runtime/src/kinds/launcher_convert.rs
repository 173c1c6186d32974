//! What all versions of launchers share: plans and refusals from their WIT form to `core`'s.
//!
//! What comes from the guest is copied as it is where `SessionPlan::check` bounds it, and refused here where the type of
//! `core` can't hold it.

use ostler_core::{
    DesktopSize, DrivenPlan, DrivenSurface, Endpoint, PlanFault, PlanValue, ProcessPlan, RdpPlan, RunRequest,
    SessionPlan, SlotName, SshAuth, SshPlan, SshRun,
};

use super::launcher::LauncherKind;
use super::launcher_0_1::wit;
use crate::capabilities::ostler::types::types as shared;
use crate::error::{Said, SaidKind};
use crate::{PluginError, text};

/// Types of connection that one launcher may open.
const MOST_KINDS: usize = 64;
/// Bytes of a type of connection.
const LONGEST_KIND: usize = 32;
/// Bytes of a title, a key and of what a plugin says.
const LONGEST_TITLE: usize = 200;
const LONGEST_SAID: usize = 2000;

pub(super) fn run_to_wit(run: &RunRequest) -> wit::RunRequest {
    match run {
        RunRequest::Interactive => wit::RunRequest::Interactive,
        RunRequest::Command { line, terminal } => {
            wit::RunRequest::Command(wit::CommandLine { line: line.clone(), terminal: *terminal })
        }
    }
}

pub(super) fn kinds(kinds: Vec<wit::KindInfo>) -> Result<Vec<LauncherKind>, PluginError> {
    let bad = |what, reason| Err(PluginError::BadAnswer { what, reason });
    if kinds.len() > MOST_KINDS {
        return bad("kinds", "are more than 64");
    }
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if kinds.iter().any(|info| !(1..=LONGEST_KIND).contains(&info.kind.len()) || !info.kind.chars().all(fits))
    {
        return bad("kind", "must have 1 to 32 of a-z, 0-9 and '-'");
    }
    let kind = |info: wit::KindInfo| LauncherKind {
        title: text::line(&info.title, LONGEST_TITLE).into_owned(),
        kind: info.kind,
        default_port: info.default_port,
    };
    Ok(kinds.into_iter().map(kind).collect())
}

pub(super) fn said(error: wit::PlanError) -> Said {
    let (kind, text) = match error {
        wit::PlanError::Missing(text) => (SaidKind::Missing, text),
        wit::PlanError::BadSetting((key, text)) => {
            (SaidKind::BadSetting { key: text::line(&key, LONGEST_TITLE).into_owned() }, text)
        }
        wit::PlanError::Unsupported(text) => (SaidKind::Unsupported, text),
    };
    Said { kind, text: text::line(&text, LONGEST_SAID).into_owned() }
}

pub(super) fn plan_from_wit(plan: wit::SessionPlan) -> Result<SessionPlan, PlanFault> {
    Ok(match plan {
        wit::SessionPlan::Ssh(plan) => SessionPlan::Ssh(ssh_from_wit(plan)?),
        wit::SessionPlan::Rdp(plan) => SessionPlan::Rdp(RdpPlan {
            target: endpoint_from_wit(plan.target),
            user: value_from_wit("user", plan.user)?,
            domain: plan.domain,
            password: plan.password.map(|name| slot("password", &name)).transpose()?,
            size: plan.size.map(|size| DesktopSize { width: size.width, height: size.height }),
        }),
        wit::SessionPlan::Process(plan) => SessionPlan::Process(ProcessPlan {
            program: plan.program,
            arguments: plan
                .arguments
                .into_iter()
                .map(|value| value_from_wit("arguments", value))
                .collect::<Result<_, _>>()?,
            environment: environment_from_wit(plan.environment)?,
            terminal: plan.terminal,
        }),
        wit::SessionPlan::Driven(plan) => SessionPlan::Driven(DrivenPlan {
            target: endpoint_from_wit(plan.target),
            surface: match plan.surface {
                wit::DrivenSurface::Terminal => DrivenSurface::Terminal,
                wit::DrivenSurface::Desktop => DrivenSurface::Desktop,
            },
        }),
    })
}

fn ssh_from_wit(plan: wit::SshPlan) -> Result<SshPlan, PlanFault> {
    Ok(SshPlan {
        target: endpoint_from_wit(plan.target),
        user: value_from_wit("user", plan.user)?,
        auth: plan.auth.into_iter().map(auth_from_wit).collect::<Result<_, _>>()?,
        run: match plan.run {
            wit::SshRun::Shell => SshRun::Shell,
            wit::SshRun::Command(line) => SshRun::Command(line),
        },
        terminal: plan.terminal,
        environment: environment_from_wit(plan.environment)?,
        connect_timeout_seconds: plan.connect_timeout_seconds,
        keepalive_seconds: plan.keepalive_seconds,
    })
}

fn auth_from_wit(auth: wit::SshAuth) -> Result<SshAuth, PlanFault> {
    Ok(match auth {
        wit::SshAuth::Password(name) => SshAuth::Password(slot("auth.password", &name)?),
        wit::SshAuth::KeyboardInteractive(name) => SshAuth::KeyboardInteractive(
            name.map(|name| slot("auth.keyboard-interactive", &name)).transpose()?,
        ),
        wit::SshAuth::PrivateKey(key) => SshAuth::PrivateKey {
            key: slot("auth.private-key", &key.key)?,
            passphrase: key.passphrase.map(|name| slot("auth.private-key.passphrase", &name)).transpose()?,
        },
        wit::SshAuth::None => SshAuth::None,
    })
}

fn environment_from_wit(
    environment: Vec<(String, shared::Value)>,
) -> Result<Vec<(String, PlanValue)>, PlanFault> {
    environment.into_iter().map(|(name, value)| Ok((name, value_from_wit("environment", value)?))).collect()
}

fn value_from_wit(field: &'static str, value: shared::Value) -> Result<PlanValue, PlanFault> {
    Ok(match value {
        shared::Value::Text(text) => PlanValue::Text(text),
        shared::Value::Slot(name) => PlanValue::Slot(slot(field, &name)?),
    })
}

fn endpoint_from_wit(endpoint: shared::Endpoint) -> Endpoint {
    Endpoint { host: endpoint.host, port: endpoint.port }
}

fn slot(field: &'static str, name: &str) -> Result<SlotName, PlanFault> {
    SlotName::new(name)
        .map_err(|_| PlanFault { field, reason: "names a slot by a text that is no slot name" })
}
