//! Rooms: every crate has its paragraph and its invariant in ARCHITECTURE.md; every plugin, guest and WIT folder has
//! what belongs to it.

use super::arrows::fits;
use super::tree::{Crate, Files};

const ARCHITECTURE: &str = "ARCHITECTURE.md";
const GUESTS: &str = "tests/guests/README.md";
const WIT: &str = "plugin-api/wit/";
const FEATURES: &str = "FEATURES.md";

pub(super) fn faults(crates: &[Crate], files: &Files) -> Vec<String> {
    let mut faults = architecture_faults(crates, files);
    for krate in crates {
        if fits("plugins/*", &krate.folder) {
            faults.extend(plugin_faults(&krate.folder, files));
        }
        if let Some(name) = krate.folder.strip_prefix("tests/guests/") {
            let listed = files.get(GUESTS).is_some_and(|text| text.contains(&format!("`{name}`")));
            if !listed {
                faults.push(format!(
                    "{}: is not named in {GUESTS}, with the test that it is for",
                    krate.folder
                ));
            }
        }
    }
    faults.extend(wit_faults(files));
    faults.extend(feature_faults(files));
    faults
}

/// A crate's paragraph stands under a heading that names its folder in backticks, or its folder's parent with `/*`.
fn architecture_faults(crates: &[Crate], files: &Files) -> Vec<String> {
    let text = files.get(ARCHITECTURE).map_or("", String::as_str);
    let sections: Vec<&str> = text.split("\n#").collect();
    let mut faults = Vec::new();
    for krate in crates {
        let named = |section: &&&str| {
            let heading = section.lines().next().unwrap_or_default();
            heading.split('`').skip(1).step_by(2).any(|folder| fits(folder, &krate.folder))
        };
        match sections.iter().find(named) {
            None => faults.push(format!("{}: has no heading in {ARCHITECTURE}", krate.folder)),
            Some(section) if !section.lines().any(|line| line.starts_with("Invariant:")) => {
                faults.push(format!("{}: has no line 'Invariant:' in {ARCHITECTURE}", krate.folder));
            }
            Some(_) => {}
        }
    }
    faults
}

fn plugin_faults(folder: &str, files: &Files) -> Vec<String> {
    let mut faults = Vec::new();
    for file in ["README.md", "plugin.toml"] {
        if !files.contains_key(&format!("{folder}/{file}")) {
            faults.push(format!("{folder}: has no {file}"));
        }
    }
    if !files.keys().any(|path| path.starts_with(&format!("{folder}/cases/"))) {
        faults.push(format!("{folder}: has no cases"));
    }
    faults
}

/// The list of released folders, which stands beside them.
const RELEASED: &str = "plugin-api/wit/released.toml";

/// A WIT folder is named `<package>-<version>`, and each file in it is of that package and version.
fn wit_faults(files: &Files) -> Vec<String> {
    let mut faults = Vec::new();
    for (path, text) in files.iter().filter(|(path, _)| path.starts_with(WIT) && *path != RELEASED) {
        let folder =
            path.strip_prefix(WIT).and_then(|rest| rest.split_once('/')).map_or("", |(folder, _)| folder);
        let package = text.lines().find_map(|line| line.strip_prefix("package ostler:"));
        let named =
            package.and_then(|line| line.trim_end().strip_suffix(';')).map(|name| name.replace('@', "-"));
        if named.as_deref() != Some(folder) {
            faults.push(format!("{path}: must declare the package and version of its folder"));
        }
    }
    faults
}

/// A row of FEATURES.md is: id, feature, state, proof, what is missing. A proof is a file or folder in backticks that
/// exists; what works has one.
fn feature_faults(files: &Files) -> Vec<String> {
    let mut faults = Vec::new();
    for (index, line) in files.get(FEATURES).map_or("", String::as_str).lines().enumerate() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let ["", id, _, state @ ("works" | "partly" | "not yet"), proof, _, ""] = cells.as_slice() else {
            continue;
        };
        let proofs: Vec<&str> = proof.split('`').skip(1).step_by(2).collect();
        if *state == "works" && proofs.is_empty() {
            faults.push(format!("{FEATURES}:{}: {id} works, but names no test that proves it", index + 1));
        }
        for proof in proofs {
            let there = files.keys().any(|path| path == proof || path.starts_with(&format!("{proof}/")));
            if !there {
                faults.push(format!("{FEATURES}:{}: {id} names {proof}, which is not there", index + 1));
            }
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn krate(folder: &str) -> Crate {
        Crate { name: folder.replace('/', "-"), folder: folder.to_owned(), dependencies: Vec::new() }
    }

    fn files(files: &[(&str, &str)]) -> Files {
        files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn a_crate_needs_a_heading_with_an_invariant() {
        let good = "# Architecture\n\n### `host/core`\n\nGround.\n\nInvariant: no I/O.\n\n### `plugins/*`\nInvariant: x.\n";
        let core = [krate("host/core")];
        assert!(faults(&core, &files(&[(ARCHITECTURE, good)])).is_empty());
        assert_eq!(
            faults(&core, &files(&[(ARCHITECTURE, &good.replace("Invariant: no", "It has no"))])).len(),
            1
        );
        assert_eq!(
            faults(&core, &files(&[(ARCHITECTURE, &good.replace("host/core", "host/more"))])).len(),
            1
        );
        assert_eq!(faults(&core, &Files::new()).len(), 1);
    }

    #[test]
    fn a_plugin_needs_readme_manifest_and_cases() {
        let architecture = (ARCHITECTURE, "### `plugins/*`\nInvariant: x.\n");
        let whole = [
            architecture,
            ("plugins/a/README.md", ""),
            ("plugins/a/plugin.toml", ""),
            ("plugins/a/cases/one/case.toml", ""),
        ];
        assert!(faults(&[krate("plugins/a")], &files(&whole)).is_empty());
        for missing in 1..whole.len() {
            let mut part = whole.to_vec();
            part.remove(missing);
            assert_eq!(faults(&[krate("plugins/a")], &files(&part)).len(), 1);
        }
    }

    #[test]
    fn a_guest_must_be_named_in_the_readme() {
        let architecture = (ARCHITECTURE, "### `tests/guests/*`\nInvariant: x.\n");
        let guest = [krate("tests/guests/spin")];
        assert!(faults(&guest, &files(&[architecture, (GUESTS, "| `spin` | never ends |")])).is_empty());
        assert_eq!(faults(&guest, &files(&[architecture, (GUESTS, "| `spinner` |")])).len(), 1);
    }

    #[test]
    fn a_wit_folder_has_the_name_of_its_package_and_version() {
        let wit = |path: &str| faults(&[], &files(&[(path, "/// Doc.\npackage ostler:log@0.1.0;\n")]));
        assert!(wit("plugin-api/wit/log-0.1.0/log.wit").is_empty());
        assert_eq!(wit("plugin-api/wit/log-0.2.0/log.wit").len(), 1);
        assert_eq!(wit("plugin-api/wit/log/log.wit").len(), 1);
    }

    #[test]
    fn a_feature_that_works_names_a_test_that_exists() {
        let row = |state: &str, proof: &str| {
            let text = format!(
                "| id | feature | state | proved by | missing |\n| CM-1 | X | {state} | {proof} |  |\n"
            );
            faults(&[], &files(&[(FEATURES, &text), ("tests/suite/tests/all/store.rs", "//! X.")]))
        };
        assert!(row("works", "`tests/suite/tests/all/store.rs`").is_empty());
        assert!(row("partly", "`tests/suite`").is_empty());
        assert!(row("not yet", "").is_empty());
        assert_eq!(row("works", "").len(), 1);
        assert_eq!(row("partly", "`tests/suite/tests/all/gone.rs`").len(), 1);
    }
}
