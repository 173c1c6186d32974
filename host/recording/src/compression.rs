//! One zstd stream over many segments: flushed at the end of each, so that each can be read when it is written.
//!
//! A frame may go on over segments, and a new one may start at any of them; frames are never ended, since the seal tells
//! where a segment ends. Never gives more text for a segment than a segment may hold.

use std::io;

use zstd::{
    stream::raw::{CParameter, DParameter, Decoder, Encoder, Operation as _},
    zstd_safe::OutBuffer,
};

use crate::RecordedSurface;

/// Fast, and a fifth of the text as most terminals show it is plenty.
const LEVEL: i32 = 1;
/// 128 KiB: what an idle session keeps in memory is a few times this.
const WINDOW_LOG: u32 = 17;

/// Compresses segments.
pub(crate) struct Compressor(Encoder<'static>);

impl Compressor {
    pub(crate) fn new() -> io::Result<Self> {
        let mut encoder = Encoder::new(LEVEL)?;
        encoder.set_parameter(CParameter::WindowLog(WINDOW_LOG))?;
        Ok(Self(encoder))
    }

    /// Starts a frame: what follows can be read without what was before.
    pub(crate) fn start_frame(&mut self) -> io::Result<()> {
        self.0.reinit()
    }

    /// Compresses the text of one segment and flushes it.
    pub(crate) fn segment(&mut self, mut text: &[u8]) -> io::Result<Vec<u8>> {
        let mut buffer = [0; 16 * 1024];
        let mut compressed = Vec::new();
        while !text.is_empty() {
            let status = self.0.run_on_buffers(text, &mut buffer)?;
            compressed.extend_from_slice(buffer.get(..status.bytes_written).unwrap_or_default());
            text = text.get(status.bytes_read..).unwrap_or_default();
        }
        loop {
            let mut output = OutBuffer::around(buffer.as_mut_slice());
            let remaining = self.0.flush(&mut output)?;
            compressed.extend_from_slice(output.as_slice());
            if remaining == 0 {
                return Ok(compressed);
            }
        }
    }
}

/// Decompresses segments.
pub(crate) struct Decompressor {
    decoder: Decoder<'static>,
    most: usize,
}

impl Decompressor {
    pub(crate) fn new(surface: RecordedSurface) -> io::Result<Self> {
        let mut decoder = Decoder::new()?;
        decoder.set_parameter(DParameter::WindowLogMax(WINDOW_LOG))?;
        Ok(Self { decoder, most: surface.most_segment_bytes() })
    }

    /// Forgets what was before.
    pub(crate) fn start_frame(&mut self) -> io::Result<()> {
        self.decoder.reinit()
    }

    /// Decompresses one segment; none if it is not whole or holds more than a segment may.
    pub(crate) fn segment(&mut self, mut compressed: &[u8]) -> Option<Vec<u8>> {
        let mut buffer = [0; 16 * 1024];
        let mut text = Vec::new();
        loop {
            let status = self.decoder.run_on_buffers(compressed, &mut buffer).ok()?;
            text.extend_from_slice(buffer.get(..status.bytes_written).unwrap_or_default());
            compressed = compressed.get(status.bytes_read..)?;
            if text.len() > self.most {
                return None;
            }
            if compressed.is_empty() && status.bytes_written < buffer.len() {
                return Some(text);
            }
            if status.bytes_read == 0 && status.bytes_written == 0 {
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SURFACE: RecordedSurface = RecordedSurface::Terminal;

    #[test]
    fn each_segment_reads_as_soon_as_it_is_there_and_frames_start_anew() {
        let (mut compressor, mut decompressor) =
            (Compressor::new().unwrap(), Decompressor::new(SURFACE).unwrap());
        let texts: Vec<Vec<u8>> =
            (0..6).map(|n| format!("line {n}\n").repeat(n * 7_000).into_bytes()).collect();
        for (number, text) in texts.iter().enumerate() {
            if number == 3 {
                compressor.start_frame().unwrap();
                decompressor = Decompressor::new(SURFACE).unwrap();
            }
            let compressed = compressor.segment(text).unwrap();
            assert_eq!(decompressor.segment(&compressed).as_ref(), Some(text), "{number}");
        }
    }

    #[test]
    fn a_segment_that_would_swell_without_bound_is_refused() {
        let mut compressor = Compressor::new().unwrap();
        let most = SURFACE.most_segment_bytes();
        let within = compressor.segment(&vec![b'a'; most]).unwrap();
        compressor.start_frame().unwrap();
        let beyond = compressor.segment(&vec![b'a'; most + 1]).unwrap();
        assert!(Decompressor::new(SURFACE).unwrap().segment(&within).is_some());
        assert!(Decompressor::new(SURFACE).unwrap().segment(&beyond).is_none());
    }

    #[test]
    fn garbage_is_refused() {
        assert!(Decompressor::new(SURFACE).unwrap().segment(b"neither fish nor fowl").is_none());
    }
}
