//! Folders and connections that refer to each other in any way: circles, what is missing, names that are taken.

use std::path::{Path, PathBuf};

use anyhow::ensure;
use ostler_core::{Connection, Folder, Settings, Tree};

use super::Taken;
use super::row::{connection, folder};
use crate::Input;

/// More do nothing that these don't.
const MOST: usize = 32;

pub(super) fn good(_: &[PathBuf]) -> anyhow::Result<Vec<Input>> {
    let sound = ([folder(1, None), folder(2, Some(1))], [connection(3, Some(2)), connection(4, None)]);
    let circle = ([folder(1, Some(2)), folder(2, Some(1))], [connection(3, Some(2)), connection(4, Some(9))]);
    Ok(vec![Input::of(serde_json::to_vec(&sound)?), Input::of(serde_json::to_vec(&circle)?)])
}

/// Each entry is found by its id, no walk upwards is without an end, and what may be moved makes no circle.
pub(super) fn take(input: &Input, _: &Path) -> anyhow::Result<Taken> {
    let Ok((mut folders, mut connections)) =
        serde_json::from_slice::<(Vec<Folder>, Vec<Connection>)>(input.bytes())
    else {
        return Ok(Taken::Refused);
    };
    folders.truncate(MOST);
    connections.truncate(MOST);
    let tree = Tree::new(folders, connections);
    for connection in tree.connections() {
        let found = tree.find_connection(&connection.id.to_string());
        ensure!(found.is_ok_and(|found| found.id == connection.id), "a connection is not found by its id");
        drop(tree.find_connection(&tree.connection_path(connection)).map_err(|error| error.to_string()));
        drop(format!("{:?}", tree.effective_credential(connection)));
        drop(tree.effective_settings(connection, &Settings::default()));
        drop(tree.check_connection_name(connection.folder, &connection.name, None));
    }
    for folder in tree.folders() {
        let (inside, _) = tree.below(folder.id);
        ensure!(inside.iter().any(|inner| inner.id == folder.id), "a folder is not in itself");
        drop(tree.find_folder(&tree.folder_path(Some(folder.id))).map_err(|error| error.to_string()));
        drop(tree.check_folder_name(folder.parent, &folder.name, None));
        for target in tree.folders() {
            if tree.check_move(folder.id, Some(target.id)).is_ok() {
                let mut moved = tree.clone();
                moved.put_folder(Folder { parent: Some(target.id), ..folder.clone() });
                let above = moved.enclosing(Some(target.id));
                ensure!(above.iter().all(|above| above.id != folder.id), "a move made a circle");
            }
        }
    }
    Ok(Taken::Read)
}
