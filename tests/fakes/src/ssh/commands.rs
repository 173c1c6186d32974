//! The commands that a fake server knows.

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
