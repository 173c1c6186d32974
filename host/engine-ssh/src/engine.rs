//! The engine itself: from a plan to an open session, within the plan's time.

use std::sync::Arc;
use std::time::Duration;

use ostler_core::{
    BoxFuture, OpenedSession, SessionContext, SessionEngine, SessionError, SessionPlan, SshPlan,
};

use crate::deadline::Deadline;
use crate::ending::Ending;
use crate::login::Login;
use crate::session::Connection;
use crate::{algorithms, connect, handshake, start};

/// What plans and sinks call this protocol.
pub(crate) const PROTOCOL: &str = "ssh";

/// Carries out SSH plans. Needs a tokio runtime with time and I/O around it.
#[derive(Debug, Clone, Copy, Default)]
pub struct SshEngine;

impl SshEngine {
    /// Returns the engine; it holds nothing.
    #[must_use]
    pub fn new() -> Self {
        Self
    }
}

impl SessionEngine for SshEngine {
    fn protocol(&self) -> &'static str {
        PROTOCOL
    }

    fn open<'a>(
        &'a self,
        plan: &'a SessionPlan,
        context: SessionContext,
    ) -> BoxFuture<'a, Result<OpenedSession, SessionError>> {
        Box::pin(async move {
            match plan {
                SessionPlan::Ssh(plan) => open(plan, &context).await,
                other => Err(SessionError::NoEngine { protocol: other.protocol().to_owned() }),
            }
        })
    }
}

async fn open(plan: &SshPlan, context: &SessionContext) -> Result<OpenedSession, SessionError> {
    let limit = Duration::from_secs(plan.connect_timeout_seconds.into());
    let deadline = Arc::new(Deadline::new(limit));
    tokio::select! {
        result = Box::pin(establish(plan, context, &deadline)) => result,
        () = deadline.expired() => Err(SessionError::TimedOut {
            target: plan.target.clone(),
            seconds: plan.connect_timeout_seconds,
        }),
    }
}

/// Dropping this at any point cuts the wire, because [`connect::WireCutter`] does when it is dropped.
async fn establish(
    plan: &SshPlan,
    context: &SessionContext,
    deadline: &Arc<Deadline>,
) -> Result<OpenedSession, SessionError> {
    let target = &plan.target;
    let (stream, cutter) = connect::connect(target, deadline).await?;
    let ending = Arc::new(Ending::new());
    let config = algorithms::configuration(plan, &context.host_keys.known_algorithms(target));
    let (mut handle, banner) =
        handshake::shake_hands(stream, config, target, context, deadline, &ending).await?;
    let login = Login { plan, context, deadline, ending: &ending };
    login.run(&mut handle).await?;
    login.overwrite_password(&handle).await?;
    let connection = Connection::new(handle, cutter, ending);
    start::start(plan, context, connection, &banner).await
}
