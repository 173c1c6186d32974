//! The rule book, executed: dependency arrows, libraries that belong to one crate, released contracts,
//! tidiness of the tree.
//!
//! Each rule is a pure function from what is there to a list of faults, so that a test can show that it fails.

mod arrows;
mod events;
mod libraries;
mod released;
mod rooms;
mod tidy;
mod tree;

use anyhow::bail;

use crate::workspace::Workspace;

/// Checks everything, prints every fault, and fails where there is one.
pub(crate) fn run(workspace: &Workspace) -> anyhow::Result<()> {
    let crates = tree::crates(&workspace.metadata);
    let files = tree::files(&workspace.root)?;
    let mut faults = arrows::faults(&crates);
    faults.extend(libraries::faults(&crates));
    faults.extend(tidy::faults(&files));
    faults.extend(events::faults(&files));
    faults.extend(rooms::faults(&crates, &files));
    faults.extend(released::faults(&workspace.root)?);
    for fault in &faults {
        eprintln!("{fault}");
    }
    if !faults.is_empty() {
        bail!("{} faults in {} crates and {} files", faults.len(), crates.len(), files.len());
    }
    println!("checked {} crates and {} files: no fault", crates.len(), files.len());
    Ok(())
}
