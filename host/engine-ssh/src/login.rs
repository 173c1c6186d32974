//! The log-in: the plan's ways in its order, each when the server gets to it, until the server is content.
//!
//! A secret is asked for only when the server offers the method it is for, and never for anything but this endpoint.

use std::sync::Arc;

use ostler_core::{
    EndReason, InjectError, PlanValue, SecretBytes, SecretField, SessionContext, SessionError, Sink,
    SlotName, SshAuth, SshPlan,
};
use russh::client::{AuthResult, Handle};
use russh::keys::{Algorithm, HashAlg, PrivateKeyWithHashAlg};
use russh::{MethodKind, MethodSet};

use crate::deadline::Deadline;
use crate::ending::Ending;
use crate::engine::PROTOCOL;
use crate::handshake::Client;
use crate::{key, questions};

/// The request that overwrites a password, named as RFC 4250, 4.6.1 wants names of one's own.
const PADDING: &str = "padding@ostler";
/// Longer than any packet that carries a password which a person or a generator would choose.
const PADDING_BYTES: usize = 4096;

/// A log-in that is going on.
#[derive(Clone, Copy)]
pub(crate) struct Login<'a> {
    pub(crate) plan: &'a SshPlan,
    pub(crate) context: &'a SessionContext,
    pub(crate) deadline: &'a Deadline,
    pub(crate) ending: &'a Ending,
}

/// What the server said to one way to log in.
pub(crate) enum Answer {
    /// Come in.
    Content,
    /// Not yet, or not like this; these methods may go on.
    GoOn(MethodSet),
}

impl From<AuthResult> for Answer {
    fn from(result: AuthResult) -> Self {
        match result {
            AuthResult::Success => Self::Content,
            AuthResult::Failure { remaining_methods, .. } => Self::GoOn(remaining_methods),
        }
    }
}

impl Login<'_> {
    /// Logs in.
    pub(crate) async fn run(self, handle: &mut Handle<Client>) -> Result<(), SessionError> {
        let user = value(self.plan, self.context, &self.plan.user, SecretField::UserName)?;
        // As every client does: the answer to this names the methods, and no secret has to be opened for it.
        let Answer::GoOn(mut offered) = self.checked(handle.authenticate_none(&user).await).await?.into()
        else {
            return Ok(());
        };
        let mut untried: Vec<&SshAuth> = self.plan.auth.iter().collect();
        let mut tried = Vec::new();
        if untried.contains(&&SshAuth::None) {
            tried.push(method_name(MethodKind::None));
            untried.retain(|auth| **auth != SshAuth::None);
        }
        loop {
            if offered.is_empty() {
                return Err(self.turned_away(&user, &tried).await);
            }
            let Some(next) = untried.iter().position(|auth| offered.contains(&method_of(auth))) else {
                return Err(self.wrong_credential(&user, &tried, names_of(&offered)));
            };
            let auth = untried.remove(next);
            tried.push(method_name(method_of(auth)));
            match self.attempt(handle, &user, auth).await? {
                Answer::Content => return Ok(()),
                Answer::GoOn(methods) => offered = methods,
            }
        }
    }

    /// Puts a packet without meaning over the one that carried a password: russh keeps the memory of its plain packets
    /// for the next ones and does not wipe it. A server has to ignore a global request that it does not know and that
    /// wants no reply (RFC 4254, 4).
    pub(crate) async fn overwrite_password(self, handle: &Handle<Client>) -> Result<(), SessionError> {
        let carried = |auth: &SshAuth| matches!(auth, SshAuth::Password(_) | SshAuth::KeyboardInteractive(_));
        if !self.plan.auth.iter().any(carried) {
            return Ok(());
        }
        let sent = handle.send_global_request(PADDING, &[0; PADDING_BYTES], false).await;
        self.checked(sent).await.map(|_| ())
    }

    async fn attempt(
        self,
        handle: &mut Handle<Client>,
        user: &str,
        auth: &SshAuth,
    ) -> Result<Answer, SessionError> {
        let result = match auth {
            SshAuth::Password(slot) => {
                let password = self.text(slot, SecretField::Password)?;
                // russh wipes the copy that it gets here.
                handle.authenticate_password(user, password).await
            }
            SshAuth::PrivateKey { key, passphrase } => {
                let key = key::open(self, key, passphrase.as_ref()).await?;
                let hash = match key.algorithm() {
                    Algorithm::Rsa { .. } => self.rsa_hash(handle).await?,
                    _ => None,
                };
                let key = PrivateKeyWithHashAlg::new(Arc::new(key), hash);
                handle.authenticate_publickey(user, key).await
            }
            SshAuth::KeyboardInteractive(slot) => {
                return questions::answer(self, handle, user, slot.as_ref()).await;
            }
            SshAuth::None => handle.authenticate_none(user).await,
        };
        self.checked(result).await.map(Answer::from)
    }

    /// Says what ended the connection, where something did.
    pub(crate) async fn checked<T>(self, result: Result<T, russh::Error>) -> Result<T, SessionError> {
        match result {
            Ok(value) => Ok(value),
            Err(seen) => {
                let cause = self.ending.cause(&seen).await;
                Err(SessionError::Lost { target: self.plan.target.clone(), cause })
            }
        }
    }

    /// Returns the hash for signatures with an RSA key; never SHA-1.
    async fn rsa_hash(self, handle: &Handle<Client>) -> Result<Option<HashAlg>, SessionError> {
        let best = self.checked(handle.best_supported_rsa_hash().await).await?;
        // A server that does not tell takes SHA-256, or only what is not safe any more.
        Ok(best.flatten().or(Some(HashAlg::Sha256)))
    }

    /// Opens a slot for a place at this endpoint.
    pub(crate) fn secret(self, slot: &SlotName, field: SecretField) -> Result<SecretBytes, SessionError> {
        inject(self.plan, self.context, slot, field)
    }

    /// The same, as the text that the protocol wants there.
    pub(crate) fn text(self, slot: &SlotName, field: SecretField) -> Result<String, SessionError> {
        text_of(slot, &self.secret(slot, field)?)
    }

    /// The server offers nothing more: either it said so, or the connection is gone.
    async fn turned_away(self, user: &str, tried: &[&'static str]) -> SessionError {
        let nothing = "nothing more".to_owned();
        match self.ending.last_words().await {
            Some(EndReason::ClosedByServer(words)) if words.is_empty() => {
                self.wrong_credential(user, tried, nothing)
            }
            Some(EndReason::ClosedByServer(words)) if !tried.is_empty() => {
                self.wrong_credential(user, tried, format!("{nothing}: {words}"))
            }
            Some(EndReason::ClosedByServer(cause) | EndReason::ConnectionLost(cause)) => {
                SessionError::Lost { target: self.plan.target.clone(), cause }
            }
            _ => self.wrong_credential(user, tried, nothing),
        }
    }

    fn wrong_credential(self, user: &str, tried: &[&'static str], offered: String) -> SessionError {
        let tried = if tried.is_empty() { "nothing".to_owned() } else { tried.join(", ") };
        SessionError::WrongCredential {
            target: self.plan.target.clone(),
            user: user.to_owned(),
            tried,
            offered,
        }
    }
}

/// Returns the value that a plan names, with a slot opened for its place.
pub(crate) fn value(
    plan: &SshPlan,
    context: &SessionContext,
    value: &PlanValue,
    field: SecretField,
) -> Result<String, SessionError> {
    match value {
        PlanValue::Text(text) => Ok(text.clone()),
        PlanValue::Slot(slot) => text_of(slot, &inject(plan, context, slot, field)?),
    }
}

fn inject(
    plan: &SshPlan,
    context: &SessionContext,
    slot: &SlotName,
    field: SecretField,
) -> Result<SecretBytes, SessionError> {
    // The endpoint that the wire was opened to, not one that anybody says it is.
    let sink =
        Sink { protocol: PROTOCOL.to_owned(), host: plan.target.host.clone(), port: plan.target.port, field };
    Ok(context.secrets.inject(slot, &sink)?)
}

fn text_of(slot: &SlotName, secret: &SecretBytes) -> Result<String, SessionError> {
    let unreadable =
        || InjectError::Unreadable { slot: slot.clone(), cause: "it is not UTF-8 text".to_owned() };
    Ok(secret.expose_text().ok_or_else(unreadable)?.to_owned())
}

fn method_of(auth: &SshAuth) -> MethodKind {
    match auth {
        SshAuth::Password(_) => MethodKind::Password,
        SshAuth::KeyboardInteractive(_) => MethodKind::KeyboardInteractive,
        SshAuth::PrivateKey { .. } => MethodKind::PublicKey,
        SshAuth::None => MethodKind::None,
    }
}

fn method_name(method: MethodKind) -> &'static str {
    (&method).into()
}

fn names_of(methods: &MethodSet) -> String {
    methods.iter().map(|method| method_name(*method)).collect::<Vec<_>>().join(", ")
}
