//! Endings: whose doing it was, and in which words.

use ostler_core::{EndReason, Exit, SessionError, SessionEvent, SessionInput};
use ostler_fakes::ssh::Observed;

use crate::stage::{Stage, ordinary_server, read_to_end};

#[tokio::test]
async fn a_cut_wire_is_a_lost_connection() {
    let outcome = Stage::with_password(&ordinary_server()).runs("drop").outcome().await;
    assert_eq!(outcome.exit(), &Exit::Unknown);
    assert!(matches!(outcome.reason(), EndReason::ConnectionLost(_)), "{outcome:?}");
}

#[tokio::test]
async fn the_words_of_a_server_that_disconnects_are_kept() {
    let outcome = Stage::with_password(&ordinary_server()).runs("disconnect going down").outcome().await;
    assert_eq!(outcome.reason(), &EndReason::ClosedByServer("going down".to_owned()));
}

#[tokio::test]
async fn a_server_that_stops_answering_is_given_up_after_three_keepalives() {
    let server = ordinary_server();
    let mut stage = Stage::with_password(&server).runs("freeze");
    stage.plan.keepalive_seconds = 1;
    let outcome = stage.outcome().await;
    assert_eq!(outcome.reason(), &EndReason::NoAnswer);
}

#[tokio::test]
async fn a_server_that_answers_keepalives_is_kept() {
    let server = ordinary_server();
    let mut quiet = Stage::with_password(&server).runs("cat");
    quiet.plan.keepalive_seconds = 1;
    let mut quiet = quiet.session().await;
    // As long as it takes to give a silent one up.
    let other = ordinary_server();
    let mut frozen = Stage::with_password(&other).runs("freeze");
    frozen.plan.keepalive_seconds = 1;
    assert_eq!(frozen.outcome().await.reason(), &EndReason::NoAnswer);
    quiet.control.send(SessionInput::EndOfInput).await.unwrap();
    assert_eq!(read_to_end(quiet).await.reason(), &EndReason::Finished);
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_here_ends_the_session_and_the_connection() {
    let server = ordinary_server();
    let mut session = Stage::with_password(&server).runs("cat").session().await;
    session.control.send(SessionInput::Close).await.unwrap();
    let late = session.control.send(SessionInput::Bytes(vec![1])).await;
    assert_eq!(late, Err(SessionError::Ended));
    assert!(server.wait_for(|log| log.contains(&Observed::Disconnected)));
    assert_eq!(read_to_end(session).await.reason(), &EndReason::ClosedHere);
}

#[tokio::test]
async fn closing_works_with_a_server_that_no_longer_answers() {
    let server = ordinary_server();
    let mut session = Stage::with_password(&server).runs("freeze").session().await;
    session.control.send(SessionInput::Close).await.unwrap();
    assert_eq!(read_to_end(session).await.reason(), &EndReason::ClosedHere);
}

#[tokio::test]
async fn closing_works_while_output_waits_unread() {
    let server = ordinary_server();
    let mut session = Stage::with_password(&server).runs("yes-bytes 500000000").session().await;
    session.control.send(SessionInput::Close).await.unwrap();
    assert_eq!(read_to_end(session).await.reason(), &EndReason::ClosedHere);
}

#[tokio::test]
async fn the_end_is_told_again() {
    let server = ordinary_server();
    let mut session = Stage::with_password(&server).runs("exit 7").session().await;
    let first = session.events.next().await;
    assert!(matches!(&first, SessionEvent::Ended(end) if end.exit == Exit::Status(7)));
    assert_eq!(session.events.next().await, first);
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_both_halves_closes_the_wire() {
    let server = ordinary_server();
    let session = Stage::with_password(&server).runs("cat").session().await;
    drop(session);
    assert!(server.wait_for(|log| log.contains(&Observed::Disconnected)));
}

#[tokio::test]
async fn dropping_the_writing_half_does_not_close_the_session() {
    let server = ordinary_server();
    let session = Stage::with_password(&server).runs("yes-bytes 10").session().await;
    drop(session.control);
    let mut events = session.events;
    let mut bytes = 0;
    loop {
        match events.next().await {
            SessionEvent::Output { bytes: more, .. } => bytes += more.len(),
            SessionEvent::Ended(end) => break assert_eq!(end.reason, EndReason::Finished),
            other => panic!("an SSH session shows a terminal, not {other:?}"),
        }
    }
    assert_eq!(bytes, 10);
}
