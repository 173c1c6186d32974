//! Write plugins for Ostler in Rust.
//!
//! A plugin is one WebAssembly component. It has the rights that its manifest asks for and that the user grants, and no
//! other: no files, no network, no environment. It reaches the host through the modules of this crate only.
//!
//! # A complete importer
//!
//! Its file has a host name and a port on each line. `plugin.toml` stands beside `Cargo.toml`.
//!
//! ```
//! use ostler_sdk::importer::{
//!     Connection, Entry, Failure, Feed, Importer, Info, Options, Position, Problem, Summary,
//! };
//! use std::io::Read;
//!
//! struct HostList;
//! ostler_sdk::export_plugin!(HostList, kinds: [importer]);
//!
//! impl Importer for HostList {
//!     fn describe() -> Info {
//!         Info::new("Host list").extension("hosts")
//!     }
//!     fn detect(head: &[u8], name: &str) -> u8 {
//!         if head.starts_with(b"#hosts") { 90 } else if name.ends_with(".hosts") { 50 } else { 0 }
//!     }
//!     fn parse(_: &Options, feed: &mut Feed) -> Result<Summary, Failure> {
//!         let mut text = String::new();
//!         feed.read_to_string(&mut text)?;
//!         for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.starts_with('#')) {
//!             let at = Position::line(number);
//!             let Some((host, Ok(port))) = line.split_once(' ').map(|(host, port)| (host, port.parse())) else {
//!                 feed.problem(Problem::not_imported(at, "a line is 'host port'").mendable(format!("{line}\n")));
//!                 continue;
//!             };
//!             let entry = Entry::new(Connection::new(host, "ssh", host, port)).at(at).identity(host);
//!             if !feed.entry(entry) { break }
//!         }
//!         Ok(Summary::new("host list"))
//!     }
//! }
//! # use ostler_sdk::importer::parse_in_memory;
//! # let parsed = parse_in_memory::<HostList>(b"#hosts\na.example 22\nnothing\n", &[]);
//! # assert_eq!((parsed.entries.len(), parsed.problems.len()), (1, 1));
//! # assert_eq!(parsed.problems[0].position, Position::line(3));
//! ```
//!
//! `cargo build --release --target wasm32-wasip2` makes of it a file that `ostler plugin install` takes. Natively the
//! crate is an ordinary library: `cargo test` runs its tests on the machine that builds it, and [`importer::parse_in_memory`]
//! stands for the host. With the feature `cases`, the module `cases` runs a folder of example files.
//!
//! # What is where
//!
//! | module | what it is | capability |
//! |---|---|---|
//! | [`importer`] | reads foreign files | none |
//! | [`launcher`] | turns a connection into a session plan | `secrets.use`, to name slots |
//! | [`driver`] | carries out a session of a protocol of its own | `net`, `terminal` |
//! | [`log`] | lines in the host's log | `log` |
//! | [`storage`] | data of the plugin's own | `storage` |
//! | [`settings`] | what was set for the plugin | `settings` |
//! | [`prompt`] | asks the person | `prompt` |
//! | [`secrets`] | which slots a call may name; answers and sends with them | `secrets.use` |
//! | [`http`] | requests to granted hosts | `http` |
//! | [`net`] | byte streams to a session's target or granted hosts | `net` |
//! | [`terminal`] | the terminal of a driven session | `terminal` |
//! | [`desktop`] | the desktop of a driven session | `desktop` |
//! | [`secrets_reveal`] | reads secrets of a call | `secrets.reveal` |
//! | [`secrets_store`] | secrets of the plugin's own | `secrets.store` |
//! | [`connections`] | the tree of folders and connections | `connections.read`, `connections.write` |
//! | [`recording`] | markers in a session's recording, and finished recordings | `recording.annotate`, `recording.read` |
//! | [`events`] | what happened in the host | `events` |
//! | [`files`] | files, folders and local sockets that somebody named | `files` |
//! | [`clock`] | the time with its zone, and waits | `clock` |
//!
//! A capability must stand in the manifest, or the plugin is refused at install. One that was not granted answers with
//! [`types::CapabilityError::Denied`]: a value, never a trap. A panic ends the call, and nothing of it is kept.
#![warn(missing_docs)]

pub mod desktop;
pub mod driver;
pub mod importer;
pub mod launcher;

pub mod clock;
pub mod connections;
pub mod events;
pub mod files;
pub mod http;
pub mod inbound;
pub mod log;
pub mod net;
pub mod process;
pub mod prompt;
pub mod recording;
pub mod secrets;
pub mod secrets_reveal;
pub mod secrets_store;
pub mod settings;
pub mod storage;
pub mod terminal;

pub mod types;

#[cfg(all(feature = "cases", not(target_family = "wasm")))]
pub mod cases;

mod bindings;
mod export;
mod machine_bindings;
mod store_bindings;

#[doc(hidden)]
pub use export::private as __private;
