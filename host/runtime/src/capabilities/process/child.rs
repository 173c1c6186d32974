//! One program from its start to its end: in a process group of its own, which is killed with whoever waits for it.
//!
//! Knows nothing of grants and slots. Never starts a shell, never hands a file of the host on, never leaves a core dump.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use ostler_plugin_api::SYSTEM_FOLDERS;
use rustix::process::{Pid, PidfdFlags, Resource, Rlimit, Signal};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, Command};
use zeroize::Zeroizing;

/// Bytes of standard output, as the WIT document says.
const LARGEST_OUTPUT: usize = 4 << 20;
/// Bytes of the end of standard error, as the WIT document says.
const LARGEST_ERRORS: usize = 8 << 10;
/// What most programs print has room in this without being moved.
const ROOM: usize = 64 << 10;
/// How long what a program has printed may take to arrive after its end, where something that it started holds the pipe open.
const GRACE: Duration = Duration::from_millis(200);

/// Variables of the user's session that every program gets.
const OF_THE_SESSION: [&str; 17] = [
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LANGUAGE",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "TMPDIR",
    "XDG_RUNTIME_DIR",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_CACHE_HOME",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "DBUS_SESSION_BUS_ADDRESS",
];

/// Beginnings and names of variables by which programs load other code, or run other programs.
const LOADING: [&str; 34] = [
    "LD_*",
    "DYLD_*",
    "GLIBC_TUNABLES",
    "GCONV_PATH",
    "LOCPATH",
    "NLSPATH",
    "MALLOC_*",
    "PATH",
    "IFS",
    "ENV",
    "BASH*",
    "SHELL*",
    "PS4",
    "PROMPT_COMMAND",
    "PYTHON*",
    "PERL*",
    "RUBY*",
    "NODE_*",
    "JAVA_*",
    "_JAVA_*",
    "JDK_*",
    "LUA_*",
    "PHP*",
    "GIT_*",
    "SSH_*",
    "EDITOR",
    "VISUAL",
    "PAGER",
    "BROWSER",
    "TERM*",
    "ZDOTDIR",
    "OPENSSL_*",
    "XDG_*",
    "LESS*",
];

/// Tells whether a variable is one that a plugin sets for no program.
pub(super) fn is_closed(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    OF_THE_SESSION.contains(&upper.as_str())
        || LOADING.iter().any(|known| ostler_plugin_api::wildcard_matches(known, &upper))
}

/// A program with everything filled in.
pub(super) struct Start {
    pub(super) program: String,
    pub(super) arguments: Vec<String>,
    pub(super) variables: Vec<(String, Zeroizing<String>)>,
    pub(super) input: Zeroizing<Vec<u8>>,
}

/// What came of it.
pub(super) struct Printed {
    pub(super) status: ExitStatus,
    pub(super) output: Zeroizing<Vec<u8>>,
    /// The end of standard error.
    pub(super) errors: Zeroizing<Vec<u8>>,
}

/// Why there is nothing.
pub(super) enum Fault {
    NotStarted(io::Error),
    TooMuch,
}

/// A program that runs. Its group is killed while it is known to be this one's: before the program itself is waited for.
struct Running {
    group: Group,
    ended: AsyncFd<std::os::fd::OwnedFd>,
    child: Child,
}

/// A process group; killed when dropped.
struct Group(Option<Pid>);

impl Group {
    fn kill(&mut self) {
        if let Some(group) = self.0.take() {
            // One that is empty already is no fault.
            rustix::process::kill_process_group(group, Signal::KILL).unwrap_or_default();
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Running {
    fn start(start: &Start) -> io::Result<Self> {
        let mut command = Command::new(&start.program);
        command.args(&start.arguments).env_clear().env("PATH", SYSTEM_FOLDERS.join(":"));
        let session = OF_THE_SESSION.iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
        command.envs(session).envs(start.variables.iter().map(|(name, value)| (name, value.as_str())));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.current_dir("/").process_group(0).kill_on_drop(true);
        // SAFETY: what runs between fork and exec are two system calls, without memory or locks of this process.
        #[expect(unsafe_code, reason = "there is no other way to bound a program before it runs")]
        unsafe {
            command.pre_exec(bound);
        }
        let child = command.spawn()?;
        let pid = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let group = Group(pid);
        let handle = pid.map(|pid| rustix::process::pidfd_open(pid, PidfdFlags::empty())).transpose()?;
        let handle = handle.ok_or(io::ErrorKind::NotFound)?;
        // SAFETY: an owned descriptor stays the same open one until it is dropped, and that is after its registration.
        #[expect(unsafe_code, reason = "there is no safe way to wait for a descriptor of this kind")]
        let ended = unsafe { AsyncFd::register(handle) }?;
        Ok(Self { group, ended, child })
    }

    /// Waits for the end, and kills what is left of the group.
    async fn end(&mut self) -> io::Result<ExitStatus> {
        self.ended.readable().await?.retain_ready();
        self.group.kill();
        self.child.wait().await
    }
}

/// Runs in the new process before the program: it dies with the host, and leaves no core dump.
fn bound() -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    // A limit of one byte also keeps a dump from a program that takes dumps (core(5)). Where there is a stricter one, it stays.
    let none = Rlimit { current: Some(1), maximum: Some(1) };
    rustix::process::setrlimit(Resource::Core, none).unwrap_or_default();
    Ok(())
}

/// Runs a program to its end. Dropped, it kills the program.
pub(super) async fn run(start: Start) -> Result<Printed, Fault> {
    let mut running = Running::start(&start).map_err(Fault::NotStarted)?;
    let mut output = Zeroizing::new(Vec::with_capacity(ROOM));
    let mut errors = Zeroizing::new(Vec::with_capacity(3 * LARGEST_ERRORS));
    let (to, from, said) =
        (running.child.stdin.take(), running.child.stdout.take(), running.child.stderr.take());
    let talk = async {
        tokio::try_join!(feed(to, &start.input), whole(from, &mut output), last(said, &mut errors))
            .map(|_| ())
    };
    let mut talk = Box::pin(talk);
    let mut end = Box::pin(running.end());
    let (status, all) = tokio::select! {
        all = &mut talk => {
            all?;
            (end.await, true)
        }
        status = &mut end => (status, false),
    };
    if !all && let Ok(all) = tokio::time::timeout(GRACE, &mut talk).await {
        all?;
    }
    drop(talk);
    Ok(Printed { status: status.map_err(Fault::NotStarted)?, output, errors })
}

/// Writes the input; a program need not read it.
async fn feed(to: Option<ChildStdin>, input: &[u8]) -> Result<(), Fault> {
    if let Some(mut to) = to {
        to.write_all(input).await.unwrap_or_default();
        to.shutdown().await.unwrap_or_default();
    }
    Ok(())
}

async fn whole(from: Option<impl AsyncRead + Unpin>, into: &mut Vec<u8>) -> Result<(), Fault> {
    let Some(from) = from else { return Ok(()) };
    let most = u64::try_from(LARGEST_OUTPUT).unwrap_or(u64::MAX).saturating_add(1);
    // What can't be read any more is at its end.
    from.take(most).read_to_end(into).await.unwrap_or_default();
    if into.len() > LARGEST_OUTPUT { Err(Fault::TooMuch) } else { Ok(()) }
}

/// Reads to the end, and keeps only the last of it.
async fn last(from: Option<impl AsyncRead + Unpin>, into: &mut Vec<u8>) -> Result<(), Fault> {
    let Some(mut from) = from else { return Ok(()) };
    let mut piece = Zeroizing::new(vec![0; LARGEST_ERRORS]);
    while let Ok(read @ 1..) = from.read(&mut piece).await {
        into.extend_from_slice(piece.get(..read).unwrap_or_default());
        into.drain(..into.len().saturating_sub(LARGEST_ERRORS));
    }
    Ok(())
}
