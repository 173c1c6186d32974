//! The program `ostler`, driven as a person or a script drives it. A module per part of it.

// Marked, so that lints take its helpers for what they are.
#[cfg(test)]
mod audit;
mod config;
// As above.
#[cfg(test)]
mod doctor;
mod entries;
mod exports;
// As above.
#[cfg(test)]
mod fifteen_tasks;
mod imports;
// Marked, so that lints take its helpers for what they are.
#[cfg(test)]
mod keyring;
mod keys;
mod plugin_settings;
mod plugins;
mod recordings;
mod sessions;
mod shells;
mod stores;
mod terminals;
mod words;

// Used by other test binaries of this package.
use tokio as _;
