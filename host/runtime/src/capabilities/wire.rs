//! One wire of the capability `net`: bytes in both directions, over TCP or TLS, and secrets hidden that come back.
//!
//! Holds at most one read's worth of bytes. What is hidden is a secret that comes back as it was sent, however it is cut into
//! packets, as long as its parts come within [`HOLD`] of each other; a server that sends it back changed, or letter by letter, is not
//! seen through.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use ostler_core::SecretBytes;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

/// Bytes that are read at once.
const CHUNK: usize = 64 << 10;
/// How long the beginning of a secret is held back for its rest.
const HOLD: Duration = Duration::from_millis(100);
/// Secrets that are shorter are not looked for: they would be found everywhere.
const SHORTEST_HIDDEN: usize = 4;

/// What carries a wire's bytes.
pub(crate) trait Carrier: AsyncRead + AsyncWrite + Unpin + Send + Sync {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + Sync> Carrier for T {}

/// An open wire.
#[expect(unreachable_pub, reason = "the generated bindings name it where they are public")]
pub struct Wire {
    /// None while, and after, TLS could not be agreed on.
    carrier: Option<Box<dyn Carrier>>,
    host: String,
    to_target: bool,
    tls: bool,
    /// Bytes that were read and may be a part of a secret.
    held: Vec<u8>,
    holding: Option<Pin<Box<Sleep>>>,
    /// Bytes that the guest may read.
    ready: Vec<u8>,
    end: Option<Result<(), String>>,
    hidden: Vec<SecretBytes>,
}

impl Wire {
    pub(super) fn new(stream: TcpStream, host: &str, to_target: bool) -> Self {
        // Keys are small packets, and wait for nothing.
        stream.set_nodelay(true).unwrap_or_else(|error| tracing::debug!(%error, "small packets may wait"));
        Self::over(Box::new(stream), host, to_target)
    }

    fn over(carrier: Box<dyn Carrier>, host: &str, to_target: bool) -> Self {
        Self {
            carrier: Some(carrier),
            host: host.to_owned(),
            to_target,
            tls: false,
            held: Vec::new(),
            holding: None,
            ready: Vec::new(),
            end: None,
            hidden: Vec::new(),
        }
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) fn leads_to_target(&self) -> bool {
        self.to_target
    }

    /// Takes what carries the bytes, to put TLS over it; none where it is TLS already or bytes wait.
    pub(super) fn take_io(&mut self) -> Option<Box<dyn Carrier>> {
        let quiet = self.ready.is_empty() && self.held.is_empty() && self.end.is_none();
        if quiet && !self.tls { self.carrier.take() } else { None }
    }

    pub(super) fn put_tls(&mut self, carrier: Box<dyn Carrier>) {
        self.carrier = Some(carrier);
        self.tls = true;
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let carrier = self.carrier.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        carrier.write_all(bytes).await?;
        carrier.flush().await
    }

    pub(super) async fn write_secret(&mut self, secret: SecretBytes, ending: &[u8]) -> io::Result<()> {
        let carrier = self.carrier.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        // Hidden first: the answer may come while the rest is still being written.
        if secret.expose().len() >= SHORTEST_HIDDEN {
            self.hidden.push(secret.clone());
        }
        carrier.write_all(secret.expose()).await?;
        carrier.write_all(ending).await?;
        carrier.flush().await
    }

    pub(super) async fn finish(&mut self) -> io::Result<()> {
        self.carrier.as_mut().ok_or(io::ErrorKind::NotConnected)?.shutdown().await
    }

    /// Waits for bytes, and returns up to so many; none at the end.
    pub(super) async fn read(&mut self, most: usize) -> Result<Vec<u8>, String> {
        std::future::poll_fn(|context| self.poll_readable(context)).await;
        if self.ready.is_empty() {
            return self.end.clone().unwrap_or(Ok(())).map(|()| Vec::new());
        }
        let rest = self.ready.split_off(most.min(self.ready.len()));
        Ok(std::mem::replace(&mut self.ready, rest))
    }

    /// Is ready where there is something to read, or the end.
    pub(super) fn poll_readable(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            if !self.ready.is_empty() || (self.end.is_some() && self.held.is_empty()) {
                return Poll::Ready(());
            }
            if self.holding.as_mut().is_some_and(|hold| hold.as_mut().poll(context).is_ready()) {
                self.release();
                continue;
            }
            ready!(self.poll_fill(context));
        }
    }

    /// Reads once, and makes ready what can be no part of a secret.
    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(carrier) = &mut self.carrier else {
            self.end = Some(Err("TLS was not agreed on".to_owned()));
            return Poll::Ready(());
        };
        let mut chunk = vec![0; CHUNK];
        let mut buffer = ReadBuf::new(&mut chunk);
        let read = ready!(Pin::new(carrier).poll_read(context, &mut buffer));
        match read {
            Ok(()) if buffer.filled().is_empty() => self.end = Some(Ok(())),
            Ok(()) => self.held.extend_from_slice(buffer.filled()),
            Err(error) => self.end = Some(Err(error.kind().to_string())),
        }
        if self.end.is_some() {
            self.release();
        } else {
            self.hide();
        }
        Poll::Ready(())
    }

    /// Blots out secrets in what is held, and keeps back only what may be the beginning of one.
    fn hide(&mut self) {
        for secret in &self.hidden {
            blot(&mut self.held, secret.expose());
        }
        let keep = self.hidden.iter().map(|secret| beginning_at_end(&self.held, secret.expose())).max();
        let keep = keep.unwrap_or(0);
        let rest = self.held.split_off(self.held.len().saturating_sub(keep));
        self.ready.append(&mut std::mem::replace(&mut self.held, rest));
        self.holding = (keep > 0).then(|| Box::pin(tokio::time::sleep(HOLD)));
    }

    /// Makes all ready that is held: its rest did not come.
    fn release(&mut self) {
        for secret in &self.hidden {
            blot(&mut self.held, secret.expose());
        }
        self.ready.append(&mut self.held);
        self.holding = None;
    }
}

/// Overwrites every place where `secret` stands with `*`.
fn blot(bytes: &mut [u8], secret: &[u8]) {
    let mut from = 0;
    while let Some(rest) = bytes.get_mut(from..)
        && let Some(at) = memchr::memmem::find(rest, secret)
    {
        if let Some(place) = rest.get_mut(at..at + secret.len()) {
            place.fill(b'*');
        }
        from += at + secret.len();
    }
}

/// Returns how many bytes at the end may be the beginning of `secret`.
fn beginning_at_end(bytes: &[u8], secret: &[u8]) -> usize {
    let longest = secret.len().saturating_sub(1).min(bytes.len());
    (1..=longest)
        .rev()
        .find(|length| secret.get(..*length).is_some_and(|beginning| bytes.ends_with(beginning)))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;

    const SECRET: &str = "hunter22";

    async fn heard(parts: &[&str]) -> String {
        let (near, mut far) = duplex(1 << 16);
        let mut wire = Wire::over(Box::new(near), "a", true);
        wire.write_secret(SecretBytes::from(SECRET.to_owned()), b"\r").await.unwrap();
        let mut heard = Vec::new();
        for part in parts {
            far.write_all(part.as_bytes()).await.unwrap();
            // What is ready is taken at once, as a plugin would.
            tokio::task::yield_now().await;
            let mut context = Context::from_waker(std::task::Waker::noop());
            if wire.poll_readable(&mut context).is_ready() {
                heard.extend(wire.read(CHUNK).await.unwrap());
            }
        }
        drop(far);
        loop {
            let bytes = wire.read(CHUNK).await.unwrap();
            if bytes.is_empty() {
                return String::from_utf8(heard).unwrap();
            }
            heard.extend(bytes);
        }
    }

    #[tokio::test]
    async fn a_secret_that_comes_back_is_blotted_out_however_it_is_cut() {
        assert_eq!(heard(&["you said hunter22!"]).await, "you said ********!");
        assert_eq!(heard(&["you said hun", "ter", "22!"]).await, "you said ********!");
        assert_eq!(heard(&["hunter22hunter22"]).await, "****************");
        assert_eq!(heard(&["hunthunter22"]).await, "hunt********");
    }

    #[tokio::test]
    async fn what_is_no_secret_comes_as_it_is() {
        assert_eq!(heard(&["hunter", "s and gatherers"]).await, "hunters and gatherers");
        assert_eq!(heard(&["ends with h"]).await, "ends with h");
    }

    #[tokio::test(start_paused = true)]
    async fn a_beginning_is_held_back_only_for_a_moment() {
        let (near, mut far) = duplex(1 << 16);
        let mut wire = Wire::over(Box::new(near), "a", true);
        wire.write_secret(SecretBytes::from("$ecret".to_owned()), b"").await.unwrap();
        far.write_all(b"prompt $").await.unwrap();
        assert_eq!(wire.read(CHUNK).await.unwrap(), b"prompt ");
        assert_eq!(wire.read(CHUNK).await.unwrap(), b"$", "the prompt is seen although nothing follows");
    }
}
