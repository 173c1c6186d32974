//! A connection's socket with two ways to fail: cut without a word, or deaf from some moment on.

use std::io;
use std::net::Shutdown;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Makes a connection fail.
pub(crate) struct Wire {
    socket: std::net::TcpStream,
    frozen: Arc<AtomicBool>,
}

/// The stream that the protocol runs over.
pub(crate) struct WireStream {
    stream: TcpStream,
    frozen: Arc<AtomicBool>,
}

impl Wire {
    /// Splits a stream into the stream proper and what makes it fail.
    pub(crate) fn around(stream: TcpStream) -> io::Result<(WireStream, Self)> {
        let stream = stream.into_std()?;
        let socket = stream.try_clone()?;
        let frozen = Arc::<AtomicBool>::default();
        let stream = WireStream { stream: TcpStream::from_std(stream)?, frozen: Arc::clone(&frozen) };
        Ok((stream, Self { socket, frozen }))
    }

    /// Closes the socket without a word of the protocol.
    pub(crate) fn cut(&self) {
        if let Err(error) = self.socket.shutdown(Shutdown::Both) {
            tracing::debug!(%error, "the wire was cut already");
        }
    }

    /// Stops listening for good; the socket stays open.
    pub(crate) fn freeze(&self) {
        self.frozen.store(true, Ordering::Release);
    }
}

impl AsyncRead for WireStream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.frozen.load(Ordering::Acquire) {
            // Nothing wakes this again: that is the point.
            return Poll::Pending;
        }
        Pin::new(&mut this.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for WireStream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}
