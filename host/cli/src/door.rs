//! The way to a host: one in this process, or the one of the process that holds the store unlocked. Which of them it is
//! makes no difference to a verb.

use std::path::PathBuf;
use std::sync::Arc;

use ostler_app::{Command, Configuration, FrontEnd, Host, Reply};
use ostler_serve::{Build, Client, ServeError};

use crate::error::CliError;

/// The way to a host.
pub(crate) enum Door {
    /// In this process.
    Here(Box<Host>),
    /// Behind a socket.
    There(Box<There>),
}

/// A host behind a socket.
pub(crate) struct There {
    pub(crate) socket: PathBuf,
    pub(crate) build: Build,
    pub(crate) front: Arc<dyn FrontEnd>,
    pub(crate) configuration: Configuration,
    /// A connection that nothing was asked through yet.
    pub(crate) fresh: Option<Client>,
}

impl Door {
    /// Carries a command out.
    ///
    /// # Errors
    /// Fails as the host says, or where the host behind the socket is gone.
    pub(crate) async fn execute(&mut self, command: Command) -> Result<Reply, CliError> {
        // The host behind a socket works in another directory; here the words are to be the same.
        let command = command.with_absolute_paths().map_err(CliError::Runtime)?;
        match self {
            Self::Here(host) => Ok(Box::pin(host.execute(command)).await?),
            Self::There(there) => there.execute(command).await,
        }
    }
}

impl There {
    async fn execute(&mut self, command: Command) -> Result<Reply, CliError> {
        let client = match self.fresh.take() {
            Some(client) => client,
            None => Client::connect(&self.socket, &self.build).await?.ok_or(ServeError::Gone)?,
        };
        let front = Arc::clone(&self.front);
        Ok(Box::pin(client.execute(command, self.configuration.clone(), front)).await?)
    }
}
