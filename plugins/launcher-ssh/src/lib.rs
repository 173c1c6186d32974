//! Opens connections of the type `ssh`: a terminal, a startup command, or one command.
//!
//! Plans only. Never sees a secret, never opens anything, and asks nobody: what is missing it names.

use ostler_sdk::launcher::{
    CredentialDescription, KindInfo, LaunchRequest, Launcher, PlanError, PrivateKey, RunRequest, SessionPlan,
    SshAuth, SshPlan, SshRun,
};
use ostler_sdk::types::{Endpoint, SecretField, Value};

/// The type of connection that this plugin opens.
const KIND: &str = "ssh";
/// The port of SSH (RFC 4253, 4.1).
const DEFAULT_PORT: u16 = 22;

// The settings. Names, bounds and defaults are those of the schema in plugin.toml.
const CONNECT_TIMEOUT: &str = "ssh.connect-timeout-seconds";
const KEEPALIVE: &str = "ssh.keepalive-seconds";
const TERMINAL: &str = "ssh.terminal";
const COMMAND: &str = "ssh.command";
const ENVIRONMENT: &str = "ssh.environment";

/// The plugin.
pub struct Ssh;

ostler_sdk::export_plugin!(Ssh, kinds: [launcher]);

impl Launcher for Ssh {
    fn describe() -> Vec<KindInfo> {
        vec![KindInfo::new(KIND, "SSH", DEFAULT_PORT)]
    }

    fn plan(request: LaunchRequest) -> Result<SessionPlan, PlanError> {
        if request.kind != KIND {
            let reason = format!("this launcher opens '{KIND}', not '{}'", request.kind);
            return Err(PlanError::Unsupported(reason));
        }
        if request.host.is_empty() {
            return Err(PlanError::Missing("a host".to_owned()));
        }
        let user = log_in_name(request.user()?, &request.credential);
        let mut plan = SshPlan::new(Endpoint::new(&request.host, request.port), Value::text(user));
        plan.auth = ways_to_log_in(&request);
        (plan.run, plan.terminal) = run(&request)?;
        plan.environment = environment(&request)?;
        if let Some(seconds) = request.number(CONNECT_TIMEOUT, 1..=600)? {
            plan.connect_timeout_seconds = seconds;
        }
        if let Some(seconds) = request.number(KEEPALIVE, 0..=86_400)? {
            plan.keepalive_seconds = seconds;
        }
        Ok(plan.into())
    }
}

/// Puts a domain before the user, as the servers that know domains read it. A name that carries one stays as it is.
fn log_in_name(user: &str, credential: &CredentialDescription) -> String {
    match credential.domain.as_deref() {
        Some(domain) if !domain.is_empty() && !user.contains(['\\', '@']) => format!("{domain}\\{user}"),
        _ => user.to_owned(),
    }
}

/// Keys first: they prove more and give less away. Then the password, in both ways that servers ask for it. Without a
/// password the server's own questions reach the person.
fn ways_to_log_in(request: &LaunchRequest) -> Vec<SshAuth> {
    let passphrase = request.slots(SecretField::KeyPassphrase).next();
    let key =
        |key: &String| SshAuth::PrivateKey(PrivateKey { key: key.clone(), passphrase: passphrase.cloned() });
    let mut ways: Vec<SshAuth> = request.slots(SecretField::PrivateKey).map(key).collect();
    let password = request.slots(SecretField::Password).next();
    ways.extend(password.cloned().map(SshAuth::Password));
    ways.push(SshAuth::KeyboardInteractive(password.cloned()));
    ways
}

fn run(request: &LaunchRequest) -> Result<(SshRun, bool), PlanError> {
    let startup = request.text(COMMAND)?.map(str::trim).filter(|line| !line.is_empty());
    let (run, terminal) = match (&request.run, startup) {
        (RunRequest::Command(command), _) => (SshRun::Command(command.line.clone()), command.terminal),
        (RunRequest::Interactive, Some(line)) => (SshRun::Command(line.to_owned()), true),
        (RunRequest::Interactive, None) => (SshRun::Shell, true),
    };
    Ok((run, request.flag(TERMINAL)?.unwrap_or(terminal)))
}

fn environment(request: &LaunchRequest) -> Result<Vec<(String, Value)>, PlanError> {
    let fits = |name: &str| {
        !name.is_empty()
            && name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_')
    };
    let variable = |item: &String| match item.split_once('=') {
        Some((name, value)) if fits(name) => Ok((name.to_owned(), Value::text(value))),
        Some((name, _)) => Err(PlanError::setting(
            ENVIRONMENT,
            format!("'{name}' can't be a name: use letters, digits and '_'"),
        )),
        // The item may be a value whose name was forgotten, so it is not shown.
        None => Err(PlanError::setting(ENVIRONMENT, "an item has no '=': write NAME=value")),
    };
    request.items(ENVIRONMENT)?.unwrap_or_default().iter().map(variable).collect()
}
