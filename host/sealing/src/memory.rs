//! Keeps the process's memory off the disk and out of other processes.
//!
//! Never a defence against root or against the user's own debugger attached before it was called.

/// The system did not take a protection.
#[derive(Debug, thiserror::Error)]
pub enum HardenError {
    /// Core dumps could not be turned off.
    #[error("core dumps could not be turned off")]
    CoreDumps(#[source] std::io::Error),
    /// The process could not be closed to other processes of the user.
    #[error("the process could not be made undumpable")]
    Dumpable(#[source] std::io::Error),
}

/// Turns core dumps off (`RLIMIT_CORE` 0) and, on Linux, keeps other processes of the same user from reading
/// this one's memory (`PR_SET_DUMPABLE` 0). To be called first thing in a program.
///
/// Programs started from here inherit the limit on core dumps, not the rest.
///
/// # Errors
/// [`HardenError`] says which protection failed; a program may warn and go on.
pub fn harden_process() -> Result<(), HardenError> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })
        .map_err(|error| HardenError::CoreDumps(error.into()))?;
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
        .map_err(|error| HardenError::Dumpable(error.into()))?;
    Ok(())
}
