//! The child's side: shut in, load the library, carry out one call.
//!
//! Runs in a process that the host started for it, before any other thread is there. Standard input and output belong to the
//! host; what the library prints goes to standard error.
#![expect(unsafe_code, reason = "a library with a C ABI is loaded and called")]

use std::io::{self, Read, Write};
use std::process::ExitCode;

use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use ostler_plugin_api::{LARGEST_NATIVE_MESSAGE, NATIVE_ABI, NativeBuffer};
use rustix::fs::{MemfdFlags, SealFlags};

use super::confine::confine;
use super::wire::{self, PROTOCOL, Ready, Start};

/// The largest library that is taken.
pub(super) const LARGEST_LIBRARY: usize = 64 << 20;

type Call = unsafe extern "C" fn(*const u8, usize, *mut NativeBuffer) -> i32;
type Free = unsafe extern "C" fn(NativeBuffer);

/// A loaded library. The functions are used only while it lives.
struct Loaded {
    call: Call,
    free: Free,
    _library: Library,
}

/// Carries out one call of a native plugin and ends. Called by the program where the host started it for that, before it
/// does anything else.
#[must_use]
pub fn native_child() -> ExitCode {
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn serve() -> io::Result<()> {
    let (mut from_host, mut to_host) = streams()?;
    let start: Start = serde_json::from_slice(&wire::read(&mut from_host, LARGEST_NATIVE_MESSAGE)?)?;
    let library = wire::read(&mut from_host, LARGEST_LIBRARY)?;
    let loaded = if start.protocol == PROTOCOL {
        let confined = if start.confined || !cfg!(debug_assertions) {
            confine(&start.read, &start.write, start.memory_bytes)
        } else {
            Ok(())
        };
        confined.and_then(|()| load(&library))
    } else {
        Err("the program was replaced while it ran".to_owned())
    };
    drop(library);
    let (ready, loaded) = match loaded {
        Ok(loaded) => (Ready::Loaded { protocol: PROTOCOL }, Some(loaded)),
        Err(reason) => (Ready::Unfit(reason), None),
    };
    wire::write(&mut to_host, &serde_json::to_vec(&ready)?)?;
    let Some(loaded) = loaded else { return Ok(()) };
    let request = wire::read(&mut from_host, LARGEST_NATIVE_MESSAGE)?;
    let answer = loaded.call(&request)?;
    wire::write(&mut to_host, &answer)
}

/// Takes the two streams of the host away from whatever else reads standard input and writes standard output, and closes
/// every other file.
fn streams() -> io::Result<(impl Read, impl Write)> {
    let from_host = std::fs::File::from(rustix::io::dup(rustix::stdio::stdin())?);
    let to_host = std::fs::File::from(rustix::io::dup(rustix::stdio::stdout())?);
    let nothing = std::fs::File::open("/dev/null")?;
    rustix::stdio::dup2_stdin(&nothing)?;
    rustix::stdio::dup2_stdout(rustix::stdio::stderr())?;
    Ok((from_host, to_host))
}

/// Loads a library from its bytes: not from its file, which may be another one by now.
fn load(bytes: &[u8]) -> Result<Loaded, String> {
    let failed = |error: io::Error| format!("it can't be laid out in memory: {error}");
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let file = rustix::fs::memfd_create("plugin", flags).map_err(|error| failed(error.into()))?;
    let mut file = std::fs::File::from(file);
    file.write_all(bytes).map_err(failed)?;
    let seals = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
    rustix::fs::fcntl_add_seals(&file, seals).map_err(|error| failed(error.into()))?;
    let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&file));
    // SAFETY: its code is foreign and runs from here on, which is what this process is for: policy pinned its digest, and the
    // process is shut in.
    let library = unsafe { Library::open(Some(&path), RTLD_NOW | RTLD_LOCAL) }
        .map_err(|error| format!("the library can't be loaded: {error}"))?;
    let lacks = |error: libloading::Error| format!("it is no native plugin: {error}");
    // SAFETY: the types are those of the C ABI, to which the library says that it keeps by exporting the names.
    let (abi, call, free) = unsafe {
        (
            library.get::<unsafe extern "C" fn() -> u32>(b"ostler_native_abi\0").map_err(lacks)?,
            *library.get::<Call>(b"ostler_native_call\0").map_err(lacks)?,
            *library.get::<Free>(b"ostler_native_free\0").map_err(lacks)?,
        )
    };
    // SAFETY: as above.
    let found = unsafe { abi() };
    if found != NATIVE_ABI {
        return Err(format!(
            "it was built for version {found} of the native ABI; this host has {NATIVE_ABI}"
        ));
    }
    Ok(Loaded { call, free, _library: library })
}

impl Loaded {
    fn call(&self, request: &[u8]) -> io::Result<Vec<u8>> {
        let mut answer = NativeBuffer { bytes: std::ptr::null_mut(), length: 0, capacity: 0 };
        // SAFETY: the pointers are to live values, for the time of the call.
        let status = unsafe { (self.call)(request.as_ptr(), request.len(), &raw mut answer) };
        if status != 0 || answer.bytes.is_null() || answer.length > LARGEST_NATIVE_MESSAGE {
            return Err(io::ErrorKind::InvalidData.into());
        }
        // SAFETY: the library filled so many bytes, and keeps them until they are given back.
        let bytes = unsafe { std::slice::from_raw_parts(answer.bytes, answer.length) }.to_vec();
        // SAFETY: it is given back once, and not used after.
        unsafe { (self.free)(answer) };
        Ok(bytes)
    }
}
