//! The verbs: each turns its words into commands of the host and says which exit code comes of them.

pub(crate) mod audit;
pub(crate) mod author;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod connect;
pub(crate) mod connection;
pub(crate) mod dev;
pub(crate) mod doctor;
pub(crate) mod export;
pub(crate) mod fields;
pub(crate) mod folder;
pub(crate) mod host_key;
pub(crate) mod import;
pub(crate) mod plugin;
pub(crate) mod recording;
pub(crate) mod store;
pub(crate) mod tree;
pub(crate) mod unlock;

use crate::arguments::Verb;
use crate::context::Context;
use crate::error::CliError;

/// Carries a verb out and returns the exit code.
///
/// # Errors
/// Fails with what a person is to be told.
pub(crate) async fn run(verb: Verb, context: &Context) -> Result<u8, CliError> {
    match verb {
        Verb::Store(store) => store.run(context).await,
        Verb::Folder(folder) => folder.run(context).await,
        Verb::Connection(connection) => connection.run(context).await,
        Verb::Tree(tree) => tree.run(context).await,
        Verb::Import(import) => import.run(context).await,
        Verb::Export(export) => export.run(context).await,
        Verb::Connect(connect) => connect.run(context).await,
        Verb::Recording(recording) => recording.run(context).await,
        Verb::Audit(audit) => audit.run(context).await,
        Verb::Plugin(plugin) => plugin.run(context).await,
        Verb::HostKey(host_key) => host_key.run(context).await,
        Verb::Config(config) => config.run(context),
        Verb::Unlock(unlock) => unlock.run(context).await,
        Verb::Lock(lock) => lock.run(context).await,
        Verb::Serve(serve) => serve.run(context).await,
        Verb::Completions(completions) => completions.run(&context.output),
        Verb::Man(man) => man.run(&context.output),
        Verb::Doctor(doctor) => doctor.run(context).await,
    }
}
