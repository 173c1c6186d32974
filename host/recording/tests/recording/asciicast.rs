//! asciicast v3, as the format's own page has it and as anybody may have bent it.

use std::time::Duration;

use ostler_core::TerminalSize;
use ostler_recording::{
    CastError, CastHeader, RecordedEvent, RecordedEventKind, parse_asciicast, write_asciicast,
};
use proptest::prelude::*;

fn events(text: &str) -> Result<Vec<RecordedEvent>, CastError> {
    parse_asciicast(text.as_bytes())?.1.collect()
}

fn header() -> CastHeader {
    CastHeader {
        terminal: TerminalSize { columns: 80, rows: 24 },
        terminal_type: Some("xterm".into()),
        timestamp: Some(1),
        title: Some("a \"title\"".into()),
        command: None,
    }
}

fn event(microseconds: u64, kind: RecordedEventKind) -> RecordedEvent {
    RecordedEvent { at: Duration::from_micros(microseconds), kind }
}

fn output(microseconds: u64, bytes: &[u8]) -> RecordedEvent {
    event(microseconds, RecordedEventKind::Output(bytes.to_vec()))
}

#[test]
fn the_example_of_the_format_s_page_is_read() {
    let text = concat!(
        r#"{"version": 3, "term": {"cols": 80, "rows": 24, "type": "xterm-256color"}, "timestamp": 1504467315, "#,
        r#""title": "Demo", "env": {"SHELL": "/bin/zsh"}}"#,
        "\n# event stream follows the header\n",
        r#"[0.248, "o", "\u001b[1;31mHello \u001b[32mWorld!\u001b[0m\n"]"#,
        "\n\n",
        r#"[3.500, "m", ""]"#,
        "\n",
        r#"[2.050, "r", "90x30"]"#,
        "\n",
        r#"[0.5, "z", {"a": [1]}]"#,
        "\n",
        r#"[0.887, "x", "0"]"#,
        "\n"
    );
    let (header, _) = parse_asciicast(text.as_bytes()).unwrap();
    assert_eq!(header.title.as_deref(), Some("Demo"));
    assert_eq!(
        events(text).unwrap(),
        [
            output(248_000, b"\x1b[1;31mHello \x1b[32mWorld!\x1b[0m\n"),
            event(3_748_000, RecordedEventKind::Marker(String::new())),
            event(5_798_000, RecordedEventKind::Resize(TerminalSize { columns: 90, rows: 30 })),
            event(7_185_000, RecordedEventKind::Exit(Some(0))),
        ]
    );
}

#[test]
fn what_is_written_is_text_for_players_and_exact_for_us() {
    let mut cast = Vec::new();
    let written =
        [output(0, b"a\xFFb"), output(1_000_001, b"ok"), event(1_000_001, RecordedEventKind::Exit(None))];
    write_asciicast(&header(), &written, &mut cast).unwrap();
    let text = String::from_utf8(cast).unwrap();
    let lines: Vec<&str> = text.lines().skip(1).collect();
    assert_eq!(
        lines,
        [
            "[0.000000, \"o\", \"a\u{FFFD}b\"]",
            "[0.000000, \"B\", \"Yf9i\"]",
            "[1.000001, \"o\", \"ok\"]",
            "[0.000000, \"X\", \"\"]"
        ]
    );
    assert_eq!(events(&text).unwrap(), written);
}

#[test]
fn exact_bytes_that_are_not_those_of_the_text_are_skipped() {
    let cast = |line: &str| {
        format!("{{\"version\":3,\"term\":{{\"cols\":1,\"rows\":1}}}}\n[0,\"o\",\"\u{FFFD}\"]\n{line}\n")
    };
    assert_eq!(events(&cast(r#"[0, "B", "/w=="]"#)).unwrap(), [output(0, b"\xFF")]);
    let shown = [output(0, "\u{FFFD}".as_bytes())];
    for foreign in [r#"[0, "B", "ZXZpbA=="]"#, r#"[0, "B", "not Base64"]"#, r#"[0, "B", 7]"#] {
        assert_eq!(events(&cast(foreign)).unwrap(), shown, "{foreign}");
    }
}

#[test]
fn what_is_no_asciicast_is_refused_with_the_line() {
    assert!(matches!(events(""), Err(CastError::Header(_))));
    assert!(matches!(events("[]"), Err(CastError::Header(_))));
    assert!(matches!(events(r#"{"version":2,"width":80,"height":24}"#), Err(CastError::Version(2))));
    assert!(matches!(events(r#"{"version":3}"#), Err(CastError::Header(_))));
    let head = r#"{"version":3,"term":{"cols":80,"rows":24}}"#;
    let lines = [
        "nonsense",
        "[1]",
        r#"[-1, "o", "x"]"#,
        r#"[1e10, "o", "x"]"#,
        r#"[1, "o", 5]"#,
        r#"[1, "r", "80"]"#,
        r#"[1, "r", "99999x1"]"#,
        r#"[1, "x", "ok"]"#,
        r#"[1, "o", "x", 1]"#,
    ];
    for line in lines {
        let found = events(&format!("{head}\n[1, \"o\", \"fine\"]\n{line}\n"));
        assert!(matches!(found, Err(CastError::Event { line: 3, .. })), "{line}: {found:?}");
    }
}

proptest! {
    #[test]
    fn any_chunks_come_back_byte_for_byte(
        chunks in proptest::collection::vec((any::<u32>(), any::<Vec<u8>>(), any::<bool>()), 0..16),
        long in 0..60_000usize,
    ) {
        let mut at = 0;
        let mut written: Vec<RecordedEvent> = Vec::new();
        for (interval, bytes, typed) in chunks {
            at += u64::from(interval);
            written.push(event(at, if typed { RecordedEventKind::Input(bytes) } else { RecordedEventKind::Output(bytes) }));
        }
        written.push(output(at, &vec![0xC3; long]));
        let mut cast = Vec::new();
        write_asciicast(&header(), &written, &mut cast).unwrap();
        let (read_header, read) = parse_asciicast(cast.as_slice()).unwrap();
        prop_assert_eq!(read_header, header());
        let read: Vec<RecordedEvent> = read.collect::<Result<_, _>>().unwrap();

        let of = |events: &[RecordedEvent], typed: bool| -> Vec<u8> {
            events.iter().filter_map(|event| match &event.kind {
                RecordedEventKind::Output(bytes) if !typed => Some(bytes.clone()),
                RecordedEventKind::Input(bytes) if typed => Some(bytes.clone()),
                _ => None,
            }).flatten().collect()
        };
        prop_assert_eq!(of(&read, false), of(&written, false));
        prop_assert_eq!(of(&read, true), of(&written, true));
        prop_assert!(read.iter().all(|event| event.at <= Duration::from_micros(at)));
    }

    #[test]
    fn any_bytes_give_events_or_an_error(bytes: Vec<u8>, lines: Vec<String>) {
        let head = b"{\"version\":3,\"term\":{\"cols\":1,\"rows\":1}}\n";
        for cast in [bytes.clone(), [head.as_slice(), &bytes].concat(), [head.as_slice(), lines.join("\n").as_bytes()].concat()] {
            if let Ok((_, events)) = parse_asciicast(cast.as_slice()) {
                events.for_each(drop);
            }
        }
    }
}
