//! Capability `connections.read`: folders and connections within the granted folders, page by page.
//!
//! A list holds what every layer of the grant covers; a folder or connection that is asked for by name and not covered is
//! refused. Never hands out a secret, nor the id of one.

use std::collections::BTreeMap;
use std::sync::Arc;

use ostler_core::{ConnectionTree, FolderId, PortError, Tree};
use ostler_plugin_api::Capability;
use wasmtime::component::{HasData, Linker};

use super::calls::Calls;
use super::connections_convert::{connection_to_wit, folder_to_wit, names, split};
use super::ostler::types::types::CapabilityError;
use super::store::ostler::connections::{read as wit, types};
use super::{CallChain, Gate, HostCapability, Setup};
use crate::instance::State;
use crate::text;

/// Entries of a page, as the WIT document says.
const MOST_ENTRIES: usize = 256;
/// Bytes of the notes and fields of a page, after which it is full: entries may be large.
const FULL_AT: usize = 1 << 20;
/// Bytes of a path that a reason names.
const LONGEST_SHOWN: usize = 200;

/// The capability of one plugin.
pub(crate) struct ConnectionsRead {
    gate: Gate,
    port: Arc<dyn ConnectionTree>,
    most_calls: u32,
}

/// What one call asks for.
pub(crate) struct Instance {
    own: Arc<ConnectionsRead>,
    calls: Calls,
}

impl HostCapability for ConnectionsRead {
    const CAPABILITY: Capability = Capability::ConnectionsRead;
    type Instance = Instance;

    fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
        wit::add_to_linker::<State, Access>(linker, |state| &mut state.capabilities.connections_read)
    }

    fn configure(setup: &Setup<'_>) -> Self {
        Self {
            gate: Gate::new(Self::CAPABILITY, setup),
            port: Arc::clone(&setup.ports.connections),
            most_calls: setup.limits.store_calls,
        }
    }

    fn build(self: &Arc<Self>, _: &CallChain<'_>) -> Instance {
        Instance { own: Arc::clone(self), calls: Calls::at_most(self.most_calls) }
    }
}

struct Access;

impl HasData for Access {
    type Data<'a> = &'a mut Instance;
}

impl wit::Host for Instance {
    fn list_connections(
        &mut self,
        query: wit::Query,
        after: Option<String>,
    ) -> Result<wit::ConnectionPage, CapabilityError> {
        self.begin()?;
        let after = after.map(|after| id(&after)).transpose()?;
        self.own.check_under(&query.under)?;
        self.look(|tree, own| {
            let mut reach = Reach::new(own, tree, &query.under)?;
            let mut page = wit::ConnectionPage { connections: Vec::new(), next: None };
            let mut bytes = 0;
            let wanted = |connection: &&ostler_core::Connection| {
                query.kind.as_ref().is_none_or(|kind| *kind == connection.kind)
                    && query.tag.as_ref().is_none_or(|tag| connection.tags.contains(tag))
            };
            for connection in tree.connections_after(after).filter(wanted) {
                let Some(folder) = reach.path(connection.folder) else { continue };
                bytes += connection.notes.len();
                bytes += connection.custom_fields.values().map(String::len).sum::<usize>();
                page.connections.push(connection_to_wit(connection, folder));
                if page.connections.len() == MOST_ENTRIES || bytes >= FULL_AT {
                    page.next = Some(connection.id.to_string());
                    break;
                }
            }
            Ok(page)
        })
    }

    fn get_connection(&mut self, wanted: String) -> Result<Option<types::Connection>, CapabilityError> {
        self.begin()?;
        let wanted = id(&wanted)?;
        self.look(|tree, own| {
            let Some(connection) = tree.connection(wanted) else { return Ok(None) };
            own.check_covered(&names(tree, connection.folder))?;
            Ok(Some(connection_to_wit(connection, tree.folder_path(connection.folder))))
        })
    }

    fn list_folders(
        &mut self,
        under: String,
        after: Option<String>,
    ) -> Result<wit::FolderPage, CapabilityError> {
        self.begin()?;
        let after = after.map(|after| id(&after)).transpose()?;
        self.own.check_under(&under)?;
        self.look(|tree, own| {
            let mut reach = Reach::new(own, tree, &under)?;
            let top = reach.under;
            let mut page = wit::FolderPage { folders: Vec::new(), next: None };
            let mut bytes = 0;
            for folder in tree.folders_after(after).filter(|folder| Some(folder.id) != top) {
                let Some(path) = reach.path(Some(folder.id)) else { continue };
                bytes += folder.notes.len();
                page.folders.push(folder_to_wit(folder, path));
                if page.folders.len() == MOST_ENTRIES || bytes >= FULL_AT {
                    page.next = Some(folder.id.to_string());
                    break;
                }
            }
            Ok(page)
        })
    }

    fn get_folder(&mut self, path: String) -> Result<Option<types::Folder>, CapabilityError> {
        self.begin()?;
        self.own.check_covered(&split(&path))?;
        self.look(|tree, _| {
            let found = tree.find_folder(&path).ok().flatten().and_then(|found| tree.folder(found));
            Ok(found.map(|folder| folder_to_wit(folder, tree.folder_path(Some(folder.id)))))
        })
    }
}

impl Instance {
    fn begin(&mut self) -> Result<(), CapabilityError> {
        self.own.gate.pass()?;
        self.calls.count()
    }

    fn look<T>(
        &self,
        look: impl Fn(&Tree, &ConnectionsRead) -> Result<T, CapabilityError>,
    ) -> Result<T, CapabilityError> {
        let mut seen = None;
        self.own
            .port
            .read(&mut |tree| seen = Some(look(tree, &self.own)))
            .map_err(|error| unavailable(&error))?;
        seen.unwrap_or_else(|| Err(not_now()))
    }
}

impl ConnectionsRead {
    /// Checks a folder that a list is asked of. The top stands for whatever is covered.
    fn check_under(&self, under: &str) -> Result<(), CapabilityError> {
        let names = split(under);
        if names.is_empty() { Ok(()) } else { self.check_covered(&names) }
    }

    fn check_covered(&self, names: &[&str]) -> Result<(), CapabilityError> {
        self.gate.within(&folder_in_words(names), |scope| scope.covers_folder(names))
    }
}

/// Which folders a list reaches: below the one that it is asked of, and covered.
struct Reach<'a> {
    own: &'a ConnectionsRead,
    tree: &'a Tree,
    under: Option<FolderId>,
    /// The paths of folders that are reached, none for others.
    known: BTreeMap<Option<FolderId>, Option<String>>,
}

impl<'a> Reach<'a> {
    fn new(own: &'a ConnectionsRead, tree: &'a Tree, under: &str) -> Result<Self, CapabilityError> {
        let missing = |_| CapabilityError::Invalid("there is no such folder".to_owned());
        let under = tree.find_folder(under).map_err(missing)?;
        Ok(Self { own, tree, under, known: BTreeMap::new() })
    }

    /// Returns the path of a folder that is reached.
    fn path(&mut self, folder: Option<FolderId>) -> Option<String> {
        let Self { own, tree, under, known } = self;
        let path = known.entry(folder).or_insert_with(|| {
            let below =
                under.is_none() || tree.enclosing(folder).iter().any(|above| Some(above.id) == *under);
            let covered = || {
                let names = names(tree, folder);
                own.gate.covered(|scope| scope.covers_folder(&names))
            };
            (below && covered()).then(|| tree.folder_path(folder))
        });
        path.clone()
    }
}

/// Names a folder in a reason.
pub(super) fn folder_in_words(names: &[&str]) -> String {
    match names {
        [] => "the top folder".to_owned(),
        names => format!("the folder '{}'", text::line(&names.join("/"), LONGEST_SHOWN)),
    }
}

pub(super) fn id<T: std::str::FromStr>(text: &str) -> Result<T, CapabilityError> {
    text.parse().map_err(|_| CapabilityError::Invalid("an id has 32 hexadecimal digits".to_owned()))
}

pub(super) fn unavailable(error: &PortError) -> CapabilityError {
    // The store's own words may name files of the user; they go to the log, not to the plugin.
    tracing::warn!(%error, "the store can't be reached for a plugin");
    not_now()
}

pub(super) fn not_now() -> CapabilityError {
    CapabilityError::Unavailable("the store can't be reached now".to_owned())
}
