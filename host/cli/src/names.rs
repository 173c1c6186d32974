//! Names that a shell completes: connections, folders, recordings, plugins.
//!
//! They come from the process that holds the store unlocked. Where there is none, or it does not answer at once, nothing is
//! offered: pressing a key never asks for a passphrase.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::sync::Arc;
use std::time::Duration;

use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use ostler_app::core::{
    BoxFuture, Form, FormAnswers, PromptError, Prompter, SessionId, SessionInput, TerminalSize,
};
use ostler_app::{Command, Configuration, Event, FrontEnd, Reply};
use ostler_serve::{Build, Client, socket_name};

use crate::output::escape;
use crate::places::Surroundings;

/// How long a person waits for a key.
const PATIENCE: Duration = Duration::from_millis(500);

/// Offers the paths of connections.
pub(crate) fn connections() -> ArgValueCandidates {
    offer(|| Command::ConnectionList { folder: String::new(), search: String::new() })
}

/// Offers the paths of folders.
pub(crate) fn folders() -> ArgValueCandidates {
    offer(|| Command::Tree { folder: String::new() })
}

/// Offers the ids of recordings.
pub(crate) fn recordings() -> ArgValueCandidates {
    offer(|| Command::RecordingList)
}

/// Offers the ids of plugins.
pub(crate) fn plugins() -> ArgValueCandidates {
    offer(|| Command::PluginList)
}

fn offer(command: impl Fn() -> Command + Send + Sync + 'static) -> ArgValueCandidates {
    ArgValueCandidates::new(move || ask(command()).map(candidates).unwrap_or_default())
}

fn candidates(reply: Reply) -> Vec<CompletionCandidate> {
    let offered = |name: String, what: String| {
        // What can't be shown on a terminal as it is can't be typed either.
        (escape(&name) == name)
            .then(|| CompletionCandidate::new(name).help((!what.is_empty()).then(|| what.into())))
    };
    match reply {
        Reply::Connections(list) => {
            list.into_iter().filter_map(|found| offered(found.path, escape(&found.host))).collect()
        }
        Reply::Tree(nodes) => nodes
            .into_iter()
            .filter(|node| node.kind.is_none())
            .filter_map(|node| offered(node.path, String::new()))
            .collect(),
        Reply::Recordings(list) => list
            .into_iter()
            .filter_map(|found| {
                offered(found.id, found.connection.as_deref().map(escape).unwrap_or_default())
            })
            .collect(),
        Reply::Plugins(list) => {
            list.into_iter().filter_map(|found| offered(found.id, found.version)).collect()
        }
        _ => Vec::new(),
    }
}

/// Finds the store that the words name which are to be completed.
fn named_store(mut words: impl Iterator<Item = OsString>) -> Option<OsString> {
    while let Some(word) = words.next() {
        if word == "--store" {
            return words.next();
        }
        if let Some(store) = word.as_bytes().strip_prefix(b"--store=") {
            return Some(OsStr::from_bytes(store).to_owned());
        }
    }
    None
}

/// Asks the process that holds the store unlocked.
fn ask(command: Command) -> Option<Reply> {
    let program = std::env::current_exe().ok()?;
    let build = Build::of(&program, env!("CARGO_PKG_VERSION")).ok()?;
    let located = Surroundings {
        variable: &|name| std::env::var_os(name),
        program: Some(program),
        store: named_store(std::env::args_os()).or_else(|| std::env::var_os("OSTLER_STORE")).map(Into::into),
        config: None,
    }
    .locate()
    .ok()?;
    let socket = located.run.join(socket_name(&located.places));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    runtime.block_on(async {
        let answer = async {
            let client = Client::connect(&socket, &build).await.ok()??;
            client.execute(command, Configuration::default(), Arc::new(Nobody)).await.ok()
        };
        tokio::time::timeout(PATIENCE, answer).await.ok()?
    })
}

/// A front end with nobody at it.
struct Nobody;

impl Prompter for Nobody {
    fn ask<'a>(
        &'a self,
        _asker: &'a str,
        _form: &'a Form,
    ) -> BoxFuture<'a, Result<FormAnswers, PromptError>> {
        Box::pin(std::future::ready(Err(PromptError::Headless)))
    }
}

impl FrontEnd for Nobody {
    fn show(&self, _event: Event) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    fn input(&self, _session: SessionId) -> BoxFuture<'_, SessionInput> {
        Box::pin(std::future::pending())
    }

    fn terminal(&self) -> Option<(TerminalSize, String)> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_store_of_the_words_is_found() {
        let found = |words: &[&str]| named_store(words.iter().map(OsString::from));
        assert_eq!(found(&["ostler", "--store", "/a b", "connect", ""]), Some("/a b".into()));
        assert_eq!(found(&["ostler", "connect", "--store=/a", ""]), Some("/a".into()));
        assert_eq!(found(&["ostler", "connect", "--stored", ""]), None);
    }
}
