//! Plugins and policies, written as people write them.

use std::collections::BTreeMap;

use ostler_plugin_api::{Capability, Guard, Guards, Manifest};
use ostler_policy::{Consent, PluginFacts, Policy, PolicyFile, PolicyLayer, Right, rights};

pub(crate) const DIGEST: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// The plugin `acme.x` 1.4.0, which asks for the log and for what is given here, in the manifest's words.
pub(crate) fn plugin(asks: &str) -> Manifest {
    let text = format!(
        "id = \"acme.x\"\nname = \"X\"\nversion = \"1.4.0\"\ndescription = \"X.\"\nkinds = [\"launcher\"]\n\
         [[capability]]\nname = \"log\"\nreason = \"To tell.\"\n{asks}"
    );
    Manifest::parse(text.as_bytes()).unwrap()
}

/// A request for `http` to these hosts.
pub(crate) fn http(hosts: &str) -> String {
    format!("[[capability]]\nname = \"http\"\nreason = \"To ask.\"\nhosts = {hosts}\n")
}

pub(crate) fn facts(manifest: &Manifest) -> PluginFacts<'_> {
    PluginFacts { manifest, digest: DIGEST, bundled: false, signed_by: None }
}

/// The policy of a system and of a user.
pub(crate) fn policy(system: &str, user: &str) -> Policy {
    let layer =
        |name: &str, text| PolicyLayer { name: name.to_owned(), file: PolicyFile::parse(text).unwrap() };
    Policy::new(vec![layer("system", system), layer("user", user)])
}

/// The same with its guard switched off.
pub(crate) fn unguarded(policy: &Policy) -> Policy {
    policy.clone().guarded(Guards::default().without(Guard::Policy))
}

pub(crate) fn rights_of(
    facts: &PluginFacts<'_>,
    policy: &Policy,
    consent: &Consent,
) -> BTreeMap<Capability, Right> {
    rights(facts, policy, consent)
}
