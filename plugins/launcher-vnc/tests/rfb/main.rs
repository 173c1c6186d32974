//! The protocol against what servers say: honest ones in every encoding, and those that lie.

#[cfg(test)]
mod clipboard;
#[cfg(test)]
mod decoding;
#[cfg(test)]
mod handshake;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod input;
#[cfg(test)]
mod screen;
