//! Keeps compiled code in files, so that a plugin is compiled once per machine and engine version.
//!
//! Compiled code runs without a sandbox, so a file is worth nothing by itself: it is used only if its tag, made with the
//! device's key over the component's digest, the engine's fingerprint and every byte of code, is right. A file that is
//! tampered with, cut short, from another device or from another engine is ignored, and replaced at the next compile.
//! Never trusts a file's name, owner or time, and never fails a load: without a cache, plugins are compiled each time.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use ostler_core::CodeAuthenticator;
use sha2::{Digest as _, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

/// What a file begins with; the number changes with the layout.
const MAGIC: &[u8; 16] = b"ostler-compiled1";
const LABEL: &[u8] = b"ostler compiled plugin code v1";
const TAG_BYTES: usize = 32;
/// What the name of a file ends with that is not whole yet.
const UNFINISHED: &str = ".new";
/// The largest file that is read: four times what the largest plugin file compiles to.
const LARGEST: u64 = 1 << 30;
/// Files that are kept; beyond that the ones written longest ago go first.
const MOST_FILES: usize = 128;

/// What compiled code was made of: the component and the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CodeKey {
    component: [u8; 32],
    engine: [u8; 32],
}

impl CodeKey {
    pub(crate) fn new(component: [u8; 32], engine: &Engine) -> Self {
        Self { component, engine: fingerprint(engine) }
    }

    fn file_name(&self) -> String {
        format!("{}-{}.code", hex(&self.component), hex(self.engine.get(..8).unwrap_or_default()))
    }
}

/// Compiled code that came from this process's compiler, or from a file whose tag was right. Only this module makes one.
pub(crate) struct TrustedCode(Vec<u8>);

impl TrustedCode {
    /// Compiles a component. Runs none of it.
    ///
    /// # Errors
    /// Says what is wrong with the component.
    pub(crate) fn compile(engine: &Engine, bytes: &[u8]) -> wasmtime::Result<Self> {
        engine.precompile_component(bytes).map(Self)
    }

    /// Makes a component of the code.
    ///
    /// # Errors
    /// Fails where the component does not fit the engine's allocator.
    #[expect(
        unsafe_code,
        reason = "deserializing compiled code is unsafe because the code itself is not checked"
    )]
    pub(crate) fn component(&self, engine: &Engine) -> wasmtime::Result<Component> {
        // SAFETY: the bytes are exactly what `Engine::precompile_component` returned, in this process or in one that
        // had the device's key: see the two places that make a `TrustedCode`. They are verified in memory, not in a file
        // that could change afterwards. Wasmtime itself checks that they fit this engine's version and settings.
        unsafe { Component::deserialize(engine, &self.0) }
    }
}

/// A directory of compiled code.
#[derive(Clone)]
pub(crate) struct CodeCache {
    directory: PathBuf,
    authenticator: Arc<dyn CodeAuthenticator>,
}

impl CodeCache {
    pub(crate) fn new(directory: PathBuf, authenticator: Arc<dyn CodeAuthenticator>) -> Self {
        Self { directory, authenticator }
    }

    /// Returns the code of a key, if a file has it and its tag is right.
    pub(crate) fn get(&self, key: &CodeKey) -> Option<TrustedCode> {
        let path = self.directory.join(key.file_name());
        let mut content = read(&path).ok()?;
        let verified = content
            .strip_prefix(MAGIC)
            .and_then(|rest| rest.split_first_chunk::<TAG_BYTES>())
            .is_some_and(|(tag, code)| self.authenticator.verify(&parts(key, code), tag));
        if !verified {
            tracing::warn!(file = %path.display(), "compiled code is not authentic and is not used");
            return None;
        }
        content.drain(..MAGIC.len() + TAG_BYTES);
        Some(TrustedCode(content))
    }

    /// Writes the code of a key. A file that can't be written is only slower the next time.
    pub(crate) fn put(&self, key: &CodeKey, code: &TrustedCode) {
        if let Err(error) = self.write(key, &code.0) {
            let directory = self.directory.display();
            tracing::warn!(%directory, %error, "compiled code can't be kept");
        }
    }

    fn write(&self, key: &CodeKey, code: &[u8]) -> io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.directory)?;
        let tag = self.authenticator.tag(&parts(key, code));
        self.sweep();
        let writing = fs::File::open(&self.directory)?;
        writing.lock_shared()?;
        let name = key.file_name();
        // Processes that compile the same plugin at once each write a file of their own; the last rename stays.
        let temporary = self.directory.join(format!("{name}.{}{UNFINISHED}", std::process::id()));
        let mut options = fs::OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
        let written = [MAGIC.as_slice(), &tag, code].into_iter().try_for_each(|part| file.write_all(part));
        // No sync: after a power failure a torn file does not verify and is written anew.
        let placed = written.and_then(|()| fs::rename(&temporary, self.directory.join(name)));
        if placed.is_err() {
            fs::remove_file(&temporary).unwrap_or_default();
        }
        self.prune();
        placed
    }

    /// Removes what crashes left unfinished, unless somebody is just writing.
    fn sweep(&self) {
        let nobody_writes = fs::File::open(&self.directory).ok().filter(|open| open.try_lock().is_ok());
        let Some((_locked, entries)) = nobody_writes.zip(fs::read_dir(&self.directory).ok()) else { return };
        for entry in entries.filter_map(Result::ok) {
            if entry.file_name().to_string_lossy().ends_with(UNFINISHED) {
                fs::remove_file(entry.path()).unwrap_or_default();
            }
        }
    }

    /// Deletes the oldest files over the limit; what can't be deleted stays.
    fn prune(&self) {
        let Ok(entries) = fs::read_dir(&self.directory) else { return };
        let mut files: Vec<(SystemTime, PathBuf)> = entries
            .filter_map(Result::ok)
            .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
            .collect();
        files.sort();
        let over = files.len().saturating_sub(MOST_FILES);
        for (_, path) in files.into_iter().take(over) {
            fs::remove_file(path).unwrap_or_default();
        }
    }
}

/// Returns what the tag covers: everything that decides whether the code may run.
fn parts<'a>(key: &'a CodeKey, code: &'a [u8]) -> [&'a [u8]; 4] {
    [LABEL, &key.component, &key.engine, code]
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = fs::File::open(path)?;
    let length = file.metadata()?.len();
    if length > LARGEST {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let mut content = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    file.take(LARGEST).read_to_end(&mut content)?;
    Ok(content)
}

/// Returns the SHA-256 digest of what decides whether compiled code fits an engine: its version and settings.
fn fingerprint(engine: &Engine) -> [u8; 32] {
    struct Sink(Sha256);
    impl std::hash::Hasher for Sink {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
        fn finish(&self) -> u64 {
            0
        }
    }
    let mut sink = Sink(Sha256::new());
    std::hash::Hash::hash(&engine.precompile_compatibility_hash(), &mut sink);
    sink.0.finalize().into()
}

/// Writes bytes in lower case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string can't fail.
        write!(text, "{byte:02x}").unwrap_or_default();
        text
    })
}
