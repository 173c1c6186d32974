//! The host's side: starts a child for each call, hands it the library and the request, and takes an answer or a reason.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use ostler_core::SecretBytes;
use ostler_plugin_api::{
    Guard, Guards, LARGEST_NATIVE_MESSAGE, NATIVE_ABI, NativeCall, NativeDescription, NativeEntry,
    NativeFailure, NativeLeasedSecret, NativeReply, NativeRequest, NativeSecret,
};
use serde_json::{Map, Value};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::wire::{self, PROTOCOL, Ready, Start};
use crate::text;

/// Bytes of memory that a child may map.
const MEMORY: u64 = 1 << 30;
/// Bytes of what a child prints that go into the log.
const MOST_PRINTED: u64 = 4096;
/// The most entries that are taken of a list.
const MOST_ENTRIES: usize = 1000;

/// Why a call of a native plugin gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum NativeError {
    /// The child could not be started.
    #[error("a process for it can't be started: {0}")]
    Start(#[source] io::Error),
    /// The library can't be loaded, or the child could not be shut in.
    #[error("it can't run here: {0}")]
    Unfit(String),
    /// The child ended without an answer.
    #[error("it crashed ({0})")]
    Crashed(String),
    /// It took too long.
    #[error("it did not answer within {} s", .allowed.as_secs())]
    TimedOut {
        /// How long it may take.
        allowed: Duration,
    },
    /// Its answer is none.
    #[error("its answer can't be used: {0}")]
    BadAnswer(&'static str),
    /// It said no, in its own words.
    #[error("{}", .0.text)]
    Said(NativeFailure),
}

/// How a native plugin is set up.
#[derive(Debug, Clone)]
pub struct NativeSetup {
    /// The plugin's id.
    pub plugin: String,
    /// The program that calls [`crate::native_child`] when it is started with [`NativeSetup::ARGUMENT`].
    pub program: PathBuf,
    /// The library's bytes, as they were checked.
    pub library: Arc<[u8]>,
    /// What was set for it.
    pub settings: Map<String, Value>,
    /// Files and folders that it may read, beside the system's libraries.
    pub read: Vec<PathBuf>,
    /// Files and folders that it may read and write.
    pub write: Vec<PathBuf>,
    /// How long one call may take, start and all.
    pub call_time: Duration,
    /// The guards that are on: all, but in a test that proves one.
    pub guards: Guards,
}

impl NativeSetup {
    /// What the program is started with.
    pub const ARGUMENT: &str = "--native-plugin-child";
}

/// A native plugin that can be called. Each call has a process of its own.
#[derive(Debug, Clone)]
pub struct NativePlugin {
    setup: NativeSetup,
}

impl NativePlugin {
    /// Takes what the plugin is made of. Nothing of it runs.
    #[must_use]
    pub fn new(setup: NativeSetup) -> Self {
        Self { setup }
    }

    /// Gives back what the plugin is made of.
    #[must_use]
    pub fn into_setup(self) -> NativeSetup {
        self.setup
    }

    /// Lists the entries of a folder of a credential source, or of its top; at most 1000.
    ///
    /// # Errors
    /// The plugin said no, or the call failed.
    pub async fn browse(&self, folder: Option<&str>) -> Result<Vec<NativeEntry>, NativeError> {
        let folder = folder.map(str::to_owned);
        entries(self.call(NativeCall::Browse { folder }).await?)
    }

    /// Describes an entry of a credential source.
    ///
    /// # Errors
    /// The plugin said no, or the call failed.
    pub async fn describe(&self, reference: &str) -> Result<NativeDescription, NativeError> {
        description(self.call(NativeCall::Describe { reference: reference.to_owned() }).await?)
    }

    /// Acquires the secrets of an entry of a credential source, by their fields.
    ///
    /// # Errors
    /// The plugin said no, or the call failed.
    pub async fn acquire(
        &self,
        reference: &str,
        purpose: &str,
        answers: &[(String, SecretBytes)],
    ) -> Result<Vec<(String, SecretBytes)>, NativeError> {
        let answers: BTreeMap<String, NativeSecret> = answers
            .iter()
            .map(|(id, secret)| {
                (id.clone(), NativeSecret(secret.expose_text().unwrap_or_default().to_owned()))
            })
            .collect();
        let (reference, purpose) = (reference.to_owned(), purpose.to_owned());
        match self.call(NativeCall::Acquire { reference, purpose, answers }).await? {
            NativeReply::Lease(secrets) => {
                let secret = |NativeLeasedSecret { field, value }| (field, SecretBytes::from(value.0));
                Ok(secrets.into_iter().map(secret).collect())
            }
            _ => Err(NativeError::BadAnswer("it is no lease")),
        }
    }

    async fn call(&self, call: NativeCall) -> Result<NativeReply, NativeError> {
        let request = NativeRequest { abi: NATIVE_ABI, settings: self.setup.settings.clone(), call };
        let request =
            serde_json::to_vec(&request).map_err(|_| NativeError::BadAnswer("it can't be asked"))?;
        let mut child = self.start().map_err(NativeError::Start)?;
        let answered = tokio::time::timeout(self.setup.call_time, self.talk(&mut child, &request)).await;
        let answer = match answered {
            Ok(Ok(answer)) => answer,
            Ok(Err(Ended::Unfit(reason))) => return Err(NativeError::Unfit(clean(&reason))),
            Ok(Err(Ended::Broken)) => return Err(self.crashed(child).await),
            // The child is killed when it is dropped.
            Err(_) => return Err(NativeError::TimedOut { allowed: self.setup.call_time }),
        };
        reply(&answer)
    }

    fn start(&self) -> io::Result<Child> {
        let mut command = Command::new(&self.setup.program);
        command.arg(NativeSetup::ARGUMENT).env_clear().current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).spawn()
    }

    async fn talk(&self, child: &mut Child, request: &[u8]) -> Result<Vec<u8>, Ended> {
        let (mut to, mut from) =
            (child.stdin.take().ok_or(Ended::Broken)?, child.stdout.take().ok_or(Ended::Broken)?);
        let start = Start {
            protocol: PROTOCOL,
            read: self.setup.read.clone(),
            write: self.setup.write.clone(),
            confined: self.setup.guards.on(Guard::Confined),
            memory_bytes: MEMORY,
        };
        send(&mut to, &serde_json::to_vec(&start).map_err(|_| Ended::Broken)?).await?;
        send(&mut to, &self.setup.library).await?;
        ready(&receive(&mut from).await?)?;
        send(&mut to, request).await?;
        receive(&mut from).await
    }

    /// Names how a child ended that gave no answer, and logs what it printed.
    async fn crashed(&self, mut child: Child) -> NativeError {
        if let Some(errors) = child.stderr.take() {
            let mut printed = Vec::new();
            let mut errors = errors.take(MOST_PRINTED);
            let read = tokio::time::timeout(Duration::from_secs(1), errors.read_to_end(&mut printed)).await;
            if read.is_ok() && !printed.is_empty() {
                let printed = text::line(&String::from_utf8_lossy(&printed), 1000).into_owned();
                let plugin = &self.setup.plugin;
                tracing::warn!(target: "ostler::plugin", plugin, printed, "a native plugin ended without an answer");
            }
        }
        match tokio::time::timeout(Duration::from_secs(1), child.wait()).await {
            Ok(Ok(status)) => NativeError::Crashed(in_words(status)),
            _ => NativeError::Crashed("it broke the protocol".to_owned()),
        }
    }
}

/// Takes the child's first frame.
pub(super) fn ready(frame: &[u8]) -> Result<(), Ended> {
    match serde_json::from_slice(frame).map_err(|_| Ended::Broken)? {
        Ready::Loaded { protocol: PROTOCOL } => Ok(()),
        Ready::Loaded { .. } => Err(Ended::Unfit("the program was replaced while it ran".to_owned())),
        Ready::Unfit(reason) => Err(Ended::Unfit(reason)),
    }
}

/// Takes its answer.
pub(super) fn reply(frame: &[u8]) -> Result<NativeReply, NativeError> {
    match serde_json::from_slice(frame).map_err(|_| NativeError::BadAnswer("it is no reply"))? {
        NativeReply::Failed(failure) => {
            Err(NativeError::Said(NativeFailure { text: clean(&failure.text), ..failure }))
        }
        reply => Ok(reply),
    }
}

pub(super) fn entries(reply: NativeReply) -> Result<Vec<NativeEntry>, NativeError> {
    let NativeReply::Entries(mut entries) = reply else {
        return Err(NativeError::BadAnswer("it is no list of entries"));
    };
    entries.truncate(MOST_ENTRIES);
    for entry in &mut entries {
        entry.name = clean(&entry.name);
    }
    Ok(entries)
}

pub(super) fn description(reply: NativeReply) -> Result<NativeDescription, NativeError> {
    let NativeReply::Description(mut description) = reply else {
        return Err(NativeError::BadAnswer("it is no description"));
    };
    description.name = clean(&description.name);
    for requirement in &mut description.requirements {
        requirement.label = clean(&requirement.label);
    }
    Ok(description)
}

/// Why there is no answer.
pub(super) enum Ended {
    Unfit(String),
    Broken,
}

async fn send(to: &mut ChildStdin, bytes: &[u8]) -> Result<(), Ended> {
    let length = u32::try_from(bytes.len()).map_err(|_| Ended::Broken)?;
    to.write_all(&length.to_le_bytes()).await.map_err(|_| Ended::Broken)?;
    to.write_all(bytes).await.map_err(|_| Ended::Broken)?;
    to.flush().await.map_err(|_| Ended::Broken)
}

async fn receive(from: &mut ChildStdout) -> Result<Vec<u8>, Ended> {
    let mut length = [0; 4];
    from.read_exact(&mut length).await.map_err(|_| Ended::Broken)?;
    let length = wire::checked(length, LARGEST_NATIVE_MESSAGE).map_err(|_| Ended::Broken)?;
    let mut bytes = vec![0; length];
    from.read_exact(&mut bytes).await.map_err(|_| Ended::Broken)?;
    Ok(bytes)
}

fn in_words(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "it ended".to_owned(),
    }
}

fn clean(words: &str) -> String {
    text::line(words, 1000).into_owned()
}
