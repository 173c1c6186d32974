//! Any bytes are survived, and each session gives a connection or the reason why not.

use importer_putty::Putty;
use ostler_sdk::importer::{Importer as _, Severity, parse_in_memory};
use proptest::prelude::*;

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        let _sure = Putty::detect(&bytes, "x.reg");
        let _parsed = parse_in_memory::<Putty>(&bytes, &[]);
        let headed = [b"REGEDIT4\n[HKEY_CURRENT_USER\\Software\\SimonTatham\\PuTTY\\Sessions\\a]\n", bytes.as_slice()].concat();
        let _parsed = parse_in_memory::<Putty>(&headed, &[]);
    }

    #[test]
    fn each_session_is_taken_or_refused(
        sessions in proptest::collection::vec(("[a-z%0-9]{1,6}", "[a-z@.]{0,6}", "ssh|telnet|serial|raw", 0_u32..70_000), 0..20)
    ) {
        let mut text = "Windows Registry Editor Version 5.00\r\n".to_owned();
        for (name, host, protocol, port) in &sessions {
            text.push_str(&format!(
                "\r\n[HKEY_CURRENT_USER\\Software\\SimonTatham\\PuTTY\\Sessions\\{name}]\r\n\"HostName\"=\"{host}\"\r\n\"Protocol\"=\"{protocol}\"\r\n\"PortNumber\"=dword:{port:08x}\r\n"
            ));
        }
        let parsed = parse_in_memory::<Putty>(text.as_bytes(), &[]);
        let refused = parsed.problems.iter().filter(|problem| problem.severity == Severity::NotImported).count();
        prop_assert_eq!(parsed.outcome.is_ok(), !sessions.is_empty());
        prop_assert_eq!(parsed.entries.len() + refused, sessions.len());
    }
}
