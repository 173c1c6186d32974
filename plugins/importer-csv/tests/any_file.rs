//! Any bytes are survived, no row is lost, and what was not imported is refused for the same reason when it comes again.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by panicking")]

use importer_csv::Csv;
use ostler_sdk::importer::{Importer as _, Parsed, Severity, parse_in_memory};
use proptest::prelude::*;

const HEAD: &str = "Name,Host,Port,Type,Tags\n";
const OPTIONS: [(&str, &str); 3] = [("type", "ssh"), ("headers", "yes"), ("delimiter", "comma")];

fn refused(parsed: &Parsed) -> Vec<(String, Vec<u8>)> {
    let refused = parsed.problems.iter().filter(|problem| problem.severity == Severity::NotImported);
    refused.map(|problem| (problem.reason.clone(), problem.mendable.clone().unwrap())).collect()
}

/// One row, of values that are right and values that are not.
fn row() -> impl Strategy<Value = Vec<String>> {
    let value = prop_oneof![
        Just(String::new()),
        Just(" ".to_owned()),
        Just("22".to_owned()),
        Just("70000".to_owned()),
        Just("rdp".to_owned()),
        Just("a\nb".to_owned()),
        Just("ä\"b,c".to_owned()),
        "[a-z/:@.]{1,6}",
    ];
    proptest::collection::vec(value, 1..8)
}

fn file(rows: &[Vec<String>]) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(HEAD.as_bytes().to_vec());
    for row in rows {
        writer.write_record(row).unwrap();
    }
    writer.into_inner().unwrap()
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..2_000), kind in "ssh|rdp") {
        let _sure = Csv::detect(&bytes, "list.csv");
        let _parsed = parse_in_memory::<Csv>(&bytes, &[("type", &kind)]);
        let mapped = [("type", kind.as_str()), ("map.name", "1"), ("map.host", "2"), ("headers", "no")];
        let _parsed = parse_in_memory::<Csv>(&bytes, &mapped);
    }

    #[test]
    fn any_text_is_survived(text in "[a,;\t\"\r\n\u{feff}é]{0,200}") {
        let _sure = Csv::detect(text.as_bytes(), "list");
        let _parsed = parse_in_memory::<Csv>(text.as_bytes(), &OPTIONS);
        let named = [HEAD.as_bytes(), text.as_bytes()].concat();
        let _parsed = parse_in_memory::<Csv>(&named, &OPTIONS);
    }

    #[test]
    fn every_row_is_taken_or_refused(rows in proptest::collection::vec(row(), 0..20)) {
        let parsed = parse_in_memory::<Csv>(&file(&rows), &OPTIONS);
        prop_assert!(parsed.outcome.is_ok(), "{:?}", parsed.outcome);
        let filled = rows.iter().filter(|row| row.iter().any(|value| !value.trim().is_empty())).count();
        prop_assert_eq!(parsed.entries.len() + refused(&parsed).len(), filled);
    }

    #[test]
    fn what_was_refused_is_refused_again_alike(rows in proptest::collection::vec(row(), 0..20)) {
        let parsed = parse_in_memory::<Csv>(&file(&rows), &OPTIONS);
        let twice = |reason: &str| reason.contains("already on line");
        let first: Vec<_> = refused(&parsed).into_iter().filter(|(reason, _)| !twice(reason)).collect();
        let mut mended = parsed.outcome.unwrap().mendable_head;
        first.iter().for_each(|(_, row)| mended.extend_from_slice(row));
        let again = parse_in_memory::<Csv>(&mended, &OPTIONS);
        prop_assert!(again.entries.is_empty());
        prop_assert_eq!(refused(&again), first);
    }
}
