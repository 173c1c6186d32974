//! Released WIT folders stay as they are: plugins were built from them.
//!
//! `plugin-api/wit/released.toml` has the digest of each. A folder that is not named there may still change.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};

/// Where the WIT folders are, below the root.
const WIT: &str = "plugin-api/wit";

pub(super) fn faults(root: &Path) -> anyhow::Result<Vec<String>> {
    let folder = root.join(WIT);
    let list = folder.join("released.toml");
    let list = fs::read_to_string(&list).with_context(|| format!("{} can't be read", list.display()))?;
    let released: BTreeMap<String, String> = toml::from_str(&list)?;
    anyhow::ensure!(!released.is_empty(), "{WIT}/released.toml names no folder");
    let mut faults = Vec::new();
    for (name, expected) in released {
        match digest(&folder.join(&name)) {
            Ok(found) if found == expected => {}
            Ok(found) => faults.push(format!(
                "{WIT}/{name}: is released and must not change (sha256 {found}, was {expected}): write a new version beside it"
            )),
            Err(error) => faults.push(format!("{WIT}/{name}: is released and can't be read: {error:#}")),
        }
    }
    Ok(faults)
}

/// What `sha256sum * | sha256sum` prints in a folder.
fn digest(folder: &Path) -> anyhow::Result<String> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let bytes = fs::read(entry.path()).with_context(|| entry.path().display().to_string())?;
        files.insert(entry.file_name().to_string_lossy().into_owned(), hex(&bytes));
    }
    let mut lines = String::new();
    for (name, digest) in files {
        writeln!(lines, "{digest}  {name}")?;
    }
    Ok(hex(lines.as_bytes()))
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::disallowed_methods, reason = "a test lays its files out plainly")]
    #[test]
    fn a_changed_byte_a_new_file_and_a_folder_that_is_gone_are_faults() {
        let root = tempfile::tempdir().unwrap();
        let wit = root.path().join(WIT);
        let folder = wit.join("log-0.1.0");
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("log.wit");
        fs::write(&file, "package ostler:log@0.1.0;\n").unwrap();
        let list = format!("\"log-0.1.0\" = \"{}\"\n", digest(&folder).unwrap());
        fs::write(wit.join("released.toml"), list).unwrap();
        // A folder that nobody released may change.
        fs::create_dir_all(wit.join("log-0.2.0")).unwrap();
        assert_eq!(faults(root.path()).unwrap(), Vec::<String>::new());

        fs::write(&file, "package ostler:log@0.1.0; \n").unwrap();
        let found = faults(root.path()).unwrap();
        assert!(matches!(&found[..], [fault] if fault.contains("log-0.1.0: is released")), "{found:?}");
        fs::write(&file, "package ostler:log@0.1.0;\n").unwrap();
        assert_eq!(faults(root.path()).unwrap().len(), 0);

        fs::write(folder.join("more.wit"), "").unwrap();
        assert_eq!(faults(root.path()).unwrap().len(), 1);
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(faults(root.path()).unwrap().len(), 1);
    }

    #[test]
    fn a_digest_is_the_one_that_the_usual_tools_print() {
        // printf 'a\n' > a; printf 'b\n' > b; sha256sum * | sha256sum
        let root = tempfile::tempdir().unwrap();
        for name in ["b", "a"] {
            #[expect(clippy::disallowed_methods, reason = "a test lays its files out plainly")]
            fs::write(root.path().join(name), format!("{name}\n")).unwrap();
        }
        assert_eq!(
            digest(root.path()).unwrap(),
            "a0ec3f531bc13ffd8fa37e6c75d95bfffb69287b1c13f3b9add256d1f4f77850"
        );
    }
}
