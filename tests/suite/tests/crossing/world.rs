//! The program in a world of its own, for tests that panic rather than return errors.

use std::path::PathBuf;
use std::process::Command;

use ostler_suite::{Ostler, Terminal};
use serde_json::Value;

/// The program with an empty store.
pub(crate) struct World(Ostler);

/// What a run left.
pub(crate) struct Run {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) code: i32,
}

impl Run {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {} {}", self.stdout, self.stderr))
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self(Ostler::with_store().unwrap())
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        let output = self.0.run(arguments).unwrap();
        Run { stdout: output.text(), stderr: output.stderr, code: output.code }
    }

    /// Runs the program, which must succeed.
    pub(crate) fn ok(&self, arguments: &[&str]) -> Run {
        let run = self.run(arguments);
        assert_eq!(run.code, 0, "{arguments:?}: {} {}", run.stdout, run.stderr);
        run
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.0.command(arguments)
    }

    /// Runs the program in a terminal, where it can ask.
    pub(crate) fn terminal(&self, arguments: &[&str]) -> Terminal {
        self.0.terminal(arguments, 100, 30).unwrap()
    }

    pub(crate) fn file(&self, name: &str, content: &str) -> PathBuf {
        self.0.file(name, content).unwrap()
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.0.store()
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.0.home().to_owned()
    }

    /// Returns a shell command line that runs the program with these words in this world.
    pub(crate) fn shell_line(&self, words: &str) -> String {
        let environment = self.0.environment();
        let environment: Vec<String> =
            environment.iter().map(|(key, value)| format!("{key}='{}'", value.display())).collect();
        format!("{} '{}' {words}", environment.join(" "), self.0.program().display())
    }
}

/// Returns the component of a guest, which `cargo xtask test` builds.
pub(crate) fn guest(name: &str) -> PathBuf {
    example(&format!("guest-{name}"))
}

/// As [`guest`], of an example of the guide for plugin authors.
pub(crate) fn example(name: &str) -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let directory =
        std::env::var_os("OSTLER_GUESTS_DIR").map_or_else(|| root.join("target/guests"), PathBuf::from);
    let file = directory.join(format!("{name}.wasm"));
    assert!(file.exists(), "{} is missing: run the tests with 'cargo xtask test'", file.display());
    file
}
