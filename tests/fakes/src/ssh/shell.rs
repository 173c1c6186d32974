//! A small shell: a prompt, a line with an echo, and the commands. On a terminal it reports each new size.

use super::channel::{Input, Io};
use super::commands::{End, execute};
use super::log::Observed;
use super::server::Shared;

/// What stands before each line on a terminal.
const PROMPT: &str = "fake$ ";

/// What was typed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// A line.
    Text(String),
    /// Ctrl-C.
    Interrupted,
    /// Ctrl-D on an empty line, or no more input.
    End,
    /// The client went away.
    Gone,
}

/// Runs the shell until it ends.
pub(crate) async fn run(io: &mut Io, shared: &Shared) -> anyhow::Result<End> {
    let mut status = 0;
    loop {
        match read_line(io, PROMPT).await? {
            Line::Text(line) if line.trim().is_empty() => {}
            Line::Text(line) => {
                shared.log.push(Observed::Command(line.clone()));
                let leaves = line.trim() == "exit" || line.trim().starts_with("exit ");
                match execute(io, &line).await? {
                    End::Status(_) if line.trim() == "exit" => return Ok(End::Status(status)),
                    End::Status(code) if leaves => return Ok(End::Status(code)),
                    End::Status(code) => status = code,
                    end => return Ok(end),
                }
            }
            Line::Interrupted => status = 130,
            Line::End => return Ok(End::Status(status)),
            Line::Gone => return Ok(End::Gone),
        }
    }
}

/// Reads a line: with a prompt and an echo on a terminal, plainly otherwise.
///
/// Bytes after the line's end are read as keys as well, one line at a time: what is typed ahead is not lost.
pub(crate) async fn read_line(io: &mut Io, prompt: &str) -> anyhow::Result<Line> {
    let shown = io.terminal.is_some();
    if shown {
        io.say(prompt).await?;
    }
    let mut line: Vec<u8> = Vec::new();
    loop {
        let bytes = match io.input().await {
            Some(Input::Bytes(bytes)) => bytes,
            Some(Input::Resized) => {
                let (columns, rows) = io.terminal.unwrap_or_default();
                let typed = String::from_utf8_lossy(&line).into_owned();
                io.say(&format!("\nsize: {columns}x{rows}\n{prompt}{typed}")).await?;
                continue;
            }
            Some(Input::End) if line.is_empty() => return Ok(Line::End),
            Some(Input::End) => return Ok(text(line)),
            None => return Ok(Line::Gone),
        };
        let mut echo = Vec::new();
        let mut keys = bytes.into_iter();
        while let Some(key) = keys.next() {
            let done = match key {
                b'\r' | b'\n' => Some(text(std::mem::take(&mut line))),
                0x03 => Some(Line::Interrupted),
                0x04 if line.is_empty() => Some(Line::End),
                0x08 | 0x7f => {
                    if erase(&mut line) {
                        echo.extend_from_slice(b"\x08 \x08");
                    }
                    None
                }
                _ => {
                    line.push(key);
                    echo.push(key);
                    None
                }
            };
            if let Some(done) = done {
                if done == Line::Interrupted {
                    echo.extend_from_slice(b"^C");
                }
                echo.extend_from_slice(b"\r\n");
                if shown {
                    io.raw(echo).await?;
                }
                io.put_back(keys.collect());
                return Ok(done);
            }
        }
        if shown && !echo.is_empty() {
            io.raw(echo).await?;
        }
    }
}

/// Takes the last character off; tells whether there was one.
fn erase(line: &mut Vec<u8>) -> bool {
    while let Some(byte) = line.pop() {
        // The bytes after the first of a UTF-8 character are 10xxxxxx.
        if byte & 0xc0 != 0x80 {
            return true;
        }
    }
    false
}

fn text(line: Vec<u8>) -> Line {
    Line::Text(String::from_utf8_lossy(&line).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn erasing_takes_a_whole_character() {
        let mut line = "aä".as_bytes().to_vec();
        assert!(erase(&mut line));
        assert_eq!(line, b"a");
        assert!(erase(&mut line));
        assert!(!erase(&mut line));
    }
}
