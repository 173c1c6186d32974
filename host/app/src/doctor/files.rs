//! What can be checked without the store's keys: the audit log, who may read and write the files, what lies around, how
//! much space there is. Works where there is no store yet, or it can't be opened.

use std::fs::{self, Metadata};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::{CheckView, Places};

/// With less free space than this, in bytes, a long session fills the disk.
const LITTLE_SPACE: u64 = 256 * 1024 * 1024;

/// With less than this, in bytes, next to nothing can be written any more.
const NO_SPACE: u64 = 64 * 1024;

/// So many paths of a kind are named; the others are counted.
const NAMED: usize = 3;

/// Permissions of group and others.
const OTHERS: u32 = 0o077;

/// The right of group and others to write.
const OTHERS_WRITE: u32 = 0o022;

/// Checks what needs no keys. `configuration` is the configuration file.
#[must_use]
pub fn check_files(places: &Places, configuration: &Path) -> Vec<CheckView> {
    let mut checks =
        vec![check_permissions(places, configuration), check_policy(places), check_space(places)];
    if places.has_store() {
        checks.push(check_audit(places));
        checks.push(check_leftovers(places));
    }
    checks
}

fn check_policy(places: &Places) -> CheckView {
    let name = "policy";
    let files: Vec<&PathBuf> =
        places.policies.iter().chain(&places.further_policy).filter(|file| file.exists()).collect();
    let others = |file: &&&PathBuf| {
        fs::metadata(file).is_ok_and(|found| found.permissions().mode() & OTHERS_WRITE != 0)
    };
    if let Some(file) = files.iter().find(others) {
        let advice = format!("chmod go-w {}", quoted(file));
        return CheckView::bad(name, format!("others may write {}", file.display()), advice);
    }
    match places.read_policy() {
        Err(fault) => CheckView::bad(name, fault.to_string(), "mend the file; until then, no plugin runs"),
        Ok(_) if files.is_empty() => {
            CheckView::good(name, "no policy file, so plugins are the user's to decide")
        }
        Ok(_) => {
            let files: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
            CheckView::good(name, files.join(", "))
        }
    }
}

fn check_audit(places: &Places) -> CheckView {
    match ostler_audit::verify(&places.audit(), None) {
        Ok(report) => CheckView::good("audit log", format!("{} lines verify", report.lines)),
        Err(fault) => {
            let advice = "keep the directory as it is and find out who changed it";
            CheckView::bad("audit log", fault.to_string(), advice)
        }
    }
}

/// Compares owner and permissions with what this program gives its files.
fn check_permissions(places: &Places, configuration: &Path) -> CheckView {
    let name = "permissions";
    let (mut foreign, mut writable, mut readable) = (Vec::new(), Vec::new(), Vec::new());
    let paths = private_paths(places);
    // The configuration holds no secret, but who writes it decides about policy.
    for path in paths.iter().chain([&configuration.to_owned()]) {
        let Ok(found) = fs::symlink_metadata(path) else { continue };
        let mode = found.permissions().mode();
        match () {
            // A link has no rights of its own.
            () if found.is_symlink() => {}
            () if foreign_owner(&found) => foreign.push(path.clone()),
            () if mode & OTHERS_WRITE != 0 => writable.push(path.clone()),
            () if mode & OTHERS != 0 && path != configuration => readable.push(path.clone()),
            () => {}
        }
    }
    let mend = |paths: &[PathBuf]| {
        format!("chmod go-rwx {}", paths.iter().map(|path| quoted(path)).collect::<Vec<_>>().join(" "))
    };
    if !foreign.is_empty() {
        let finding = format!("of another user: {}", listed(&foreign));
        let advice = "take them over with 'chown', or run ostler as that user";
        return CheckView::bad(name, finding, advice);
    }
    if !writable.is_empty() {
        return CheckView::bad(name, format!("others may write: {}", listed(&writable)), mend(&writable));
    }
    if !readable.is_empty() {
        let finding = format!("others may look into: {}", listed(&readable));
        return CheckView::warning(name, finding, mend(&readable));
    }
    CheckView::good(name, "store, keys and logs are yours alone")
}

/// Returns the directories and files that are the user's alone: the first two levels of each place. What lies deeper is
/// behind those.
fn private_paths(places: &Places) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    for top in [&places.store, &places.state, &places.cache] {
        paths.push(top.clone());
        for entry in entries(top) {
            paths.push(entry.clone());
            paths.extend(entries(&entry));
        }
    }
    paths
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    if !fs::symlink_metadata(directory).is_ok_and(|found| found.is_dir()) {
        return Vec::new();
    }
    let entries = fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok);
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

fn foreign_owner(found: &Metadata) -> bool {
    found.uid() != rustix::process::geteuid().as_raw()
}

fn check_space(places: &Places) -> CheckView {
    let mut least: Option<(u64, &PathBuf)> = None;
    for place in [&places.store, &places.state, &places.cache] {
        // A place that is not there yet is made in the nearest directory above that is.
        let there = place.ancestors().find(|above| above.is_dir());
        let Some(Ok(disk)) = there.map(rustix::fs::statvfs) else { continue };
        let available = disk.f_bavail.saturating_mul(disk.f_frsize);
        if least.is_none_or(|(found, _)| available < found) {
            least = Some((available, place));
        }
    }
    match least {
        Some((available, place)) => space(available, place),
        None => CheckView::good("disk space", "not known"),
    }
}

fn space(available: u64, place: &Path) -> CheckView {
    let name = "disk space";
    let finding = format!("{} free for {}", size(available), place.display());
    let advice = "free some: sessions that must be recorded don't open on a full disk, and nothing is done that can't \
                  be audited";
    match available {
        ..NO_SPACE => CheckView::bad(name, finding, advice),
        NO_SPACE..LITTLE_SPACE => CheckView::warning(name, finding, advice),
        LITTLE_SPACE.. => CheckView::good(name, finding),
    }
}

fn size(bytes: u64) -> String {
    let (unit, name) = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")]
        .into_iter()
        .find(|(unit, _)| bytes >= *unit)
        .unwrap_or((1, "bytes"));
    format!("{} {name}", bytes / unit)
}

/// Finds older stores that a restore or a replacement set aside: whoever knows their old passphrase can open them.
fn check_leftovers(places: &Places) -> CheckView {
    let mut left: Vec<PathBuf> = Vec::new();
    let inside = entries(&places.store).into_iter().filter(|path| aside(path, "store.db"));
    left.extend(inside);
    if let (Some(above), Some(own)) = (places.store.parent(), places.store.file_name()) {
        let own = own.to_string_lossy();
        left.extend(entries(above).into_iter().filter(|path| aside(path, &own)));
    }
    if left.is_empty() {
        return CheckView::good("leftovers", "none");
    }
    let advice = "remove them when you don't need them: who knows a passphrase of their time can open them";
    CheckView::warning("leftovers", format!("older stores were set aside: {}", listed(&left)), advice)
}

/// Tells whether a file is named as one that was moved aside.
fn aside(path: &Path, name: &str) -> bool {
    let found = path.file_name().unwrap_or_default().to_string_lossy();
    let time = found.strip_prefix(name).and_then(|rest| rest.strip_prefix(".old-"));
    time.is_some_and(|time| time.starts_with(|first: char| first.is_ascii_digit()))
}

fn listed(paths: &[PathBuf]) -> String {
    let mut text =
        paths.iter().take(NAMED).map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
    if paths.len() > NAMED {
        text.push_str(&format!(" and {} more", paths.len() - NAMED));
    }
    text
}

/// Writes a path so that a shell takes it for one word.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    if text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-+".contains(c)) {
        return text;
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CheckState;

    #[test]
    fn little_space_is_a_warning_and_none_does_not_pass() {
        let state = |available| space(available, Path::new("/store")).state;
        assert_eq!(
            [0, NO_SPACE, LITTLE_SPACE].map(state),
            [CheckState::Bad, CheckState::Warning, CheckState::Good]
        );
        assert_eq!(space(5 << 30, Path::new("/s")).finding, "5 GiB free for /s");
    }

    #[test]
    fn a_path_is_one_word_of_a_shell() {
        assert_eq!(quoted(Path::new("/a/b-c.d")), "/a/b-c.d");
        assert_eq!(quoted(Path::new("/it's mine")), "'/it'\\''s mine'");
    }

    #[test]
    fn only_what_was_moved_aside_is_a_leftover() {
        let is = |name: &str| aside(&Path::new("/x").join(name), "store");
        assert_eq!(
            ["store.old-20260101T000000Z", "store.old-mine", "store", "stores.old-2026"].map(is),
            [true, false, false, false]
        );
    }
}
