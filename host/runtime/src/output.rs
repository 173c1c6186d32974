//! What a plugin writes to its standard output and error: lines in its log.
//!
//! Lines over the limit are dropped and counted. Never reaches the host's own output.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use ostler_core::LogLevel;
use tokio::io::AsyncWrite;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use crate::log_book::{LONGEST_LINE, LogBook};

/// Bytes that one write may have.
const WRITE_BYTES: usize = 64 << 10;

/// One output of one instance; clones write to the same lines.
#[derive(Clone)]
pub(crate) struct Output(Arc<Mutex<Lines>>);

struct Lines {
    log: Arc<LogBook>,
    line: Vec<u8>,
    left: u32,
    dropped: u64,
}

impl Output {
    pub(crate) fn new(log: Arc<LogBook>, most_lines: u32) -> Self {
        Self(Arc::new(Mutex::new(Lines { log, line: Vec::new(), left: most_lines, dropped: 0 })))
    }

    fn take(&self, bytes: &[u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take(bytes);
    }
}

impl Lines {
    fn take(&mut self, bytes: &[u8]) {
        let mut parts = bytes.split(|byte| *byte == b'\n');
        if let Some(first) = parts.next() {
            self.extend(first);
        }
        for part in parts {
            self.end_line();
            self.extend(part);
        }
    }

    fn extend(&mut self, bytes: &[u8]) {
        let room = LONGEST_LINE.saturating_sub(self.line.len());
        self.line.extend_from_slice(bytes.get(..room.min(bytes.len())).unwrap_or_default());
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            return;
        }
        if self.left == 0 {
            self.dropped += 1;
            return;
        }
        self.left -= 1;
        self.log.write(LogLevel::Info, &String::from_utf8_lossy(&line));
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.end_line();
        self.log.dropped(self.dropped);
    }
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Output {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {}
}

impl OutputStream for Output {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.take(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE_BYTES)
    }
}

impl AsyncWrite for Output {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.take(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log_book::tests::Still;

    fn log() -> Arc<LogBook> {
        Arc::new(LogBook::new("test.one".into(), Arc::new(Still)))
    }

    #[test]
    fn a_line_without_end_keeps_only_its_first_4_kib() {
        let output = Output::new(log(), 10);
        for _ in 0..100 {
            output.take(&[b'x'; 1000]);
        }
        assert_eq!(output.0.lock().unwrap().line.len(), LONGEST_LINE);
    }

    #[test]
    fn lines_over_the_limit_are_counted() {
        let output = Output::new(log(), 2);
        output.take(b"1\n2\n3\n\n4\n");
        assert_eq!(output.0.lock().unwrap().dropped, 2);
    }
}
