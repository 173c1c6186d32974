//! A store in memory behind the ports of the store.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ostler_core::{
    Connection, ConnectionId, ConnectionTree, CredentialMode, EventHistory, FinishedRecording, Folder,
    FolderId, HostEvent, HostOutcome, LocalCredential, PASSWORD_SLOT, PluginSecret, PluginSecrets, PortError,
    Recorded, RecordedMoment, RecordedMoments, RecordingArchive, RecordingId, SecretBytes, SecretId,
    SessionId, Settings, SlotName, TerminalSize, TimeZone, Timestamp, Tree, TreeChange, ZoneAt,
};

/// What happens to the tree between two looks.
type Interference = Box<dyn FnOnce(&mut Tree) + Send>;

/// A tree of entries, all in memory.
#[derive(Default)]
pub(crate) struct FakeStore {
    pub(crate) tree: Mutex<Tree>,
    pub(crate) broken: Mutex<bool>,
    /// Changes the tree after a change was decided and before it is made.
    pub(crate) interference: Mutex<Option<Interference>>,
    pub(crate) recordings: Mutex<Vec<FinishedRecording>>,
    /// How many moments each recording has beyond its four.
    pub(crate) outputs: Mutex<usize>,
    /// The recordings that were opened, in order.
    pub(crate) opened: Mutex<Vec<RecordingId>>,
    pub(crate) events: Mutex<Vec<HostEvent>>,
    pub(crate) secrets: Mutex<BTreeMap<String, (PluginSecret, SecretBytes)>>,
}

impl FakeStore {
    /// Fills the tree: `Servers/Lab/db` with a password, `Servers/web` and `Notes/memo`, which inherit, and `Private/bank`
    /// and `root`, which no grant covers.
    pub(crate) fn fill(&self) {
        let folder = |parent: Option<&Folder>, name: &str| Folder {
            id: FolderId::random(),
            parent: parent.map(|parent| parent.id),
            name: name.to_owned(),
            notes: format!("notes of {name}"),
            credential: CredentialMode::Inherit,
            settings: Settings::default(),
            source: None,
        };
        let servers = folder(None, "Servers");
        let lab = folder(Some(&servers), "Lab");
        let (notes, private) = (folder(None, "Notes"), folder(None, "Private"));
        let mut db = connection(Some(lab.id), "db");
        db.credential = CredentialMode::Local(LocalCredential {
            user: Some("root".to_owned()),
            domain: None,
            secrets: BTreeMap::from([(SlotName::new(PASSWORD_SLOT).unwrap(), SecretId::random())]),
        });
        let connections = [
            db,
            connection(Some(lab.id), "mail"),
            connection(Some(servers.id), "web"),
            connection(Some(notes.id), "memo"),
            connection(Some(private.id), "bank"),
            connection(None, "root"),
        ];
        *self.tree.lock().unwrap() = Tree::new([servers, lab, notes, private], connections);
    }

    pub(crate) fn add(&self, connection: Connection) {
        self.tree.lock().unwrap().put_connection(connection);
    }

    pub(crate) fn connection(&self, path: &str) -> Connection {
        self.tree.lock().unwrap().find_connection(path).unwrap().clone()
    }

    pub(crate) fn id(&self, path: &str) -> String {
        self.connection(path).id.to_string()
    }

    pub(crate) fn paths(&self) -> Vec<String> {
        let tree = self.tree.lock().unwrap();
        let mut paths: Vec<String> = tree.connections().map(|found| tree.connection_path(found)).collect();
        paths.extend(tree.folders().map(|found| tree.folder_path(Some(found.id))));
        paths.sort();
        paths
    }

    fn check(&self) -> Result<(), PortError> {
        if *self.broken.lock().unwrap_or_else(PoisonError::into_inner) {
            Err(PortError("/home/me/store.db is gone".to_owned()))
        } else {
            Ok(())
        }
    }
}

pub(crate) fn connection(folder: Option<FolderId>, name: &str) -> Connection {
    Connection {
        id: ConnectionId::random(),
        folder,
        name: name.to_owned(),
        kind: "ssh".to_owned(),
        host: format!("{name}.example"),
        port: 22,
        credential: CredentialMode::Inherit,
        settings: Settings::default(),
        notes: String::new(),
        tags: BTreeSet::from(["t".to_owned()]),
        custom_fields: BTreeMap::new(),
        source: None,
        imported: None,
        created: Timestamp(1),
        updated: Timestamp(2),
    }
}

impl ConnectionTree for FakeStore {
    fn read(&self, look: &mut dyn FnMut(&Tree)) -> Result<(), PortError> {
        self.check()?;
        look(&self.tree.lock().unwrap());
        Ok(())
    }

    fn change(&self, decide: &mut dyn FnMut(&Tree) -> Option<TreeChange>) -> Result<(), PortError> {
        self.check()?;
        let mut tree = self.tree.lock().unwrap();
        let mut change = decide(&tree);
        if let Some(interfere) = self.interference.lock().unwrap().take() {
            interfere(&mut tree);
            change = decide(&tree);
        }
        match change {
            None => {}
            Some(TreeChange::CreateConnection(made) | TreeChange::ChangeConnection(made)) => {
                tree.put_connection(*made);
            }
            Some(TreeChange::CreateFolder(made) | TreeChange::ChangeFolder(made)) => tree.put_folder(made),
            Some(TreeChange::DeleteConnection(gone)) => {
                *tree = without(&tree, |_| true, |kept| kept.id != gone);
            }
            Some(TreeChange::DeleteFolder(gone)) => {
                *tree = without(&tree, |kept| kept.id != gone, |_| true);
            }
        }
        Ok(())
    }

    fn knows_kind(&self, kind: &str) -> bool {
        kind == "ssh"
    }
}

fn without(tree: &Tree, folder: impl Fn(&&Folder) -> bool, kept: impl Fn(&&Connection) -> bool) -> Tree {
    Tree::new(tree.folders().filter(folder).cloned(), tree.connections().filter(kept).cloned())
}

impl TimeZone for FakeStore {
    fn at(&self, time: Timestamp) -> ZoneAt {
        assert_eq!(time, Timestamp(1_000_000_000_000_001));
        ZoneAt { name: Some("Europe/Berlin".to_owned()), east_seconds: 7200 }
    }
}

/// A recording of a connection that had this path, and has another now.
pub(crate) fn recording(path: &str, present: Option<&str>, started: i64) -> FinishedRecording {
    FinishedRecording {
        id: RecordingId::random(),
        session: SessionId::random(),
        connection: ConnectionId::random(),
        path: path.to_owned(),
        present_path: present.map(ToOwned::to_owned),
        target: "db.example:22".to_owned(),
        kind: "ssh".to_owned(),
        user: "root".to_owned(),
        started: Timestamp(started),
        duration: Duration::from_secs(3),
        complete: true,
    }
}

impl RecordingArchive for FakeStore {
    fn list(&self) -> Result<Vec<FinishedRecording>, PortError> {
        self.check()?;
        Ok(self.recordings.lock().unwrap().clone())
    }

    fn open(&self, id: RecordingId) -> Result<Box<dyn RecordedMoments>, PortError> {
        self.check()?;
        self.opened.lock().unwrap().push(id);
        let mut moments = vec![
            Recorded::Output(b"hello ".to_vec()),
            Recorded::Marker("note".to_owned()),
            Recorded::Resize(TerminalSize { columns: 80, rows: 24 }),
        ];
        moments.extend(vec![Recorded::Output(vec![b'x'; 100]); *self.outputs.lock().unwrap()]);
        moments.push(Recorded::Exit(Some(0)));
        Ok(Box::new(Moments(moments.into_iter())))
    }
}

struct Moments(std::vec::IntoIter<Recorded>);

impl RecordedMoments for Moments {
    fn next(&mut self) -> Result<Option<RecordedMoment>, PortError> {
        Ok(self.0.next().map(|what| RecordedMoment { at: Duration::from_secs(1), what }))
    }
}

/// An event about a connection.
pub(crate) fn event(name: &str, path: Option<&str>) -> HostEvent {
    let folder = path.map(|path| {
        let mut names: Vec<String> = path.split('/').map(ToOwned::to_owned).collect();
        names.pop();
        names
    });
    HostEvent {
        name: name.to_owned(),
        time: Timestamp(7),
        outcome: HostOutcome::Success,
        path: path.map(ToOwned::to_owned),
        folder,
        connection: None,
        session: None,
        recording: None,
        plugin: None,
    }
}

impl EventHistory for FakeStore {
    fn latest(&self) -> Result<u64, PortError> {
        self.check()?;
        Ok(self.events.lock().unwrap().len() as u64)
    }

    fn since(&self, cursor: u64, most: usize) -> Result<(Vec<HostEvent>, u64), PortError> {
        self.check()?;
        let events = self.events.lock().unwrap();
        let behind: Vec<HostEvent> =
            events.iter().skip(usize::try_from(cursor).unwrap()).take(most).cloned().collect();
        let next = cursor + behind.len() as u64;
        Ok((behind, next))
    }
}

impl PluginSecrets for FakeStore {
    fn list(&self) -> Result<Vec<PluginSecret>, PortError> {
        self.check()?;
        Ok(self.secrets.lock().unwrap().values().map(|(secret, _)| secret.clone()).collect())
    }

    fn put(&self, secret: &PluginSecret, bytes: SecretBytes) -> Result<(), PortError> {
        self.check()?;
        self.secrets.lock().unwrap().insert(secret.name.clone(), (secret.clone(), bytes));
        Ok(())
    }

    fn delete(&self, name: &str) -> Result<(), PortError> {
        self.check()?;
        self.secrets.lock().unwrap().remove(name);
        Ok(())
    }
}
