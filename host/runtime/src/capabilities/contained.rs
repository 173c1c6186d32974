//! Opening what lies below a named file or folder, and nothing else.
//!
//! What the user named may itself be a symbolic link: that was their choice. Below it the kernel resolves the rest in one step
//! (`openat2`) without any link and without leaving it, so that nothing can be changed between a check and its use. Everything is
//! first opened as a mere place (`O_PATH`), looked at, and only then for use: no device is ever opened, and no pipe waits.

use std::fs::File;
use std::os::fd::{AsRawFd as _, OwnedFd};

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;

/// Bytes of a path.
const LONGEST_PATH: usize = 4096;

/// Why a path leads nowhere.
#[derive(Debug)]
pub(super) enum Astray {
    /// There is nothing.
    NotFound,
    /// A symbolic link or `..` leads elsewhere.
    Outside,
    /// The machine can't do it.
    Failed(String),
}

impl From<Errno> for Astray {
    fn from(error: Errno) -> Self {
        match error {
            Errno::NOENT | Errno::NOTDIR => Self::NotFound,
            Errno::LOOP | Errno::XDEV => Self::Outside,
            error => Self::Failed(std::io::Error::from(error).kind().to_string()),
        }
    }
}

/// What a path leads to: a place that can be looked at, not yet used.
pub(super) struct Place {
    place: OwnedFd,
    pub(super) stat: Stat,
    /// Whether it is the very thing that was named, not something below it.
    pub(super) named: bool,
}

/// Checks how a path is written.
pub(super) fn check_path(path: &str) -> Result<(), String> {
    let plain = |part: &str| !part.is_empty() && part != "." && part != "..";
    let well = path.strip_prefix('/').is_some_and(|rest| rest.split('/').all(plain));
    if well && path.len() <= LONGEST_PATH && !path.contains('\0') {
        Ok(())
    } else {
        Err("a path is absolute and written plainly, without '.', '..' and empty parts".to_owned())
    }
}

/// Returns the longest of the named paths that is the path or lies above it, with what is left of the path below it.
pub(super) fn base<'a>(named: &'a [String], path: &'a str) -> Option<(&'a str, &'a str)> {
    let below = |base: &'a String| {
        let rest = path.strip_prefix(base.as_str())?;
        match rest.strip_prefix('/') {
            Some(rest) => Some((base.as_str(), rest)),
            None if rest.is_empty() => Some((base.as_str(), "")),
            None => None,
        }
    };
    named.iter().filter_map(below).max_by_key(|(base, _)| base.len())
}

/// Finds what a path below a base leads to. `contained` is off only in a test that proves this guard.
pub(super) fn find(base: &str, rest: &str, contained: bool) -> Result<Place, Astray> {
    let place = OFlags::PATH | OFlags::CLOEXEC;
    let top = rustix::fs::open(base, place, Mode::empty())?;
    let found = if rest.is_empty() {
        top
    } else if contained {
        let inside = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        let found = rustix::fs::openat2(&top, rest, place | OFlags::NOFOLLOW, Mode::empty(), inside)?;
        // A link at the very end is opened as itself.
        if FileType::from_raw_mode(rustix::fs::fstat(&found)?.st_mode) == FileType::Symlink {
            return Err(Astray::Outside);
        }
        found
    } else {
        rustix::fs::openat(&top, rest, place, Mode::empty())?
    };
    let stat = rustix::fs::fstat(&found)?;
    Ok(Place { place: found, stat, named: rest.is_empty() })
}

impl Place {
    pub(super) fn kind(&self) -> FileType {
        FileType::from_raw_mode(self.stat.st_mode)
    }

    /// Returns a path that leads to this very place for as long as it is held, whatever becomes of its name.
    pub(super) fn path(&self) -> String {
        format!("/proc/self/fd/{}", self.place.as_raw_fd())
    }

    /// Opens the place for use.
    pub(super) fn open(&self, flags: OFlags) -> Result<File, Astray> {
        let flags = flags | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        Ok(File::from(rustix::fs::open(self.path(), flags, Mode::empty())?))
    }

    /// Returns the place itself, for what is done in a folder.
    pub(super) fn descriptor(&self) -> &OwnedFd {
        &self.place
    }
}
