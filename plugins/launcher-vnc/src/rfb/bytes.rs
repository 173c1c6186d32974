//! Values taken out of bytes, of which more may come.

use super::fault::Fault;

/// Why a step was not done.
#[derive(Debug, PartialEq)]
pub(super) enum Stop {
    /// Not all of its bytes are there yet: do it again once there are more. Nothing was taken.
    Short,
    /// The server does not keep to the protocol.
    Fault(Fault),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// What pixels are taken from: bytes as they came, or as they are inflated.
pub(super) trait Source {
    /// Takes so many bytes, at most [`MOST_AT_ONCE`].
    fn take(&mut self, count: usize) -> Result<&[u8], Stop>;

    /// Takes one byte.
    fn byte(&mut self) -> Result<u8, Stop> {
        self.take(1).map(|bytes| bytes.first().copied().unwrap_or_default())
    }
}

/// What a [`Source`] gives at once: more than a row of the widest desktop.
pub(super) const MOST_AT_ONCE: usize = 64 << 10;

/// Takes values from the front of bytes; those of several bytes have the high one first.
#[derive(Debug, Clone)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Returns how many bytes are left.
    pub(super) fn left(&self) -> usize {
        self.rest.len()
    }

    /// Returns all that is left.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Returns so many bytes without taking them, or fewer.
    pub(super) fn peek(&self, count: usize) -> &'a [u8] {
        self.rest.get(..count).unwrap_or(self.rest)
    }

    pub(super) fn bytes(&mut self, count: usize) -> Result<&'a [u8], Stop> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(Stop::Short)?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Stop> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(Stop::Short)?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Stop> {
        self.array().map(u8::from_be_bytes)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Stop> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Stop> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn i32(&mut self) -> Result<i32, Stop> {
        self.array().map(i32::from_be_bytes)
    }

    /// Takes a length of four bytes, which a server may make too large.
    pub(super) fn length(&mut self, what: &'static str, most: usize) -> Result<usize, Stop> {
        let length = usize::try_from(self.u32()?).unwrap_or(usize::MAX);
        if length > most { Err(Fault::TooLong { what, length, most }.into()) } else { Ok(length) }
    }
}

impl Source for Reader<'_> {
    fn take(&mut self, count: usize) -> Result<&[u8], Stop> {
        self.bytes(count)
    }
}
