//! One connection: who logs in, and which channels open. What runs in a channel is in `channel`,
//! `commands` and `shell`.

use std::sync::Arc;

use russh::server::{
    Auth, ChannelOpenHandle, Handler, Msg, PublicKeyOffer, Response, Session, VerifiedPublicKey,
};
use russh::{Channel, ChannelId, Disconnect, MethodKind, MethodSet, Pty};

use super::channel::start;
use super::log::Observed;
use super::server::{Misbehavior, Shared};
use super::users::{FakeLogin, FakeRound};
use super::wire::Wire;

/// The server's side of one connection.
pub(crate) struct Client {
    shared: Arc<Shared>,
    wire: Arc<Wire>,
    /// The user whose key was accepted and whose password is still to come.
    key_accepted: Option<String>,
    /// The next round of questions.
    round: usize,
}

impl Client {
    pub(crate) fn new(shared: Arc<Shared>, wire: Wire) -> Self {
        Self { shared, wire: Arc::new(wire), key_accepted: None, round: 0 }
    }

    fn login_of(&self, user: &str) -> Option<FakeLogin> {
        if self.shared.options.misbehavior == Misbehavior::RejectAll {
            return None;
        }
        self.shared.options.users.iter().find(|known| known.name == user).map(|known| known.login.clone())
    }

    /// Writes the attempt down and answers it.
    fn answer(&self, user: &str, method: &'static str, accepted: bool) -> Auth {
        self.shared.log.push(Observed::Login { user: user.to_owned(), method, accepted });
        if accepted {
            return Auth::Accept;
        }
        // Unknown users see what users with a password see, as with a real server.
        let methods = self.login_of(user).map_or_else(|| one(MethodKind::Password), |login| login.methods());
        Auth::Reject { proceed_with_methods: Some(methods), partial_success: false }
    }

    fn rounds_of(&self, user: &str) -> Vec<FakeRound> {
        match self.login_of(user) {
            Some(FakeLogin::KeyboardInteractive(rounds)) => rounds,
            _ => Vec::new(),
        }
    }
}

fn one(method: MethodKind) -> MethodSet {
    MethodSet::from([method].as_slice())
}

impl Handler for Client {
    type Error = anyhow::Error;

    async fn auth_none(&mut self, user: &str) -> Result<Auth, Self::Error> {
        let accepted = matches!(self.login_of(user), Some(FakeLogin::Nothing));
        Ok(self.answer(user, "none", accepted))
    }

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, Self::Error> {
        if self.shared.options.misbehavior == Misbehavior::HoldPassword {
            self.shared.log.push(Observed::PasswordHeld);
            self.shared.release.notified().await;
        }
        let accepted = match self.login_of(user) {
            Some(FakeLogin::Password(right)) => right == password,
            Some(FakeLogin::KeyThenPassword { password: right, .. }) => {
                self.key_accepted.as_deref() == Some(user) && right == password
            }
            _ => false,
        };
        if !accepted && self.key_accepted.as_deref() == Some(user) {
            self.answer(user, "password", false);
            let proceed_with_methods = Some(one(MethodKind::Password));
            return Ok(Auth::Reject { proceed_with_methods, partial_success: false });
        }
        Ok(self.answer(user, "password", accepted))
    }

    async fn auth_publickey_offered(
        &mut self,
        user: &str,
        offer: PublicKeyOffer<'_>,
    ) -> Result<Auth, Self::Error> {
        if self.login_of(user).is_some_and(|login| login.knows_key(offer.public_key)) {
            return Ok(Auth::Accept);
        }
        Ok(self.answer(user, "publickey", false))
    }

    async fn auth_publickey(&mut self, user: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, Self::Error> {
        let login = self.login_of(user);
        let known = login.as_ref().is_some_and(|login| login.knows_key(key.public_key));
        let answer = self.answer(user, "publickey", known);
        if known && matches!(login, Some(FakeLogin::KeyThenPassword { .. })) {
            self.key_accepted = Some(user.to_owned());
            let proceed_with_methods = Some(one(MethodKind::Password));
            return Ok(Auth::Reject { proceed_with_methods, partial_success: true });
        }
        Ok(answer)
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        user: &str,
        _submethods: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, Self::Error> {
        let rounds = self.rounds_of(user);
        let Some(response) = response else {
            self.round = 0;
            return Ok(match rounds.first() {
                Some(round) => round.ask(),
                None => self.answer(user, "keyboard-interactive", false),
            });
        };
        let answers: Vec<Vec<u8>> = response.map(|answer| answer.to_vec()).collect();
        let fits = rounds.get(self.round).is_some_and(|round| round.fits(&answers));
        self.round += 1;
        match rounds.get(self.round) {
            Some(next) if fits => Ok(next.ask()),
            _ => Ok(self.answer(user, "keyboard-interactive", fits)),
        }
    }

    async fn authentication_banner(&mut self) -> Result<Option<String>, Self::Error> {
        Ok(self.shared.options.banner.clone())
    }

    async fn auth_succeeded(&mut self, session: &mut Session) -> Result<(), Self::Error> {
        match &self.shared.options.misbehavior {
            Misbehavior::CloseAfterLogin => self.wire.cut(),
            Misbehavior::DisconnectAfterLogin(words) => {
                session.disconnect(Disconnect::ByApplication, words, "")?;
            }
            _ => {}
        }
        Ok(())
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        reply.accept().await;
        start(channel, session.handle(), Arc::clone(&self.shared), Arc::clone(&self.wire));
        Ok(())
    }

    async fn env_request(
        &mut self,
        channel: ChannelId,
        name: &str,
        value: &str,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        self.shared.log.push(Observed::Environment { name: name.to_owned(), value: value.to_owned() });
        Ok(session.channel_success(channel)?)
    }

    async fn pty_request(
        &mut self,
        channel: ChannelId,
        term: &str,
        columns: u32,
        rows: u32,
        _pixels_wide: u32,
        _pixels_high: u32,
        _modes: &[(Pty, u32)],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        if self.shared.options.misbehavior == Misbehavior::NoTerminals {
            return Ok(session.channel_failure(channel)?);
        }
        self.shared.log.push(Observed::Terminal { kind: term.to_owned(), columns, rows });
        Ok(session.channel_success(channel)?)
    }

    async fn shell_request(&mut self, channel: ChannelId, session: &mut Session) -> Result<(), Self::Error> {
        self.shared.log.push(Observed::Shell);
        Ok(session.channel_success(channel)?)
    }

    async fn exec_request(
        &mut self,
        channel: ChannelId,
        _command: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        Ok(session.channel_success(channel)?)
    }

    async fn subsystem_request(
        &mut self,
        channel: ChannelId,
        _name: &str,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        Ok(session.channel_failure(channel)?)
    }
}
