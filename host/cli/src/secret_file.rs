//! Secrets from files and file descriptors. A secret is never taken from the words of a command line, where every
//! process of the machine can read it.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use ostler_app::core::SecretBytes;
use zeroize::Zeroizing;

use crate::error::CliError;
use crate::output::Output;

/// The largest secret that is read, in bytes: room for any private key.
const LARGEST: usize = 64 * 1024;

/// More room than a read can fill, so that the buffer never moves and leaves a copy behind.
const ROOM: usize = LARGEST + 64;

/// Others than the owner may read it.
const READABLE_BY_OTHERS: u32 = 0o044;

/// Where a secret is read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SecretSource {
    /// A file.
    File(PathBuf),
    /// An open file descriptor.
    Descriptor(u32),
}

impl SecretSource {
    /// Returns the source that was named, if one was.
    pub(crate) fn choose(file: Option<&PathBuf>, descriptor: Option<u32>) -> Option<Self> {
        file.map(|file| Self::File(file.clone())).or_else(|| descriptor.map(Self::Descriptor))
    }

    /// Reads one line of text: one newline at the end does not count.
    ///
    /// # Errors
    /// Fails where it can't be read, is empty or too large.
    pub(crate) fn read_line(&self, what: &str, output: &Output) -> Result<SecretBytes, CliError> {
        let bytes = self.read(what, output)?;
        let line = bytes
            .strip_suffix(b"\n")
            .map_or(bytes.as_slice(), |line| line.strip_suffix(b"\r").unwrap_or(line));
        self.not_empty(what, line)
    }

    /// Reads the whole content.
    ///
    /// # Errors
    /// Fails where it can't be read, is empty or too large.
    pub(crate) fn read_all(&self, what: &str, output: &Output) -> Result<SecretBytes, CliError> {
        let bytes = self.read(what, output)?;
        self.not_empty(what, &bytes)
    }

    fn not_empty(&self, what: &str, bytes: &[u8]) -> Result<SecretBytes, CliError> {
        if bytes.is_empty() {
            return Err(CliError::Secret { what: self.name(what), reason: "is empty".to_owned() });
        }
        Ok(SecretBytes::new(bytes.to_vec()))
    }

    fn read(&self, what: &str, output: &Output) -> Result<Zeroizing<Vec<u8>>, CliError> {
        let unusable = |source| CliError::File { what: self.name(what), source };
        let path = match self {
            Self::File(path) => path.clone(),
            Self::Descriptor(number) => Path::new("/dev/fd").join(number.to_string()),
        };
        let file = File::open(&path).map_err(unusable)?;
        let metadata = file.metadata().map_err(unusable)?;
        if matches!(self, Self::File(_))
            && metadata.is_file()
            && metadata.permissions().mode() & READABLE_BY_OTHERS != 0
        {
            output.warning(&format!("{} can be read by other users; 'chmod 600' it", self.name(what)));
        }
        let mut bytes = Zeroizing::new(Vec::with_capacity(ROOM));
        let limit = u64::try_from(LARGEST).unwrap_or(u64::MAX).saturating_add(1);
        file.take(limit).read_to_end(&mut bytes).map_err(unusable)?;
        if bytes.len() > LARGEST {
            let reason = format!("is larger than {} KiB", LARGEST / 1024);
            return Err(CliError::Secret { what: self.name(what), reason });
        }
        Ok(bytes)
    }

    fn name(&self, what: &str) -> String {
        match self {
            Self::File(path) => format!("{what} in {}", path.display()),
            Self::Descriptor(number) => format!("{what} on file descriptor {number}"),
        }
    }
}
