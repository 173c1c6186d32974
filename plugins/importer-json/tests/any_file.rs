//! Any bytes are survived, every record is taken or refused, and what was refused is refused for the same reason when it comes again.

use importer_json::Json;
use ostler_sdk::importer::{Importer as _, Item, Severity, parse_in_memory};
use proptest::prelude::*;

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        let _sure = Json::detect(&bytes, "list.json");
        let _parsed = parse_in_memory::<Json>(&bytes, &[]);
    }

    #[test]
    fn any_brackets_are_survived(text in "[\\[\\]{}:,\"\\\\ a1\n]{0,300}") {
        for head in ["{\"SchemaVersion\":\"1.0\",\"Secrets\":[", "{\"format\":\"ostler-export\",\"version\":1,", ""] {
            let _parsed = parse_in_memory::<Json>(format!("{head}{text}").as_bytes(), &[]);
        }
    }

    #[test]
    fn every_record_is_taken_or_refused_and_refused_again(
        records in proptest::collection::vec(("[a-z/ ]{0,5}", "Rdp|Ssh|Ica|", "[a-z.]{0,5}", "[0-9]{0,6}"), 0..20)
    ) {
        let rows: Vec<String> = records
            .iter()
            .map(|(name, kind, host, port)| {
                format!("{{\"Name\":\"{name}\",\"Type\":\"{kind}\",\"ComputerName\":\"{host}\",\"Port\":\"{port}\"}}")
            })
            .collect();
        let file = format!("{{\"SchemaVersion\":\"1.0\",\"Secrets\":[{}]}}", rows.join(",\n"));
        let parsed = parse_in_memory::<Json>(file.as_bytes(), &[]);
        let summary = parsed.outcome.clone().unwrap();
        let connections = parsed.entries.iter().filter(|entry| matches!(entry.item, Item::Connection(_))).count();
        let refused: Vec<_> = parsed.problems.iter().filter(|problem| problem.severity == Severity::NotImported).collect();
        prop_assert_eq!(connections + refused.len(), records.len());
        let mut again = summary.mendable_head;
        refused.iter().for_each(|problem| again.extend(problem.mendable.clone().unwrap()));
        let parsed_again = parse_in_memory::<Json>(&again, &[]);
        let reasons = |problems: &[&ostler_sdk::importer::Problem]| {
            problems.iter().map(|problem| problem.reason.clone()).collect::<Vec<_>>()
        };
        let refused_again: Vec<_> = parsed_again.problems.iter().collect();
        prop_assert_eq!(reasons(&refused), reasons(&refused_again));
        prop_assert!(parsed_again.entries.is_empty());
    }
}

#[test]
fn ten_thousand_levels_are_one_bad_record() {
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let file = format!(
        "{{\"SchemaVersion\":\"1.0\",\"Secrets\":[{{\"Name\":\"deep\",\"X\":{deep}}},{{\"Name\":\"good\",\"Type\":\"Ssh\",\"ComputerName\":\"a\",\"Port\":\"22\"}}]}}"
    );
    let parsed = parse_in_memory::<Json>(file.as_bytes(), &[]);
    assert_eq!((parsed.entries.len(), parsed.problems.len()), (1, 1));
}
