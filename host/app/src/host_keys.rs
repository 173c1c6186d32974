//! Known hosts: deciding about a server's key, remembering it, forgetting it (feature CM-25).
//!
//! A key that differs from a known one is never accepted here, whatever the policy for unknown ones.

use std::sync::Arc;

use ostler_audit::{EventClass, Outcome};
use ostler_core::{
    BoxFuture, Clock, Endpoint, FieldKind, Form, FormAnswer, HostKey, HostKeyDecision, HostKeyVerifier,
};
use ostler_engine_ssh::known_hosts::{KnownHosts, Match};
use ostler_vault::{Changes, KnownHost, VaultError};

use crate::auditing::Auditor;
use crate::host::{Shared, rfc3339};
use crate::{AppError, FrontEnd, Host, HostKeyPolicy, KnownHostView, Reply};

const REMEMBER: &str = "remember";
const ONCE: &str = "this time only";
const REFUSE: &str = "refuse";

/// Decides about host keys for one launch.
pub(crate) struct HostKeys {
    pub(crate) shared: Arc<Shared>,
    pub(crate) audit: Auditor,
    pub(crate) front: Arc<dyn FrontEnd>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) policy: HostKeyPolicy,
    /// What OpenSSH's files know.
    pub(crate) openssh: KnownHosts,
}

/// How a key compares with what is known.
enum Standing {
    Known,
    Changed(String),
    Unknown,
}

impl HostKeys {
    fn standing(&self, target: &Endpoint, key: &HostKey) -> Result<Standing, VaultError> {
        let snapshot = self.shared.vault()?.snapshot()?;
        let own: Vec<&KnownHost> = snapshot.known_hosts.iter().filter(|known| is_of(known, target)).collect();
        if own.iter().any(|known| known.key.openssh == key.openssh) {
            return Ok(Standing::Known);
        }
        if let Some(other) = own.first() {
            return Ok(Standing::Changed(format!("{} {}", other.key.algorithm, other.key.fingerprint)));
        }
        Ok(match self.openssh.lookup(&target.host, target.port, key) {
            Match::Known => Standing::Known,
            Match::Changed { line } => {
                Standing::Changed(format!("the key in line {line} of OpenSSH's known_hosts"))
            }
            Match::Revoked => {
                Standing::Changed("that this key was revoked in OpenSSH's known_hosts".to_owned())
            }
            Match::Unknown => Standing::Unknown,
        })
    }

    fn audit(
        &self,
        target: &Endpoint,
        key: &HostKey,
        outcome: Outcome,
        decision: &str,
    ) -> Result<(), String> {
        let mut event = self.audit.event(EventClass::HostKeyDecide, outcome);
        event.target = Some(target.to_string());
        event.details.insert("fingerprint".to_owned(), key.fingerprint.clone());
        event.details.insert("decision".to_owned(), decision.to_owned());
        self.audit.write(&event).map_err(|error| error.to_string())
    }

    fn remember(&self, target: &Endpoint, key: &HostKey) -> Result<(), VaultError> {
        let known = KnownHost {
            host: target.host.clone(),
            port: target.port,
            key: key.clone(),
            added: self.clock.now(),
        };
        let changes = Changes { put_known_hosts: vec![known], ..Changes::default() };
        let vault = self.shared.vault()?;
        loop {
            match vault.apply(&changes, vault.snapshot()?.generation) {
                Err(VaultError::Conflict) => {}
                done => return done.map(|_| ()),
            }
        }
    }

    async fn ask(&self, target: &Endpoint, key: &HostKey) -> &'static str {
        let form = Form {
            title: format!("{target} is not known"),
            message: format!(
                "Its {} key has the fingerprint\n{}\nCompare it with what the server's administrator gave you.",
                key.algorithm, key.fingerprint
            ),
            fields: vec![ostler_core::Field {
                id: "decision".to_owned(),
                label: "Connect?".to_owned(),
                kind: FieldKind::Choice { options: [REFUSE, ONCE, REMEMBER].map(str::to_owned).to_vec() },
                required: true,
            }],
        };
        let answers = self.front.ask("ostler", &form).await.unwrap_or_default();
        match answers.first() {
            Some((_, FormAnswer::Text(text))) if text == REMEMBER => REMEMBER,
            Some((_, FormAnswer::Text(text))) if text == ONCE => ONCE,
            _ => REFUSE,
        }
    }

    async fn decide(&self, target: &Endpoint, key: &HostKey) -> Result<HostKeyDecision, String> {
        let reject = |reason: String, changed| HostKeyDecision::Reject { reason, changed };
        match self.standing(target, key).map_err(|error| error.to_string())? {
            Standing::Known => return Ok(HostKeyDecision::Accept),
            Standing::Changed(known) => {
                self.audit(target, key, Outcome::Denied, "changed")?;
                return Ok(reject(
                    format!(
                        "it is {} {}, known is {known}; somebody may be listening in",
                        key.algorithm, key.fingerprint
                    ),
                    true,
                ));
            }
            Standing::Unknown => {}
        }
        let decision = match self.policy {
            HostKeyPolicy::AcceptNew => REMEMBER,
            HostKeyPolicy::Strict => REFUSE,
            HostKeyPolicy::Ask => self.ask(target, key).await,
        };
        if decision == REFUSE {
            self.audit(target, key, Outcome::Denied, decision)?;
            let reason = format!("{} {} is not known and was not accepted", key.algorithm, key.fingerprint);
            return Ok(reject(reason, false));
        }
        self.audit(target, key, Outcome::Success, decision)?;
        if decision == REMEMBER {
            self.remember(target, key).map_err(|error| error.to_string())?;
        }
        Ok(HostKeyDecision::Accept)
    }
}

fn is_of(known: &KnownHost, target: &Endpoint) -> bool {
    known.host.eq_ignore_ascii_case(&target.host) && known.port == target.port
}

impl HostKeyVerifier for HostKeys {
    fn known_algorithms(&self, target: &Endpoint) -> Vec<String> {
        let own = self.shared.vault().and_then(|vault| vault.snapshot()).map(|snapshot| {
            let known = snapshot.known_hosts.iter().filter(|known| is_of(known, target));
            known.map(|known| known.key.algorithm.clone()).collect::<Vec<_>>()
        });
        let mut algorithms = own.unwrap_or_default();
        algorithms.extend(self.openssh.algorithms(&target.host, target.port));
        algorithms
    }

    fn verify<'a>(&'a self, target: &'a Endpoint, key: &'a HostKey) -> BoxFuture<'a, HostKeyDecision> {
        Box::pin(async move {
            match self.decide(target, key).await {
                Ok(decision) => decision,
                Err(reason) => HostKeyDecision::Reject { reason, changed: false },
            }
        })
    }
}

impl Host {
    /// Returns the decider for one launch, with OpenSSH's files as they are now.
    pub(crate) fn host_keys(&self, policy: HostKeyPolicy) -> HostKeys {
        let mut openssh = Vec::new();
        for file in &self.places.known_hosts_files {
            match std::fs::read(file) {
                Ok(bytes) => {
                    openssh.extend(bytes);
                    openssh.push(b'\n');
                }
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => tracing::warn!(file = %file.display(), %error, "known hosts could not be read"),
            }
        }
        HostKeys {
            shared: self.shared(),
            audit: self.audit.clone(),
            front: Arc::clone(&self.front),
            clock: Arc::clone(&self.clock),
            policy,
            openssh: KnownHosts::parse(&openssh),
        }
    }

    pub(crate) fn known_host_list(&self) -> Result<Reply, AppError> {
        let snapshot = self.snapshot()?;
        let mut views: Vec<KnownHostView> = snapshot
            .known_hosts
            .iter()
            .map(|known| KnownHostView {
                host: known.host.clone(),
                port: known.port,
                algorithm: known.key.algorithm.clone(),
                fingerprint: known.key.fingerprint.clone(),
                added: rfc3339(known.added),
            })
            .collect();
        views.sort_by(|a, b| (&a.host, a.port, &a.algorithm).cmp(&(&b.host, b.port, &b.algorithm)));
        Ok(Reply::KnownHosts(views))
    }

    pub(crate) fn known_host_remove(&self, host: &str, port: Option<u16>) -> Result<Reply, AppError> {
        let snapshot = self.snapshot()?;
        let mut gone: Vec<(String, u16)> = snapshot
            .known_hosts
            .iter()
            .filter(|known| {
                known.host.eq_ignore_ascii_case(host) && port.is_none_or(|port| known.port == port)
            })
            .map(|known| (known.host.clone(), known.port))
            .collect();
        gone.sort();
        gone.dedup();
        if gone.is_empty() {
            return Err(AppError::bad("host", format!("no key of '{host}' is known")));
        }
        let count = gone.len();
        self.change(|_| Ok((Changes { delete_known_hosts: gone.clone(), ..Changes::default() }, ())))?;
        self.audit.success(EventClass::HostKeyForget, &[("host", host.to_owned())])?;
        Ok(Reply::Done(format!("the keys of {count} host(s) were forgotten")))
    }
}
