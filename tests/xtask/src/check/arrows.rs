//! Dependency arrows: which crate may see which. The table is the one of ARCHITECTURE.md.
//!
//! An arrow that is not in the table is a fault; so is a crate that has no line in it.

use super::tree::Crate;

/// Folders (`*` stands for one name) and the folders that they may see. The first line that fits counts.
const ARROWS: [(&str, &[&str]); 28] = [
    ("plugin-api", &[]),
    ("sdk/rust", &["plugin-api"]),
    ("sdk/native", &["plugin-api"]),
    ("registry", &["plugin-api"]),
    // What an author asks of the program, apart from the host.
    ("sdk/tools", &["plugin-api", "registry"]),
    // The one room of the SDK that sees the runtime.
    ("sdk/testkit", &["plugin-api", "registry", "sdk/rust", "host/runtime", "host/core"]),
    ("plugins/*", &["sdk/rust"]),
    ("plugins/native/*", &["sdk/native"]),
    ("sdk/examples/*", &["sdk/rust"]),
    ("host/core", &[]),
    ("host/sealing", &["host/core"]),
    ("host/surface", &["host/core"]),
    ("host/policy", &["host/core", "plugin-api"]),
    ("host/vault", &["host/core", "host/sealing"]),
    ("host/recording", &["host/core", "host/sealing", "host/surface"]),
    ("host/audit", &["host/core", "host/sealing"]),
    ("host/engine-*", &["host/core"]),
    ("host/runtime", &["host/core", "plugin-api"]),
    (
        "host/app",
        &[
            "host/core",
            "host/runtime",
            "host/engine-*",
            "host/vault",
            "host/recording",
            "host/surface",
            "host/audit",
            "registry",
            "host/policy",
            // The manifest is plain data that app shows.
            "plugin-api",
        ],
    ),
    ("host/serve", &["host/app", "host/core"]),
    // A script takes pictures of what a session shows.
    ("host/cli", &["host/serve", "host/app", "host/core", "host/surface", "sdk/tools", "sdk/testkit"]),
    ("tests/guests/*", &["sdk/rust"]),
    ("tests/native-guest", &["sdk/native"]),
    ("tests/fakes", &[]),
    // Crossing tests and measures may look into every room.
    ("tests/oracles", &["*", "*/*"]),
    ("tests/suite", &["*", "*/*"]),
    ("tests/bench", &["*", "*/*"]),
    ("tests/xtask", &[]),
];

/// What every crate's tests may see besides its own arrows.
const FOR_TESTS: [&str; 2] = ["tests/fakes", "host/surface"];

pub(super) fn faults(crates: &[Crate]) -> Vec<String> {
    let mut faults = Vec::new();
    for krate in crates {
        let Some((_, allowed)) = ARROWS.iter().find(|(pattern, _)| fits(pattern, &krate.folder)) else {
            faults.push(format!("{}: has no line in the table of arrows", krate.folder));
            continue;
        };
        for dependency in &krate.dependencies {
            let Some(seen) = crates.iter().find(|other| other.name == dependency.name) else { continue };
            let may_see = |patterns: &[&str]| patterns.iter().any(|pattern| fits(pattern, &seen.folder));
            let allowed_here = may_see(allowed) || (dependency.for_tests && may_see(&FOR_TESTS));
            if !allowed_here {
                faults.push(format!("{}: must not depend on {}", krate.folder, seen.folder));
            }
        }
    }
    faults
}

/// Tells whether a folder is one of the pattern's; `*` stands for any characters but `/`.
pub(super) fn fits(pattern: &str, folder: &str) -> bool {
    let (patterns, names) = (pattern.split('/'), folder.split('/'));
    pattern.split('/').count() == folder.split('/').count()
        && patterns.zip(names).all(|(pattern, name)| match pattern.split_once('*') {
            None => pattern == name,
            Some((before, after)) => {
                name.len() >= before.len() + after.len() && name.starts_with(before) && name.ends_with(after)
            }
        })
}

#[cfg(test)]
mod tests {
    use super::super::tree::{Dependency, crates};
    use super::*;
    use crate::workspace::Workspace;

    /// The real crates, with one more arrow.
    fn with_arrow(from: &str, to: &str, for_tests: bool) -> Vec<Crate> {
        let mut crates = crates(&Workspace::find().unwrap().metadata);
        let name = crates.iter().find(|krate| krate.folder == to).unwrap().name.clone();
        let from = crates.iter_mut().find(|krate| krate.folder == from).unwrap();
        from.dependencies.push(Dependency { name, for_tests });
        crates
    }

    #[test]
    fn the_workspace_has_no_forbidden_arrow() {
        assert_eq!(faults(&crates(&Workspace::find().unwrap().metadata)), Vec::<String>::new());
    }

    #[test]
    fn a_forbidden_arrow_is_a_fault() {
        let arrows = [
            ("host/core", "host/sealing"),
            ("host/vault", "host/recording"),
            ("host/runtime", "host/vault"),
            ("host/cli", "host/vault"),
            ("registry", "host/core"),
            ("plugins/launcher-ssh", "host/core"),
            ("plugins/importer-csv", "plugin-api"),
            ("sdk/rust", "host/runtime"),
            ("host/policy", "host/app"),
        ];
        for (from, to) in arrows {
            assert_eq!(faults(&with_arrow(from, to, false)), [format!("{from}: must not depend on {to}")]);
            assert_eq!(faults(&with_arrow(from, to, true)).len(), 1, "{from} to {to}, also for tests");
        }
    }

    #[test]
    fn fakes_are_for_tests_only() {
        assert!(faults(&with_arrow("host/app", "tests/fakes", true)).is_empty());
        assert_eq!(faults(&with_arrow("host/app", "tests/fakes", false)).len(), 1);
    }

    #[test]
    fn a_crate_without_a_line_in_the_table_is_a_fault() {
        let stray =
            Crate { name: "x".to_owned(), folder: "host/core/x".to_owned(), dependencies: Vec::new() };
        assert_eq!(faults(&[stray]), ["host/core/x: has no line in the table of arrows"]);
    }

    #[test]
    fn a_star_stands_for_one_name() {
        assert!(fits("host/engine-*", "host/engine-ssh"));
        assert!(!fits("host/engine-*", "host/runtime"));
        assert!(!fits("plugins/*", "plugins/a/b"));
        assert!(!fits("plugins/*", "plugins"));
    }
}
