//! Importers: entries and problems as they come, each checked.

use std::io::{self, Cursor, Read};
use std::time::Duration;

use ostler_core::{
    ImportEntry, ImportItem, ImportProblem, ImportSummary, ImportedCredential, MappingState, Position,
    ProblemSeverity, SecretBytes, SecretField, SettingValue,
};
use ostler_runtime::{ImportOutlet, Limits, Plugin, PluginError, Said, SaidKind};

use crate::world::{NOTHING, World, guest};

#[derive(Debug, Default)]
struct Basket {
    entries: Vec<ImportEntry>,
    problems: Vec<ImportProblem>,
    enough: Option<usize>,
}

impl ImportOutlet for Basket {
    fn entries(&mut self, entries: Vec<ImportEntry>) -> bool {
        self.entries.extend(entries);
        self.enough.is_none_or(|enough| self.entries.len() < enough)
    }

    fn problems(&mut self, problems: Vec<ImportProblem>) {
        self.problems.extend(problems);
    }
}

fn importer(limits: Limits) -> Plugin {
    World::with(limits).load(&guest("importer"), NOTHING).unwrap()
}

async fn parse(limits: Limits, text: impl AsRef<[u8]>) -> (Result<ImportSummary, PluginError>, Basket) {
    let mut basket = Basket::default();
    let input = Box::new(Cursor::new(text.as_ref().to_vec()));
    let parsed = importer(limits).parse(input, &[], &mut basket).await;
    (parsed, basket)
}

#[tokio::test]
async fn entries_problems_and_a_summary_come_out() {
    let text = "a a.example 22\nb b.example 2222 hunter2\nnonsense\n";
    let (summary, basket) = parse(Limits::default(), text).await;
    let summary = summary.unwrap();
    assert_eq!(
        (summary.format.as_str(), summary.mendable_head.as_slice()),
        ("lines", b"#lines\n".as_slice())
    );
    assert_eq!((summary.unused, summary.mapping[0].state), (vec!["rest".to_owned()], MappingState::Guessed));

    let ImportItem::Connection(second) = &basket.entries[1].item else { panic!() };
    assert_eq!((second.name.as_str(), second.host.as_str(), second.port), ("b", "b.example", 2222));
    assert_eq!((second.kind.as_str(), second.notes.as_str()), ("ssh", "two\nlines"));
    let secrets = vec![(SecretField::Password, SecretBytes::from("hunter2".to_owned()))];
    let local = ImportedCredential::Local { user: Some("root".to_owned()), domain: None, secrets };
    assert_eq!(second.credential, local);
    assert_eq!(second.settings.get("ssh.keepalive-seconds"), Some(&SettingValue::Integer(30)));
    assert_eq!(second.tags.iter().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(second.custom_fields["rack"], "7");
    let first = &basket.entries[0];
    assert_eq!((first.identity.as_str(), first.position.line), ("a@a.example", Some(1)));
    assert_eq!((first.folder.join("/"), first.defaults.len()), ("top/below".to_owned(), 1));

    let problem = &basket.problems[0];
    assert_eq!((problem.position.line, problem.severity), (Some(3), ProblemSeverity::NotImported));
    assert_eq!(problem.reason, "a line is 'name host port', with\u{fffd}out more");
    assert_eq!(problem.mendable.as_deref(), Some(b"nonsense\n".as_slice()));
    assert_eq!((basket.entries.len(), basket.problems.len()), (2, 1));
}

#[tokio::test]
async fn an_entry_out_of_bounds_becomes_a_problem_and_loses_no_other() {
    let cases = [
        ("port", "port"),
        ("host", "host"),
        ("name", "name"),
        ("no-name", "name"),
        ("kind", "kind"),
        ("notes", "notes"),
        ("tags", "tags"),
        ("settings", "settings"),
        ("fields", "custom-fields"),
        ("secret", "secret"),
        ("user", "user"),
        ("depth", "folder"),
        ("identity", "identity"),
        ("folder", "name"),
    ];
    for (misuse, field) in cases {
        let (summary, basket) = parse(Limits::default(), format!("!{misuse}\na a.example 22\n")).await;
        summary.unwrap();
        assert_eq!((basket.entries.len(), basket.problems.len()), (1, 1), "{misuse}");
        let problem = &basket.problems[0];
        let expected = Position { line: Some(1), column: None, field: Some(field.to_owned()) };
        assert_eq!(
            (&problem.position, problem.severity),
            (&expected, ProblemSeverity::NotImported),
            "{misuse}"
        );
        assert!(problem.reason.starts_with(field), "{misuse}: {}", problem.reason);
        assert!(!format!("{problem:?}").contains("hunter2"), "{misuse}");
    }
}

#[tokio::test]
async fn a_packed_entry_is_what_the_records_say() {
    let (summary, basket) = parse(Limits::default(), "!packed\n").await;
    summary.unwrap();
    let [entry] = basket.entries.as_slice() else { panic!("{basket:?}") };
    assert_eq!((entry.position.line, entry.position.column), (Some(1), None));
    assert_eq!(
        (entry.identity.as_str(), entry.folder.join("/")),
        ("packed@a.example", "top/below".to_owned())
    );
    let ImportItem::Connection(packed) = &entry.item else { panic!() };
    assert_eq!((packed.name.as_str(), packed.kind.as_str()), ("packed", "ssh"));
    assert_eq!((packed.host.as_str(), packed.port, packed.notes.as_str()), ("a.example", 2222, "two\nlines"));
    let secrets = vec![(SecretField::Password, SecretBytes::from("hunter2".to_owned()))];
    let local = ImportedCredential::Local { user: Some("root".to_owned()), domain: None, secrets };
    assert_eq!(packed.credential, local);
    assert_eq!(packed.settings.get("ssh.keepalive-seconds"), Some(&SettingValue::Integer(30)));
    assert_eq!(packed.tags.iter().collect::<Vec<_>>(), ["prod"]);
    assert_eq!(packed.custom_fields["rack"], "7");
}

#[tokio::test]
async fn a_packed_block_that_can_not_be_read_ends_the_import() {
    for (misuse, reason) in [("torn", "is not what Borsh writes"), ("large", "has more than 4 MiB")] {
        let (parsed, basket) = parse(Limits::default(), format!("a a.example 22\n!{misuse}\n!loop\n")).await;
        let expected = PluginError::BadAnswer { what: "a block of packed entries", reason };
        // The guest is ended too: it would go on for ever.
        assert_eq!((parsed.unwrap_err(), basket.entries.len()), (expected, 1), "{misuse}");
    }
}

#[tokio::test]
async fn an_outlet_that_has_enough_stops_the_importer() {
    let text: String = (0..100).map(|index| format!("n{index} a.example 22\n")).collect();
    let mut basket = Basket { enough: Some(3), ..Basket::default() };
    let input = Box::new(Cursor::new(text));
    importer(Limits::default()).parse(input, &[], &mut basket).await.unwrap();
    assert_eq!(basket.entries.len(), 3);
}

#[tokio::test]
async fn a_large_file_streams_through_small_reads() {
    /// Gives what it has in odd pieces.
    struct Pieces(Cursor<Vec<u8>>);
    impl Read for Pieces {
        fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
            let most = bytes.len().min(1237);
            self.0.read(&mut bytes[..most])
        }
    }
    let text: String = (0..20_000).map(|index| format!("n{index} host-{index}.example 22\n")).collect();
    let mut basket = Basket::default();
    let input = Box::new(Pieces(Cursor::new(text.into_bytes())));
    importer(Limits::default()).parse(input, &[], &mut basket).await.unwrap();
    assert_eq!((basket.entries.len(), basket.entries[19_999].position.line), (20_000, Some(20_000)));
}

#[tokio::test]
async fn input_that_can_not_be_read_is_the_hosts_failure() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("bad sector"))
        }
    }
    let mut basket = Basket::default();
    let error = importer(Limits::default()).parse(Box::new(Broken), &[], &mut basket).await.unwrap_err();
    assert_eq!(error, PluginError::Host("the file can't be read: bad sector".to_owned()));
}

#[tokio::test]
async fn what_an_importer_says_no_to_is_told_apart() {
    let (parsed, _) = parse(Limits::default(), b"a a 22\n\xff\n").await;
    let Err(PluginError::Said(said)) = parsed else { panic!("{parsed:?}") };
    assert_eq!(said.to_string(), "line 2: is not UTF-8");
    let mut basket = Basket::default();
    let options = [("color".to_owned(), "red".to_owned())];
    let parsed = importer(Limits::default()).parse(Box::new(io::empty()), &options, &mut basket).await;
    let kind = SaidKind::BadOption { name: "color".to_owned() };
    assert_eq!(parsed.unwrap_err(), PluginError::Said(Said { kind, text: "is unknown".to_owned() }));
}

#[tokio::test]
async fn a_crash_in_the_middle_keeps_what_was_handed_over() {
    let (parsed, basket) = parse(Limits::default(), "a a.example 22\n!panic\n").await;
    assert!(matches!(parsed, Err(PluginError::Trap { .. })), "{parsed:?}");
    assert_eq!(basket.entries.len(), 1);
}

#[tokio::test]
async fn an_endless_loop_in_a_parser_is_stopped() {
    let (parsed, _) =
        parse(Limits { parse_time: Duration::from_millis(50), ..Limits::default() }, "!loop\n").await;
    assert!(matches!(parsed, Err(PluginError::Limit { limit: "parsing time", .. })), "{parsed:?}");
}

#[tokio::test]
async fn a_file_has_a_bounded_number_of_entries_and_problems() {
    let limits = Limits { import_entries: 5000, import_problems: 700, ..Limits::default() };
    let (parsed, basket) = parse(limits.clone(), "!flood\n").await;
    let expected = PluginError::Limit { limit: "entries of a file", allowed: "5000".to_owned() };
    assert_eq!((parsed.unwrap_err(), basket.entries.len()), (expected, 5000));
    let (parsed, basket) = parse(limits, "!complain\n").await;
    let expected = PluginError::Limit { limit: "problems of a file", allowed: "700".to_owned() };
    assert_eq!((parsed.unwrap_err(), basket.problems.len()), (expected, 700));
}

#[tokio::test]
async fn an_importer_describes_itself_and_recognizes_its_files() {
    let importer = importer(Limits::default());
    let info = importer.importer_info().await.unwrap();
    assert_eq!(
        (info.title.as_str(), info.extensions.as_slice()),
        ("Lines\u{fffd}", ["lines".to_owned()].as_slice())
    );
    assert_eq!((info.options[0].name.as_str(), info.options[0].choices.len()), ("strict", 2));
    // The guest says 200; more than sure is sure.
    assert_eq!(importer.detect(b"#lines\n", "x").await.unwrap(), 100);
    assert_eq!(importer.detect(b"other", "x").await.unwrap(), 0);
    assert_eq!(importer.detect(&[0; 100_000], "length").await.unwrap(), 64);
}
