//! Streams of zlib (RFC 1950) that go on from rectangle to rectangle.
//!
//! Inflates only as much as is asked for, so that a stream without end needs no more memory than a short one.

use flate2::{Decompress, FlushDecompress, Status};

use super::bytes::{MOST_AT_ONCE, Source, Stop};
use super::fault::Fault;

/// One stream.
#[derive(Debug)]
pub(super) struct Inflater(Decompress);

impl Inflater {
    pub(super) fn new() -> Self {
        Self(Decompress::new(true))
    }

    /// Begins the stream anew.
    pub(super) fn reset(&mut self) {
        self.0.reset(true);
    }
}

/// Where inflated bytes wait until they are taken; empty between two rectangles, so all streams share one.
#[derive(Debug)]
pub(super) struct Scratch(Box<[u8]>);

impl Scratch {
    pub(super) fn new() -> Self {
        Self(vec![0; MOST_AT_ONCE].into())
    }
}

/// The bytes of one rectangle while they are inflated.
#[derive(Debug)]
pub(super) struct Inflated<'a> {
    stream: &'a mut Decompress,
    scratch: &'a mut [u8],
    start: usize,
    end: usize,
    compressed: &'a [u8],
}

impl<'a> Inflated<'a> {
    pub(super) fn new(stream: &'a mut Inflater, scratch: &'a mut Scratch, compressed: &'a [u8]) -> Self {
        Self { stream: &mut stream.0, scratch: &mut scratch.0, start: 0, end: 0, compressed }
    }

    /// Ends the rectangle: what is left of its bytes must inflate to nothing.
    pub(super) fn finish(mut self) -> Result<(), Stop> {
        while self.start == self.end {
            if !self.inflate()? {
                return Ok(());
            }
        }
        Err(Fault::Pixels("the compressed pixels go on behind their rectangle").into())
    }

    /// Inflates as much as there is room for; returns whether anything came of it.
    fn inflate(&mut self) -> Result<bool, Stop> {
        if self.start > 0 {
            self.scratch.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        let room = self.scratch.get_mut(self.end..).unwrap_or_default();
        let (before_in, before_out) = (self.stream.total_in(), self.stream.total_out());
        let status = self
            .stream
            .decompress(self.compressed, room, FlushDecompress::None)
            .map_err(|_| Fault::Pixels("the compressed pixels are damaged"))?;
        let moved = |now: u64, before: u64| usize::try_from(now.wrapping_sub(before)).unwrap_or(usize::MAX);
        let (read, written) =
            (moved(self.stream.total_in(), before_in), moved(self.stream.total_out(), before_out));
        self.compressed = self.compressed.get(read..).unwrap_or_default();
        self.end = (self.end + written).min(self.scratch.len());
        Ok(written > 0 || read > 0 && status != Status::StreamEnd)
    }
}

impl Source for Inflated<'_> {
    fn take(&mut self, count: usize) -> Result<&[u8], Stop> {
        while self.end - self.start < count {
            if !self.inflate()? {
                return Err(Fault::Pixels("the compressed pixels end within their rectangle").into());
            }
        }
        let taken = self.scratch.get(self.start..self.start + count).unwrap_or_default();
        self.start += count;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, Stop> {
        if self.start < self.end
            && let Some(byte) = self.scratch.get(self.start)
        {
            self.start += 1;
            return Ok(*byte);
        }
        self.take(1).map(|bytes| bytes.first().copied().unwrap_or_default())
    }
}
