//! Shuts a process in before foreign native code runs in it: files by Landlock, system calls by seccomp, memory and files by
//! resource limits.
//!
//! Works or fails as a whole: a kernel that lacks Landlock gets no native plugins. Sources: landlock(7), seccomp(2).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, CompatLevel, Compatible as _, Ruleset, RulesetAttr as _,
    RulesetCreatedAttr as _, RulesetStatus, path_beneath_rules,
};
use rustix::process::{Resource, Rlimit, setrlimit};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};

/// What every library needs: others that it links, the list of where they are, random bytes.
const READABLE: [&str; 8] = [
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/etc/ld.so.cache",
    "/dev/urandom",
    "/dev/null",
];

/// Files that may be open at once.
const OPEN_FILES: u64 = 64;
/// Bytes of the largest file that may be written.
const LARGEST_FILE: u64 = 64 << 20;

/// Shuts this process in, for good.
pub(super) fn confine(read: &[PathBuf], write: &[PathBuf], memory_bytes: u64) -> Result<(), String> {
    for (resource, most) in [
        (Resource::As, memory_bytes),
        (Resource::Core, 0),
        (Resource::Nofile, OPEN_FILES),
        (Resource::Fsize, LARGEST_FILE),
    ] {
        setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })
            .map_err(|error| format!("a resource can't be limited: {error}"))?;
    }
    files(read, write).map_err(|error| format!("files can't be shut off: {error}"))?;
    system_calls().map_err(|error| format!("system calls can't be shut off: {error}"))
}

fn files(read: &[PathBuf], write: &[PathBuf]) -> Result<(), Box<dyn std::error::Error>> {
    // The oldest version is a must; newer kernels shut off more.
    let newest = ABI::V5;
    let there = |path: &&Path| path.exists();
    let readable = READABLE.iter().map(Path::new).chain(read.iter().map(PathBuf::as_path)).filter(there);
    let writable = write.iter().map(PathBuf::as_path).filter(there);
    let status = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(ABI::V1))?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(newest))?
        .handle_access(AccessNet::from_all(newest))?
        .create()?
        .add_rules(path_beneath_rules(readable, AccessFs::from_read(newest)))?
        .add_rules(path_beneath_rules(writable, AccessFs::from_all(newest)))?
        .restrict_self()?;
    if status.ruleset == RulesetStatus::NotEnforced {
        return Err("the kernel has no Landlock".into());
    }
    Ok(())
}

/// Forbids what a library has no business with: other programs, other processes, the network but for local sockets, and the
/// kernel's own knobs. Threads stay allowed.
fn system_calls() -> Result<(), Box<dyn std::error::Error>> {
    // On x86-64 every call has a second number, for programs with short pointers, under the same name of the architecture.
    let numbers = |call: i64| if cfg!(target_arch = "x86_64") { vec![call, call | X32] } else { vec![call] };
    let closed = FORBIDDEN.iter().flat_map(|call| numbers(*call));
    let mut refused: BTreeMap<i64, Vec<SeccompRule>> = closed.map(|call| (call, Vec::new())).collect();
    let not_local = SeccompCondition::new(
        0,
        SeccompCmpArgLen::Dword,
        SeccompCmpOp::Ne,
        libc::AF_UNIX.unsigned_abs().into(),
    )?;
    let not_local = SeccompRule::new(vec![not_local])?;
    refused.extend(numbers(libc::SYS_socket).into_iter().map(|call| (call, vec![not_local.clone()])));
    let thread = u64::from(libc::CLONE_THREAD.unsigned_abs());
    let no_thread = SeccompCondition::new(0, SeccompCmpArgLen::Qword, SeccompCmpOp::MaskedEq(thread), 0)?;
    let no_thread = SeccompRule::new(vec![no_thread])?;
    refused.extend(numbers(libc::SYS_clone).into_iter().map(|call| (call, vec![no_thread.clone()])));
    apply(refused, libc::EPERM)?;
    // Its flags are in memory, where no filter can look. Without it, the C library uses `clone`.
    apply(numbers(libc::SYS_clone3).into_iter().map(|call| (call, Vec::new())).collect(), libc::ENOSYS)
}

fn apply(refused: BTreeMap<i64, Vec<SeccompRule>>, error: i32) -> Result<(), Box<dyn std::error::Error>> {
    let action = SeccompAction::Errno(error.unsigned_abs());
    let filter =
        SeccompFilter::new(refused, SeccompAction::Allow, action, std::env::consts::ARCH.try_into()?)?;
    let program: BpfProgram = filter.try_into()?;
    Ok(seccompiler::apply_filter_all_threads(&program)?)
}

/// The bit of the second numbers on x86-64 (`__X32_SYSCALL_BIT`).
const X32: i64 = 0x4000_0000;

/// System calls that are refused whatever their arguments are.
const FORBIDDEN: &[i64] = &[
    libc::SYS_execve,
    libc::SYS_execveat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_fork,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_vfork,
    libc::SYS_kill,
    libc::SYS_tkill,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_send_signal,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_personality,
];
