//! Any bytes are survived, and a file gives a connection or the reason why not.

use importer_rdp_file::RdpFile;
use ostler_sdk::importer::{Importer as _, Severity, parse_in_memory};
use proptest::prelude::*;

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..2_000), mark in "|\u{feff}") {
        let bytes = [mark.as_bytes(), &bytes].concat();
        let _sure = RdpFile::detect(&bytes, "x.rdp");
        let parsed = parse_in_memory::<RdpFile>(&bytes, &[]);
        let refused = parsed.problems.iter().filter(|problem| problem.severity == Severity::NotImported).count();
        prop_assert_eq!(parsed.entries.len() + refused, 1);
    }

    #[test]
    fn any_lines_are_survived(lines in "((full address|server port|username|session bpp|x):[isb]?:?[a-z0-9:\\[\\]\\\\]{0,8}\r?\n){0,8}") {
        let parsed = parse_in_memory::<RdpFile>(lines.as_bytes(), &[]);
        let refused = parsed.problems.iter().filter(|problem| problem.severity == Severity::NotImported).count();
        prop_assert_eq!(parsed.entries.len() + refused, 1);
    }
}
