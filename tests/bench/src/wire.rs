//! A session of the SSH engine with the measure's own server, read to its end.

use std::sync::Arc;

use anyhow::ensure;
use ostler_core::{
    BoxFuture, Endpoint, Exit, HostKey, HostKeyDecision, HostKeyVerifier, InjectError, OpenedSession,
    PlanValue, SecretBytes, SecretInjector, SessionContext, SessionEngine as _, SessionEvent, SessionPlan,
    Sink, SlotName, SshAuth, SshPlan, SshRun, TerminalSize,
};
use ostler_engine_ssh::SshEngine;

use crate::sshd::Sshd;
use crate::world::Nothing;

/// The terminal, where there is one.
pub(crate) const TERMINAL: TerminalSize = TerminalSize { columns: 120, rows: 40 };
/// As many as the program `ostler` has.
const WORKERS: usize = 2;

/// Opens sessions with the server.
pub(crate) struct Wire {
    context: SessionContext,
    plan: SshPlan,
}

struct OneKey(SecretBytes);

impl SecretInjector for OneKey {
    fn inject(&self, _: &SlotName, _: &Sink) -> Result<SecretBytes, InjectError> {
        Ok(self.0.clone())
    }
}

struct KnownHost(String);

impl HostKeyVerifier for KnownHost {
    fn verify<'a>(&'a self, _: &'a Endpoint, key: &'a HostKey) -> BoxFuture<'a, HostKeyDecision> {
        let decision = if key.openssh == self.0 {
            HostKeyDecision::Accept
        } else {
            HostKeyDecision::Reject { reason: "it is another key".to_owned(), changed: true }
        };
        Box::pin(async move { decision })
    }
}

impl Wire {
    pub(crate) fn new(sshd: &Sshd, command: &str, terminal: bool) -> anyhow::Result<Self> {
        let context = SessionContext {
            secrets: Arc::new(OneKey(SecretBytes::new(sshd.user_key()?))),
            host_keys: Arc::new(KnownHost(sshd.host_key()?)),
            prompter: Arc::new(Nothing),
            terminal: TERMINAL,
            terminal_type: "xterm-256color".to_owned(),
        };
        let plan = SshPlan {
            target: Endpoint { host: "127.0.0.1".to_owned(), port: sshd.port },
            user: PlanValue::Text(sshd.user.clone()),
            auth: vec![SshAuth::PrivateKey { key: SlotName::new("login.key")?, passphrase: None }],
            run: SshRun::Command(command.to_owned()),
            terminal,
            environment: Vec::new(),
            connect_timeout_seconds: 30,
            keepalive_seconds: 0,
        };
        Ok(Self { context, plan })
    }

    /// Opens the session.
    pub(crate) async fn open(&self) -> anyhow::Result<OpenedSession> {
        let plan = SessionPlan::Ssh(self.plan.clone());
        Ok(SshEngine::new().open(&plan, self.context.clone()).await?)
    }
}

/// Reads a session to its end, and returns how many bytes it showed.
pub(crate) async fn drain(
    mut session: OpenedSession,
    mut each: impl FnMut(&[u8]) -> anyhow::Result<()>,
) -> anyhow::Result<u64> {
    let mut shown = 0;
    loop {
        match session.events.next().await {
            SessionEvent::Output { bytes, .. } => {
                shown += bytes.len() as u64;
                each(&bytes)?;
            }
            SessionEvent::Marker(_) | SessionEvent::Desktop(_) => {}
            SessionEvent::Ended(end) => {
                ensure!(end.exit == Exit::Status(0), "the session ended: {}", end.reason);
                return Ok(shown);
            }
        }
    }
}

/// Runs a future as the program `ostler` does.
pub(crate) fn run<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build()?;
    runtime.block_on(future)
}
