//! Grants: what a plugin asked for AND was given, and how far.
//!
//! A pure comparison. Who may give, and where grants are kept, is decided elsewhere.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Capability, Manifest, Scope};

/// One capability that was given. A value is covered where every layer covers it, and the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Grant {
    /// The bounds, such as the policy's and the user's; none where what the manifest asks for was given as it is.
    pub layers: Vec<Scope>,
}

/// The capabilities that a plugin was given.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "Written")]
pub struct Grants(pub BTreeMap<Capability, Grant>);

/// The forms in which grants were written: at first by name alone.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Names(Vec<Capability>),
    Scoped(BTreeMap<Capability, Grant>),
}

impl From<Written> for Grants {
    fn from(written: Written) -> Self {
        match written {
            Written::Names(names) => names.into_iter().collect(),
            Written::Scoped(grants) => Self(grants),
        }
    }
}

impl FromIterator<Capability> for Grants {
    /// Gives each as far as the manifest asks for it.
    fn from_iter<I: IntoIterator<Item = Capability>>(capabilities: I) -> Self {
        Self(capabilities.into_iter().map(|capability| (capability, Grant::default())).collect())
    }
}

impl Grants {
    /// Returns what both give: the capabilities of both, each as far as both let it go.
    #[must_use]
    pub fn narrowed_by(&self, other: &Self) -> Self {
        let both = self.0.iter().filter_map(|(name, own)| {
            let mut layers = own.layers.clone();
            let further = other.0.get(name)?.layers.iter();
            layers.extend(further.filter(|layer| !own.layers.contains(layer)).cloned());
            Some((*name, Grant { layers }))
        });
        Self(both.collect())
    }
}

/// How a capability stands for a plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Asked for and given.
    Granted,
    /// Asked for, not given: calls are refused with a value.
    NotGranted,
    /// Not asked for: a component that imports it is refused.
    NotAsked,
}

/// Returns how a capability stands. Given without being asked for counts as not asked.
#[must_use]
pub fn standing(capability: Capability, manifest: &Manifest, grants: &Grants) -> Standing {
    if !manifest.asks(capability) {
        Standing::NotAsked
    } else if grants.0.contains_key(&capability) {
        Standing::Granted
    } else {
        Standing::NotGranted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_give_goes_as_far_as_both_let_it() {
        let folder = |name: &str| Scope { folders: Some(vec![name.parse().unwrap()]), ..Scope::default() };
        let with = |layers: &[Scope]| Grant { layers: layers.to_vec() };
        let (read, log, net) = (Capability::ConnectionsRead, Capability::Log, Capability::Net);
        let one = Grants([(read, with(&[folder("A")])), (log, with(&[]))].into());
        let other = Grants([(read, with(&[folder("B"), folder("A")])), (net, with(&[]))].into());
        let both = Grants([(read, with(&[folder("A"), folder("B")]))].into());
        assert_eq!(one.narrowed_by(&other), both);
        assert_eq!(both.narrowed_by(&other), both, "again it is the same");
    }

    #[test]
    fn grants_of_an_older_store_are_read() {
        let old: Grants = serde_json::from_str(r#"["log", "secrets.use"]"#).unwrap();
        assert_eq!(old, [Capability::Log, Capability::SecretsUse].into_iter().collect());
        let text = serde_json::to_string(&old).unwrap();
        assert_eq!(serde_json::from_str::<Grants>(&text).unwrap(), old);
    }
}
