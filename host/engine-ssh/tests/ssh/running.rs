//! Running something: commands with their streams and their end, a shell on a terminal, bytes both ways.

use ostler_core::{EndReason, Exit, PlanValue, SecretField, SessionError, SessionInput, TerminalSize};
use ostler_fakes::ssh::{FakeSshOptions, FakeUser, Observed};

use crate::stage::{
    Outcome, PASSWORD, Stage, TERMINAL, USER, ordinary_server, read_to_end, read_until, serve, slot, type_in,
};

/// Bytes from 0 to 255, again and again.
fn counted(count: usize) -> Vec<u8> {
    (0..=u8::MAX).cycle().take(count).collect()
}

#[tokio::test]
async fn an_exit_status_passes_through() {
    let server = ordinary_server();
    for status in [0, 1, 42, 255] {
        let outcome = Stage::with_password(&server).runs(&format!("exit {status}")).outcome().await;
        assert_eq!(outcome.exit(), &Exit::Status(status));
        assert_eq!(outcome.reason(), &EndReason::Finished);
    }
}

#[tokio::test]
async fn a_signal_passes_through() {
    let outcome = Stage::with_password(&ordinary_server()).runs("kill-self").outcome().await;
    assert_eq!(outcome.exit(), &Exit::Signal("TERM".to_owned()));
}

#[tokio::test]
async fn standard_error_comes_apart_from_standard_output() {
    let outcome = Stage::with_password(&ordinary_server()).runs("fail").outcome().await;
    assert_eq!(outcome.error, b"this went wrong\n");
    assert!(outcome.standard.is_empty());
    assert_eq!(outcome.exit(), &Exit::Status(3));
}

#[tokio::test]
async fn raw_bytes_arrive_whole_and_in_order() {
    // More than the window, so that it has to open again.
    let count = 20 * 1024 * 1024 + 7;
    let outcome =
        Stage::with_password(&ordinary_server()).runs(&format!("yes-bytes {count}")).outcome().await;
    assert_eq!(outcome.standard.len(), count);
    assert!(outcome.standard == counted(count));
}

#[tokio::test]
async fn raw_bytes_pass_a_terminal_untouched() {
    let count = 3 * 1024 * 1024 + 1;
    let server = ordinary_server();
    let stage = Stage::with_password(&server).terminal().runs(&format!("yes-bytes {count}"));
    assert!(stage.outcome().await.standard == counted(count));
}

#[tokio::test]
async fn piped_input_comes_back_and_its_end_ends_the_command() {
    let sent = counted(5 * 1024 * 1024 + 3);
    let server = ordinary_server();
    let mut session = Stage::with_password(&server).runs("cat").session().await;
    let mut control = session.control;
    let input = sent.clone();
    let writing = tokio::spawn(async move {
        for piece in input.chunks(100_000) {
            control.send(SessionInput::Bytes(piece.to_vec())).await.unwrap();
        }
        control.send(SessionInput::EndOfInput).await.unwrap();
        control
    });
    let mut got = Vec::new();
    let end = loop {
        match session.events.next().await {
            ostler_core::SessionEvent::Output { bytes, .. } => got.extend(bytes),
            ostler_core::SessionEvent::Ended(end) => break end,
            other => panic!("an SSH session shows a terminal, not {other:?}"),
        }
    };
    assert_eq!(end.exit, Exit::Status(0));
    assert!(got == sent);
    let mut control = writing.await.unwrap();
    let late = control.send(SessionInput::Bytes(vec![1])).await;
    assert_eq!(late, Err(SessionError::Ended));
}

#[tokio::test]
async fn an_unread_session_makes_its_server_wait() {
    // More than every buffer on the way. Both sessions get the same; one of them is read.
    let command = format!("yes-bytes {}", 100 * 1024 * 1024);
    let server = ordinary_server();
    let unread = Stage::with_password(&server).runs(&command).session().await;
    let read = Stage::with_password(&server).runs(&command).outcome().await;
    assert_eq!(read.standard.len(), 100 * 1024 * 1024);
    let finished = server.log().iter().filter(|entry| **entry == Observed::Finished).count();
    assert_eq!(finished, 1);
    let all = read_to_end(unread).await;
    assert_eq!(all.standard.len(), 100 * 1024 * 1024);
}

#[tokio::test]
async fn variables_reach_the_server_and_those_from_slots_too() {
    let server = ordinary_server();
    let stage = Stage::with_password(&server)
        .secret("token", SecretField::Environment, "t0k3n")
        .variable("LC_NAME", PlanValue::Text("Anna".to_owned()))
        .variable("LC_TOKEN", PlanValue::Slot(slot("token")))
        .runs("printenv");
    assert_eq!(stage.outcome().await.text(), "LC_NAME=Anna\nLC_TOKEN=t0k3n\n");
}

#[tokio::test]
async fn a_shell_on_a_terminal_echoes_resizes_and_ends_with_its_last_status() {
    let server = ordinary_server();
    let mut session = Stage::with_password(&server).shell().session().await;
    let mut shown = Outcome::default();
    read_until(&mut session, &mut shown, "fake$ ").await;
    type_in(&mut session, "echo grüße\r").await;
    read_until(&mut session, &mut shown, "echo grüße\r\ngrüße\r\nfake$ ").await;
    let size = TerminalSize { columns: 132, rows: 50 };
    session.control.send(SessionInput::Resize(size)).await.unwrap();
    read_until(&mut session, &mut shown, "size: 132x50").await;
    type_in(&mut session, "fail\rexit\r").await;
    let end = read_to_end(session).await;
    assert_eq!(end.exit(), &Exit::Status(3));
    assert!(end.error.is_empty());
    let terminal = Observed::Terminal {
        kind: "xterm-256color".to_owned(),
        columns: TERMINAL.columns.into(),
        rows: TERMINAL.rows.into(),
    };
    let log = server.log();
    assert!(log.contains(&terminal) && log.contains(&Observed::Resized { columns: 132, rows: 50 }));
}

#[tokio::test]
async fn a_session_without_a_terminal_has_no_size() {
    let server = ordinary_server();
    let mut session = Stage::with_password(&server).runs("cat").session().await;
    session.control.send(SessionInput::Resize(TERMINAL)).await.unwrap();
    session.control.send(SessionInput::EndOfInput).await.unwrap();
    assert_eq!(read_to_end(session).await.exit(), &Exit::Status(0));
    assert!(!server.log().iter().any(|entry| matches!(entry, Observed::Resized { .. })));
}

#[tokio::test]
async fn a_banner_stands_before_the_output_without_its_escape_sequences() {
    let users = vec![FakeUser::with_password(USER, PASSWORD)];
    let banner = Some("Private\u{1b}[31m property\n".to_owned());
    let server = serve(FakeSshOptions { users, banner, ..FakeSshOptions::default() });
    let command = Stage::with_password(&server).outcome().await;
    assert_eq!(command.text(), "hello\n");
    assert_eq!(command.error, b"Private[31m property\n");
    let terminal = Stage::with_password(&server).terminal().outcome().await;
    assert_eq!(terminal.text(), "Private[31m property\r\nhello\r\n");
}
