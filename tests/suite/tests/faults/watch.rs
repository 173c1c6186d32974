//! What must hold after every fault, whatever was going on: the audit log only grows and can be read, and nothing is left
//! lying about.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use ostler_suite::Ostler;
use serde_json::Value;

/// What was there before the fault.
pub(crate) struct Watch {
    files: BTreeSet<PathBuf>,
    log: Vec<u8>,
}

impl Watch {
    /// Takes what is there now for the usual, once every plugin was compiled.
    pub(crate) fn begin(ostler: &Ostler) -> Self {
        ostler.run(&["doctor"]).unwrap().succeeded().unwrap();
        Self { files: files(ostler.home()), log: log(ostler) }
    }

    /// Looks at the audit log as the fault left it. Tells whether it verifies; where it does not, the fault must be at its
    /// end.
    pub(crate) fn right_after(&self, ostler: &Ostler) -> bool {
        assert!(log(ostler).starts_with(&self.log), "the audit log lost lines that were there");
        match ostler_audit::verify(&ostler.store().join("audit"), None) {
            Ok(_) => true,
            Err(fault) => {
                let text = fault.to_string();
                let torn =
                    ["it is not finished", "bytes instead of", "it covers", "is not that of the log's lines"];
                let torn = torn.iter().any(|words| text.contains(words))
                    || text.contains("checkpoint: ")
                    || text.contains("checkpoints");
                assert!(torn, "the audit log's fault is not at its end: {text}");
                false
            }
        }
    }

    /// Lets the program look at everything, after another command has run: all must be whole, and nothing left over.
    pub(crate) fn after_next_start(&mut self, ostler: &Ostler) {
        ostler_audit::verify(&ostler.store().join("audit"), None)
            .expect("the next command mends the audit log");
        let checks = ostler.run(&["doctor", "--json"]).unwrap();
        let checks = checks.json().unwrap();
        for check in checks.as_array().unwrap() {
            assert_ne!(check["state"], "bad", "{check}");
        }
        let now = log(ostler);
        assert!(now.starts_with(&self.log), "the audit log lost lines that were there");
        self.log = now;
        let files = files(ostler.home());
        let left: Vec<&PathBuf> = files.difference(&self.files).collect();
        assert!(left.is_empty(), "left over: {left:?}");
        let gone: Vec<&PathBuf> = self.files.difference(&files).collect();
        assert!(gone.is_empty(), "gone: {gone:?}");
    }
}

/// Returns the audit events of a class, as `audit show` has them.
pub(crate) fn events(ostler: &Ostler, class: &str) -> Vec<Value> {
    let shown = ostler.run(&["audit", "show", "--json"]).unwrap().succeeded().unwrap().json().unwrap();
    shown.as_array().unwrap().iter().filter(|event| event["class"] == class).cloned().collect()
}

fn log(ostler: &Ostler) -> Vec<u8> {
    fs::read(ostler.store().join("audit/log")).unwrap()
}

/// Returns the paths of all files and folders below a directory.
pub(crate) fn files(top: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut open = vec![top.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                open.push(entry.path());
            }
            found.insert(entry.path());
        }
    }
    found
}
