//! What every verb needs: places, configuration, output, the way to a passphrase, and the sign-in.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ostler_app::core::{Clock, PromptError, SecretBytes};
use ostler_app::{
    AppError, Command, Configuration, ErrorKind, FrontEnd, Host, Places, Reply, SecretInput, SignIn,
    StoreFactors, SystemClock, Unlock,
};
use ostler_serve::{Build, ServeError, socket_name};

use crate::arguments::Global;
use crate::door::{Door, There};
use crate::error::CliError;
use crate::front::QuietFront;
use crate::log;
use crate::output::Output;
use crate::passphrase;
use crate::places::Surroundings;
use crate::prompt::Asker;
use crate::secret_file::SecretSource;
use crate::signals::Signals;

/// How often a person may try a passphrase before the program gives up.
const TRIES: u32 = 3;

/// What every verb needs.
pub(crate) struct Context {
    pub(crate) places: Places,
    pub(crate) config_file: PathBuf,
    pub(crate) configuration: Configuration,
    /// What is wrong with the configuration, for a verb that works in spite of it.
    pub(crate) configuration_fault: Option<CliError>,
    pub(crate) log_level: &'static str,
    pub(crate) output: Output,
    pub(crate) asker: Asker,
    pub(crate) passphrase: Option<SecretSource>,
    pub(crate) key_file: Option<PathBuf>,
    pub(crate) signals: Arc<Signals>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Where the process listens that holds the store unlocked, if one does.
    pub(crate) socket: PathBuf,
    pub(crate) build: Build,
    /// Whether the user named the store.
    pub(crate) store_named: bool,
    /// The configuration file where the user named one.
    pub(crate) config_named: Option<PathBuf>,
}

impl Context {
    /// Finds places, reads the configuration, and begins to log and to hear signals. Must be called inside of the async
    /// runtime. A verb that `mends` the configuration begins with the defaults where it is wrong.
    ///
    /// # Errors
    /// Fails where it is not known where things live, or the configuration is wrong.
    pub(crate) fn new(global: &Global, mends: bool, output: Output) -> Result<Self, CliError> {
        let signals = Signals::start().map_err(CliError::Runtime)?;
        let located = Surroundings {
            variable: &|name| std::env::var_os(name),
            program: std::env::current_exe().ok(),
            store: global.store.clone(),
            config: global.config.clone(),
        }
        .locate()?;
        let (configuration, configuration_fault) =
            match read_configuration(&located.config, located.config_named) {
                Err(fault) if mends => (Configuration::default(), Some(fault)),
                read => (read?, None),
            };
        let configured = configuration.log.level.map(|level| level.name());
        let wanted = std::env::var("OSTLER_LOG").ok();
        let (log_level, complaint) = log::level(wanted.as_deref(), configured);
        if let Some(complaint) = complaint {
            output.warning(&complaint);
        }
        if let Err(error) = log::start(&log::file(&located.places.state), log_level) {
            output.warning(&format!("nothing is logged: {error}"));
        }
        let build = std::env::current_exe()
            .and_then(|program| Build::of(&program, env!("CARGO_PKG_VERSION")))
            .map_err(CliError::Runtime)?;
        let batch = global.batch
            || std::env::var("OSTLER_BATCH").is_ok_and(|value| !matches!(value.as_str(), "" | "0"));
        Ok(Self {
            passphrase: passphrase::source(
                global.passphrase_file.as_ref(),
                global.passphrase_fd,
                std::env::var_os(passphrase::FILE_VARIABLE),
            ),
            key_file: global.store_key_file.as_deref().map(absolute).transpose()?,
            socket: located.run.join(socket_name(&located.places)),
            build,
            store_named: global.store.is_some(),
            config_named: located.config_named.then(|| located.config.clone()),
            places: located.places,
            config_file: located.config,
            configuration,
            configuration_fault,
            log_level,
            output,
            asker: Asker { batch },
            signals,
            clock: Arc::new(SystemClock::default()),
        })
    }

    /// Signs in to the store. A person may try some times; a file or descriptor is tried once.
    ///
    /// # Errors
    /// Fails where the store can't be opened, the passphrase is wrong or must wait, or there is none.
    pub(crate) fn sign_in(&self, front: Arc<dyn FrontEnd>) -> Result<Host, CliError> {
        let locked = self.locked(front)?;
        locked.check_key_file(self.key_file.as_deref())?;
        if let Some(host) = self.ask_keyring(&locked)? {
            return Ok(self.warned(host));
        }
        let mut tries = TRIES;
        loop {
            tries = tries.saturating_sub(1);
            if self.passphrase.is_none() {
                self.wait(&locked);
            }
            match locked.unlock(&self.unlock_with(self.existing_passphrase()?)) {
                Ok(host) => return Ok(self.warned(host)),
                Err(error)
                    if self.passphrase.is_some() || tries == 0 || error.kind() != ErrorKind::SignIn =>
                {
                    return Err(error.into());
                }
                Err(error) => self.output.warning(&error.to_string()),
            }
        }
    }

    /// Signs in, and returns what opened the store, for a command that changes its keys. The passphrase is read once: a
    /// descriptor gives it only once, and a person should type it only once.
    ///
    /// # Errors
    /// Fails as [`Context::sign_in`] does.
    pub(crate) fn sign_in_to_keys(&self) -> Result<(Host, StoreFactors), CliError> {
        let locked = self.locked(self.quiet())?;
        locked.check_key_file(self.key_file.as_deref())?;
        let passphrase = self.existing_passphrase()?;
        let host = locked.unlock(&self.unlock_with(passphrase.clone()))?;
        let factors = StoreFactors { passphrase: SecretInput(passphrase), key_file: self.key_file.clone() };
        Ok((self.warned(host), factors))
    }

    /// Asks the desktop's keyring, where the store may open with it and no passphrase was named. None where it can't help.
    pub(crate) fn ask_keyring(&self, locked: &SignIn) -> Result<Option<Host>, CliError> {
        if self.passphrase.is_some() || !locked.may_ask_keyring()? {
            return Ok(None);
        }
        let with = Unlock { passphrase: None, key_file: self.key_file.clone(), keyring: true };
        match locked.unlock(&with) {
            Ok(host) => Ok(Some(host)),
            Err(error @ AppError::Keyring(_)) => {
                self.output.warning(&error.to_string());
                if let Some(hint) = error.hint() {
                    self.output.note(&hint);
                }
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Shows what the person should know since the sign-in.
    fn warned(&self, host: Host) -> Host {
        host.notices().iter().for_each(|notice| self.output.warning(notice));
        host
    }

    /// Finds the store, without its passphrase.
    ///
    /// # Errors
    /// Fails where there is none or it can't be used.
    pub(crate) fn locked(&self, front: Arc<dyn FrontEnd>) -> Result<SignIn, CliError> {
        Ok(SignIn::open(self.places.clone(), self.configuration.clone(), front, Arc::clone(&self.clock))?)
    }

    /// Returns a front end that shows nothing on the way.
    pub(crate) fn quiet(&self) -> Arc<dyn FrontEnd> {
        Arc::new(QuietFront { asker: self.asker, output: self.output.clone() })
    }

    /// Gets the store's passphrase.
    ///
    /// # Errors
    /// Fails where it can't be read, or nobody is there to ask.
    pub(crate) fn existing_passphrase(&self) -> Result<SecretBytes, CliError> {
        passphrase::existing(self.passphrase.as_ref(), self.asker, &self.output)
    }

    /// What to sign in with, given the passphrase.
    pub(crate) fn unlock_with(&self, passphrase: SecretBytes) -> Unlock {
        Unlock { key_file: self.key_file.clone(), ..Unlock::from(passphrase) }
    }

    /// Waits as long as wrong passphrases before make a person wait.
    pub(crate) fn wait(&self, locked: &SignIn) {
        let wait = locked.wait_before_try();
        if !wait.is_zero() {
            self.output.note(&format!("wrong passphrases before: wait {} s", wait.as_secs().max(1)));
            std::thread::sleep(wait);
        }
    }

    /// Finds the way to a host: the one of a process that holds the store unlocked, or else one in this process, which
    /// needs a sign-in.
    ///
    /// # Errors
    /// Fails as [`Context::sign_in`] does, or where whoever listens at the socket is another user.
    pub(crate) async fn door(&self, front: Arc<dyn FrontEnd>) -> Result<Door, CliError> {
        let client = match self.client().await {
            // Where the way to the socket is barred, nobody can be asked: the command goes its own way.
            Err(CliError::Serve(ServeError::Io { source, .. }))
                if source.kind() == io::ErrorKind::PermissionDenied =>
            {
                None
            }
            found => found?,
        };
        Ok(match client {
            Some(client) => Door::There(Box::new(There {
                socket: self.socket.clone(),
                build: self.build.clone(),
                front,
                configuration: self.configuration.clone(),
                fresh: Some(client),
            })),
            None => Door::Here(Box::new(self.sign_in(front)?)),
        })
    }

    /// Finds the way to a host for a front end that shows nothing on the way.
    ///
    /// # Errors
    /// Fails as [`Context::door`] does.
    pub(crate) async fn host(&self) -> Result<Door, CliError> {
        self.door(self.quiet()).await
    }

    /// Signs in, carries a command out and prints the reply.
    ///
    /// # Errors
    /// Fails as the host says, or where the reply can't be printed.
    pub(crate) async fn run(&self, command: Command) -> Result<u8, CliError> {
        let reply = self.execute(command).await?;
        self.output.reply(&reply)?;
        Ok(0)
    }

    /// Signs in and carries a command out.
    ///
    /// # Errors
    /// Fails as the host says.
    pub(crate) async fn execute(&self, command: Command) -> Result<Reply, CliError> {
        self.host().await?.execute(command).await
    }

    /// Lets the person confirm what can't be undone, unless it is confirmed already.
    ///
    /// # Errors
    /// Fails where the person says no, or nobody is there.
    pub(crate) fn confirm(&self, confirmed: bool, question: &str, word: &str) -> Result<(), CliError> {
        if confirmed {
            return Ok(());
        }
        match self.asker.confirm(question, word) {
            Ok(true) => Ok(()),
            Ok(false) | Err(PromptError::Declined) => Err(CliError::Declined("it was not confirmed")),
            Err(PromptError::Headless) => Err(CliError::Unconfirmed),
        }
    }
}

/// Makes a path one that means the same in another process.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf, CliError> {
    std::path::absolute(path).map_err(|source| AppError::File { file: path.to_owned(), source }.into())
}

fn read_configuration(file: &Path, named: bool) -> Result<Configuration, CliError> {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound && !named => {
            return Ok(Configuration::default());
        }
        Err(source) => return Err(AppError::File { file: file.to_owned(), source }.into()),
    };
    Configuration::parse(&text).map_err(|source| CliError::Configuration { file: file.to_owned(), source })
}
