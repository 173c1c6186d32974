//! Any bytes are survived, and each name of a `Host` line gives a connection or the reason why not.

use importer_ssh_config::SshConfig;
use ostler_sdk::importer::{Importer as _, Severity, parse_in_memory};
use proptest::prelude::*;

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        let _sure = SshConfig::detect(&bytes, "config");
        let _parsed = parse_in_memory::<SshConfig>(&bytes, &[]);
    }

    #[test]
    fn each_name_is_taken_or_refused(
        lines in proptest::collection::vec("(Host|Match|HostName|Port|User|Include|SetEnv|X)[ =](\"?[a-z*?!%=,0-9]{0,6}\"?| all| host a){0,3}", 0..20)
    ) {
        let text = lines.join("\n");
        let parsed = parse_in_memory::<SshConfig>(text.as_bytes(), &[]);
        prop_assert!(parsed.outcome.is_ok());
        let mut names: Vec<&str> = Vec::new();
        for line in lines.iter().filter(|line| line.to_ascii_lowercase().starts_with("host ") && !line.contains('"')) {
            names.extend(line.split([' ', '=']).skip(1).filter(|name| !name.is_empty() && !name.contains(['*', '?', '!'])));
        }
        let refused = parsed.problems.iter().filter(|problem| problem.severity == Severity::NotImported).count();
        names.sort_unstable();
        names.dedup();
        // Names with an '=' inside are split above, and one in the importer.
        if lines.iter().all(|line| !line.contains('=') && !line.contains('"')) {
            prop_assert_eq!(parsed.entries.len() + refused, names.len());
        }
    }
}
