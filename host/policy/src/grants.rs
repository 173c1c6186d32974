//! What a plugin is granted before anybody said anything.

use ostler_plugin_api::{Capability, Grants, Manifest};

/// What needs no consent: it reaches nothing but the plugin's own log and settings, and the time.
const HARMLESS: [Capability; 3] = [Capability::Log, Capability::Settings, Capability::Clock];

/// Returns what a plugin has until somebody decides otherwise: a bundled one all that it asks for, any other of it only
/// the log, its settings and the time.
#[must_use]
pub fn default_grants(manifest: &Manifest, origin_is_bundled: bool) -> Grants {
    let asked = manifest.capabilities.iter().map(|request| request.name);
    asked.filter(|capability| origin_is_bundled || HARMLESS.contains(capability)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn granted(bundled: bool) -> Vec<&'static str> {
        let manifest = r#"
            id = "acme.x"
            name = "X"
            version = "1.0.0"
            description = "X."
            kinds = ["launcher"]
            [[capability]]
            name = "secrets.use"
            reason = "To log in."
            [[capability]]
            name = "log"
            reason = "To tell."
        "#;
        let manifest = Manifest::parse(manifest.as_bytes()).unwrap();
        default_grants(&manifest, bundled).0.into_keys().map(Capability::name).collect()
    }

    #[test]
    fn a_bundled_plugin_has_what_it_asks_for_and_no_more() {
        assert_eq!(granted(true), ["log", "secrets.use"]);
    }

    #[test]
    fn any_other_plugin_has_only_what_is_harmless() {
        assert_eq!(granted(false), ["log"]);
    }
}
