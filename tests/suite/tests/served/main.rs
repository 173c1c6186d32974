//! A store that another process holds unlocked: that process itself, and the scenarios of `cli` once more through it. What
//! a command says and does must be the same.

mod attacked;
#[cfg(test)]
#[path = "../cli/audit.rs"]
mod audit;
#[path = "../cli/entries.rs"]
mod entries;
#[path = "../cli/imports.rs"]
mod imports;
#[path = "../cli/plugins.rs"]
mod plugins;
#[path = "../cli/recordings.rs"]
mod recordings;
mod server;
#[path = "../cli/sessions.rs"]
mod sessions;
#[path = "../cli/terminals.rs"]
mod terminals;

// Used by other test binaries of this package.
use tokio as _;
