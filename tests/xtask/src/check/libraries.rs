//! One heavy library, one crate: who may name which library.

use super::arrows::fits;
use super::tree::Crate;

/// What a library is for, the libraries, and the folders whose crates may name them.
const HOMES: [(&str, &[&str], &[&str]); 15] = [
    (
        "ciphers and keys",
        &[
            "aes",
            "aes-gcm",
            "xaes-256-gcm",
            "chacha20poly1305",
            "argon2",
            "pbkdf2",
            "pbkdf2",
            "scrypt",
            "hkdf",
            "hpke",
            "ed25519-dalek",
            "x25519-dalek",
            "p256",
            "rsa",
            "ring",
            "aws-lc-rs",
            "openssl",
        ],
        &["host/sealing"],
    ),
    (
        "running WebAssembly",
        &["wasmtime", "wasmtime-wasi", "wasmtime-wasi-http"],
        &["host/runtime", "tests/bench"],
    ),
    (
        "reading command lines",
        &["clap", "clap_complete", "clap_mangen"],
        &["host/cli", "tests/bench", "tests/xtask"],
    ),
    ("speaking SSH", &["russh", "russh-sftp"], &["host/engine-ssh", "tests/fakes"]),
    ("the desktop's keyring", &["secret-service", "zbus", "oo7", "keyring"], &["host/app"]),
    ("the database", &["rusqlite", "sqlx"], &["host/vault"]),
    ("transparency logs", &["tlog_tiles", "signed_note"], &["host/audit"]),
    ("a broken hash that known_hosts files need", &["sha1"], &["host/engine-ssh"]),
    ("loading native code", &["libloading", "landlock", "seccompiler"], &["host/runtime"]),
    ("signing plugins", &["minisign", "minisign-verify"], &["sdk/tools", "registry"]),
    ("watching a project", &["notify"], &["sdk/tools"]),
    ("writing pictures", &["png", "image"], &["host/surface", "tests/*"]),
    ("taking components apart", &["wasmparser"], &["registry"]),
    ("checking values against JSON Schema", &["jsonschema", "boon"], &["registry"]),
    (
        "an async runtime",
        &["tokio", "async-std", "smol"],
        &["host/app", "host/serve", "host/cli", "host/engine-*", "host/runtime", "tests/*"],
    ),
];

pub(super) fn faults(crates: &[Crate]) -> Vec<String> {
    let mut faults = Vec::new();
    for (purpose, libraries, homes) in HOMES {
        for krate in crates.iter().filter(|krate| !homes.iter().any(|home| fits(home, &krate.folder))) {
            for dependency in &krate.dependencies {
                if libraries.contains(&dependency.name.as_str()) {
                    let homes = homes.join(", ");
                    faults.push(format!(
                        "{}: must not name {}; {purpose} is the business of {homes}",
                        krate.folder, dependency.name
                    ));
                }
            }
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::super::tree::{Dependency, crates};
    use super::*;
    use crate::workspace::Workspace;

    fn naming(folder: &str, library: &str) -> Vec<String> {
        let dependency = Dependency { name: library.to_owned(), for_tests: false };
        let folder = folder.to_owned();
        faults(&[Crate { name: "x".to_owned(), folder, dependencies: vec![dependency] }])
    }

    #[test]
    fn the_workspace_names_no_library_in_a_wrong_place() {
        assert_eq!(faults(&crates(&Workspace::find().unwrap().metadata)), Vec::<String>::new());
    }

    #[test]
    fn a_library_outside_of_its_home_is_a_fault_and_at_home_it_is_not() {
        let cases = [
            ("aes-gcm", "host/vault", "host/sealing"),
            ("wasmtime", "host/app", "host/runtime"),
            ("clap", "host/app", "host/cli"),
            ("russh", "tests/suite", "tests/fakes"),
            ("rusqlite", "host/audit", "host/vault"),
            ("tokio", "host/core", "host/engine-ssh"),
            ("tokio", "host/sealing", "tests/suite"),
            ("sha1", "host/runtime", "host/engine-ssh"),
        ];
        for (library, elsewhere, home) in cases {
            assert_eq!(naming(elsewhere, library).len(), 1, "{library} in {elsewhere}");
            assert!(naming(home, library).is_empty(), "{library} in {home}");
        }
    }
}
