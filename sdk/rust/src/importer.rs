//! Importers: bytes of a foreign file in, entries and problems out.
//!
//! An importer never opens the file and never decides what becomes of an entry: the host reads, checks and stores. What
//! it can't take it says, with the line: an entry is either handed over or named as a problem, never dropped.
//!
//! Limits, by default: 300 s of computing and 128 MiB of memory for a file, a million entries and as many problems; a
//! name has at most 255 bytes, notes and custom fields 64 KiB each, a record to be mended 1 MiB.

mod entry;
pub(crate) mod feed;
mod items;
mod options;
mod packed;

pub use crate::bindings::importer::ostler::importer::types::{
    Failure, Info, MappedField, MappingState, OptionInfo, Position, Problem, Severity, Summary,
};
pub use entry::{Connection, Credential, Entry, Folder, Item, LocalCredential, Secret};
pub use feed::{Feed, Input, Output};
#[cfg(not(target_family = "wasm"))]
pub use feed::{Parsed, parse_in_memory};
pub use options::Options;

/// What an importer is. A call has an instance of its own, so there is no `self`: nothing outlives a call but
/// [`crate::storage`].
pub trait Importer {
    /// Returns the format's name, its file name endings and its options.
    fn describe() -> Info;

    /// Tells from the first bytes (at most 64 KiB) and the name how sure it is that it can read the file, 0 to 100. The
    /// surest importer gets the file. Look at the content first: people rename files.
    fn detect(head: &[u8], name: &str) -> u8;

    /// Reads the whole file from `feed`, and hands over what it finds as it goes.
    ///
    /// The options are among those of [`Importer::describe`], with values among their choices: all others are refused
    /// before `parse` is called.
    ///
    /// # Errors
    /// Says why the file can't be imported at all; nothing is imported then. A record that can't be taken is no such
    /// error but a [`Problem`].
    fn parse(options: &Options, feed: &mut Feed) -> Result<Summary, Failure>;
}
