//! A policy file.
//!
//! What is wrong is on a line that there is. A file that counts twice decides as it does once, and one more file never allows what it
//! forbids.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use ostler_plugin_api::{Capability, Manifest};
use ostler_policy::{
    Consent, GrantRule, PluginFacts, Policy, PolicyFile, PolicyLayer, Rules, granted, rights,
};

use super::Taken;
use crate::Input;

const FILE: &str = r#"
record = "always"
deny-kinds = ["telnet"]
deny-hosts = ["*.prod.example"]
crash-reports = "without-input"

[[native]]
id = "ostler.credential-pkcs11"
digest = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

[[publisher]]
name = "acme"
keys = ["RWTP9nVfESQsBk2zecPENbJYZaTOQStMy0AHyDS0gLkk8G0m5HuKuQTN"]

[plugins]
publishers = ["bundled", "acme"]
signatures = "required"
headless = "refuse"

[[plugins.allow]]
id = "acme.importer-*"
versions = ">=1.2, <2"
digest = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

[[plugins.deny]]
id = "acme.importer-old"

[[capability]]
name = "http"
plugins = "acme.*"
grant = "ask"
hosts = ["*.example.com:443"]
addresses = ["10.0.0.0/8"]

[[capability]]
name = "*"
grant = "pre-granted"
"#;

/// The digest that the file above allows.
const DIGEST: &str = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

const MANIFEST: &str = r#"
id = "acme.importer-xyz"
name = "XYZ"
version = "1.2.3"
description = "Imports XYZ files."
kinds = ["importer"]
api = { importer = "0.1" }

[[capability]]
name = "http"
reason = "To ask."
hosts = ["api.example.com"]

[[capability]]
name = "storage"
reason = "To keep."
"#;

pub(super) fn good(_: &[PathBuf]) -> anyhow::Result<Vec<Input>> {
    Ok(vec![Input::of(FILE), Input::of("")])
}

pub(super) fn take(input: &Input, _: &Path) -> anyhow::Result<Taken> {
    let Ok(text) = std::str::from_utf8(input.bytes()) else { return Ok(Taken::Refused) };
    let file = match PolicyFile::parse(text) {
        Ok(file) => file,
        Err(error) => {
            let lines = text.split('\n').count();
            ensure!(error.line.is_none_or(|line| (1..=lines).contains(&line)), "{error}: of {lines} lines");
            return Ok(Taken::Refused);
        }
    };
    let manifest = Manifest::parse(MANIFEST.as_bytes()).context("the manifest")?;
    let layer = || PolicyLayer { name: "file".to_owned(), file: file.clone() };
    let others = PolicyLayer { name: "other".to_owned(), file: PolicyFile::parse(FILE)? };
    let once = Policy::new(vec![layer()]);
    let twice = Policy::new(vec![layer(), layer()]);
    let stricter = Policy::new(vec![layer(), others]);
    let signers = [None, once.publisher_keys("acme").next()];
    for (signed_by, bundled) in signers.into_iter().flat_map(|key| [(key, false), (key, true)]) {
        let facts = PluginFacts { manifest: &manifest, digest: DIGEST, bundled, signed_by };
        let decided = once.decide_plugin(&facts).is_ok();
        ensure!(decided == twice.decide_plugin(&facts).is_ok(), "the same file twice decides otherwise");
        ensure!(decided || stricter.decide_plugin(&facts).is_err(), "a further file allows a plugin");
        for capability in Capability::ALL {
            let (own, both) = (once.bound(&facts, capability), stricter.bound(&facts, capability));
            ensure!(own.grant == twice.bound(&facts, capability).grant, "the same file twice says otherwise");
            ensure!(own.grant <= both.grant, "a further file gives '{capability}'");
            ensure!(own.scopes.iter().all(|scope| both.scopes.contains(scope)), "a further file widens");
        }
        let consent = Consent::new(&manifest, bundled);
        let given = granted(&rights(&facts, &once, &consent));
        let denied = |name: &Capability| once.bound(&facts, *name).grant == Some(GrantRule::Deny);
        ensure!(!given.0.keys().any(denied), "what is denied is given");
    }
    drop((once.rules(&Rules::default()), once.headless(), once.names().count()));
    Ok(Taken::Read)
}
