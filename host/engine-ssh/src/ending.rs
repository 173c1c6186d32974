//! What is known about the end of a session, shared by the wire's task and both halves of the session.

use std::time::Duration;

use ostler_core::EndReason;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::text;

/// How long to wait for what the wire's task has to say about an end that was seen already: it stops taking requests
/// a moment before it notes the reason.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The end of a session, as far as it has come.
#[derive(Debug)]
pub(crate) struct Ending {
    state: watch::Sender<State>,
}

#[derive(Debug, Clone, Default)]
struct State {
    /// The user closed it.
    closed_here: bool,
    /// The server closed the channel.
    channel_closed: bool,
    /// The wire is gone.
    wire: Option<EndReason>,
}

impl Ending {
    pub(crate) fn new() -> Self {
        Self { state: watch::Sender::new(State::default()) }
    }

    pub(crate) fn close_here(&self) {
        self.state.send_modify(|state| state.closed_here = true);
    }

    pub(crate) fn channel_closed(&self) {
        self.state.send_modify(|state| state.channel_closed = true);
    }

    /// Notes why the wire is gone; the first reason stays.
    pub(crate) fn wire_gone(&self, reason: EndReason) {
        self.state.send_modify(|state| {
            state.wire.get_or_insert(reason);
        });
    }

    pub(crate) fn is_closed_here(&self) -> bool {
        self.state.borrow().closed_here
    }

    /// Returns why the wire is gone, once that was seen; none if it is not gone after all.
    pub(crate) async fn last_words(&self) -> Option<EndReason> {
        timeout(LAST_WORDS, self.until_wire_gone()).await.ok()?;
        self.wire()
    }

    /// Says why the wire is gone, or at least what was seen of that.
    pub(crate) async fn cause(&self, seen: &russh::Error) -> String {
        match self.last_words().await {
            Some(EndReason::ClosedByServer(words)) if !words.is_empty() => words,
            Some(EndReason::ConnectionLost(cause)) => cause,
            Some(reason) => reason.to_string(),
            None => text::one_line(&seen.to_string()),
        }
    }

    pub(crate) fn wire(&self) -> Option<EndReason> {
        self.state.borrow().wire.clone()
    }

    pub(crate) async fn until_closed_here(&self) {
        self.until(|state| state.closed_here).await;
    }

    pub(crate) async fn until_wire_gone(&self) {
        self.until(|state| state.wire.is_some()).await;
    }

    /// Waits until nothing that is sent can arrive any more.
    pub(crate) async fn until_over(&self) {
        self.until(|state| state.closed_here || state.channel_closed || state.wire.is_some()).await;
    }

    async fn until(&self, fits: impl FnMut(&State) -> bool) {
        // Fails only without a sender, and that is self.
        if self.state.subscribe().wait_for(fits).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
