//! The commands that a fake server knows.

use std::time::{Duration, Instant};

use super::channel::{Input, Io};
use super::shell::{Line, read_line};

/// How a command ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// With a status.
    Status(u32),
    /// With the signal TERM.
    Killed,
    /// With the wire cut.
    Cut,
    /// With a server that says nothing any more.
    Frozen,
    /// With a message that ends the connection.
    Disconnect(String),
    /// With a client that went away.
    Gone,
}

/// How many bytes are written at a time.
const CHUNK: usize = 32 * 1024;
/// How many lines of `ticks` are written at a time, where there is no pause between them.
const LINES_AT_ONCE: usize = 256;

/// Runs one command line.
pub(crate) async fn execute(io: &mut Io, line: &str) -> anyhow::Result<End> {
    let line = line.trim();
    let (name, words) = line.split_once(' ').unwrap_or((line, ""));
    match name {
        "" | "true" => Ok(End::Status(0)),
        "echo" => {
            io.say(&format!("{words}\n")).await?;
            Ok(End::Status(0))
        }
        "exit" => match words.trim() {
            "" => Ok(End::Status(0)),
            status => match status.parse() {
                Ok(status) => Ok(End::Status(status)),
                Err(_) => misuse(io, "exit: expected a number").await,
            },
        },
        "cat" => give_back(io).await,
        "printenv" => {
            for (name, value) in &io.variables {
                io.say(&format!("{name}={value}\n")).await?;
            }
            Ok(End::Status(0))
        }
        "yes-bytes" => match words.trim().parse() {
            Ok(count) => count_bytes(io, count).await,
            Err(_) => misuse(io, "yes-bytes: expected a number of bytes").await,
        },
        "ticks" => match words.split_once(' ').map(|(count, pause)| (count.parse(), pause.trim().parse())) {
            Some((Ok(count), Ok(pause))) => ticks(io, count, Duration::from_millis(pause)).await,
            _ => misuse(io, "ticks: expected a number of lines and milliseconds").await,
        },
        "size" => match io.terminal {
            Some((columns, rows)) => {
                io.say(&format!("size: {columns}x{rows}\n")).await?;
                Ok(End::Status(0))
            }
            None => misuse(io, "size: not a terminal").await,
        },
        "fail" => {
            io.complain("this went wrong\n").await?;
            Ok(End::Status(3))
        }
        "kill-self" => Ok(End::Killed),
        "drop" => Ok(End::Cut),
        "freeze" => Ok(End::Frozen),
        "disconnect" => Ok(End::Disconnect(words.to_owned())),
        _ => {
            io.complain(&format!("fake: {name}: command not found\n")).await?;
            Ok(End::Status(127))
        }
    }
}

async fn misuse(io: &Io, words: &str) -> anyhow::Result<End> {
    io.complain(&format!("{words}\n")).await?;
    Ok(End::Status(2))
}

async fn count_bytes(io: &Io, count: usize) -> anyhow::Result<End> {
    let pattern: Vec<u8> = (0..=u8::MAX).cycle().take(CHUNK).collect();
    let mut left = count;
    while left > 0 {
        // A chunk is a multiple of 256, so that each starts from 0.
        let bytes: Vec<u8> = pattern.iter().take(left).copied().collect();
        left = left.saturating_sub(bytes.len());
        io.raw(bytes).await?;
    }
    Ok(End::Status(0))
}

/// Writes numbered lines, each with the microseconds since the first one, with a pause after each; without a pause, as
/// fast as they are taken.
async fn ticks(io: &Io, count: u64, pause: Duration) -> anyhow::Result<End> {
    let begun = Instant::now();
    let mut next = begun;
    for first in (0..count).step_by(if pause.is_zero() { LINES_AT_ONCE } else { 1 }) {
        let last =
            if pause.is_zero() { count.min(first.saturating_add(LINES_AT_ONCE as u64)) } else { first + 1 };
        let at = begun.elapsed().as_micros();
        let lines: String = (first..last).map(|number| format!("{number:010} {at:012}\n")).collect();
        io.say(&lines).await?;
        next += pause;
        tokio::time::sleep_until(next.into()).await;
    }
    Ok(End::Status(0))
}

async fn give_back(io: &mut Io) -> anyhow::Result<End> {
    if io.terminal.is_some() {
        loop {
            match read_line(io, "").await? {
                Line::Text(line) => io.say(&format!("{line}\n")).await?,
                Line::Interrupted => return Ok(End::Status(130)),
                Line::End => return Ok(End::Status(0)),
                Line::Gone => return Ok(End::Gone),
            }
        }
    }
    loop {
        match io.input().await {
            Some(Input::Bytes(bytes)) => io.raw(bytes).await?,
            Some(Input::Resized) => {}
            Some(Input::End) => return Ok(End::Status(0)),
            None => return Ok(End::Gone),
        }
    }
}
