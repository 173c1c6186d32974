//! What plugins export, one module per kind, each with the conversion between WIT types and `core` beside it.
//!
//! A later version of a kind's interface gets a module of its own here, chosen when the plugin is loaded; callers see one
//! set of functions whatever version a plugin was built for.

pub(crate) mod driver;
pub(crate) mod importer;
pub(crate) mod importer_convert;
pub(crate) mod importer_feed;
mod importer_packed;
pub(crate) mod launcher;
mod launcher_0_1;
mod launcher_0_2;
mod launcher_convert;

use wasmtime::component::Linker;

use crate::instance::State;

/// Links what kinds give to their plugins beside capabilities: the feed of importers, the events of drivers.
pub(crate) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    importer_feed::link(linker)?;
    driver::link(linker)
}
