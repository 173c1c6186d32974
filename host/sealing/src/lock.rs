//! Key memory: 32 bytes on a page of their own, locked against swapping and left out of core dumps where the system allows,
//! wiped on drop.
//!
//! Never shows, prints, copies or compares the bytes. A page per key costs 4 KiB, and buys that unlocking
//! one key never unlocks another (`mlock` does not count). The system's limit (8 MiB is usual) is thus room for
//! about 2,000 keys; when it is used up, the lock is left out and the wiping stays. On a kernel with larger pages
//! two keys may share one, and the first that is dropped unlocks it.
//!
//! A few wiped pages are kept for the next keys: locking and unlocking is 6 us, five times what sealing a short
//! record takes, and a secret has a key of its own.

use std::{
    fmt,
    mem::ManuallyDrop,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use zeroize::Zeroize;

use crate::{SealingError, kdf::fill_random};

const PAGE_BYTES: usize = 4096;
/// Wiped pages kept for the next keys: more than the keys that are in use at once while a store is filled.
const SPARE_PAGES: usize = 32;

#[repr(C, align(4096))]
struct Page {
    key: [u8; 32],
    rest: [u8; PAGE_BYTES - 32],
}

/// Pages that are locked and wiped.
static SPARE: Mutex<Vec<Box<Page>>> = Mutex::new(Vec::new());

fn spare() -> MutexGuard<'static, Vec<Box<Page>>> {
    // A panic elsewhere leaves the list whole: it is only ever pushed to and popped from.
    SPARE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keys that are in use now and whose pages the system refused to lock.
static NOT_LOCKED: AtomicUsize = AtomicUsize::new(0);

/// How this process's keys lie in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyMemory {
    /// Keys in use that may be swapped to the disk, since the system refused to lock their pages.
    pub not_locked: usize,
    /// How many bytes a process may lock (`RLIMIT_MEMLOCK`); none where there is no limit.
    pub limit_bytes: Option<u64>,
}

impl KeyMemory {
    /// Looks at this process as it is now.
    #[must_use]
    pub fn now() -> Self {
        let limit = rustix::process::getrlimit(rustix::process::Resource::Memlock);
        Self { not_locked: NOT_LOCKED.load(Ordering::Relaxed), limit_bytes: limit.current }
    }
}

/// A key of 32 bytes at a stable address.
pub(crate) struct LockedKey {
    page: ManuallyDrop<Box<Page>>,
    locked: bool,
}

impl LockedKey {
    /// Returns 32 zero bytes to be filled in place, so that no other copy of the key comes to be.
    pub(crate) fn zeroed() -> Self {
        // Taken in a statement of its own, so that the list is free again before a new page is made.
        let kept = spare().pop();
        if let Some(page) = kept {
            return Self { page: ManuallyDrop::new(page), locked: true };
        }
        let mut page = Box::new(Page { key: [0; 32], rest: [0; PAGE_BYTES - 32] });
        let locked = os::lock(&mut page);
        if !locked {
            NOT_LOCKED.fetch_add(1, Ordering::Relaxed);
        }
        Self { page: ManuallyDrop::new(page), locked }
    }

    /// Makes a random key.
    pub(crate) fn random() -> Result<Self, SealingError> {
        let mut key = Self::zeroed();
        fill_random(key.bytes_mut())?;
        Ok(key)
    }

    /// Copies a key in; wiping the original is the caller's part.
    pub(crate) fn copy_of(bytes: &[u8; 32]) -> Self {
        let mut key = Self::zeroed();
        key.bytes_mut().copy_from_slice(bytes);
        key
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.page.key
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8; 32] {
        &mut self.page.key
    }
}

impl Drop for LockedKey {
    fn drop(&mut self) {
        self.page.key.zeroize();
        let mut page = os::take(self);
        if self.locked {
            let mut spare = spare();
            if spare.len() < SPARE_PAGES {
                spare.push(page);
            } else {
                drop(spare);
                os::unlock(&mut page);
            }
        } else {
            os::unlock(&mut page);
            NOT_LOCKED.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl fmt::Debug for LockedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LockedKey(..)")
    }
}

/// The only `unsafe` of the crate: three system calls, and giving a page away while its key is dropped.
mod os {
    #![expect(unsafe_code, reason = "the system calls take a raw address, and drop has no owned self")]

    use super::{LockedKey, ManuallyDrop, PAGE_BYTES, Page};

    /// Locks the page into memory and leaves it out of core dumps; false if the system refused to lock.
    pub(super) fn lock(page: &mut Page) -> bool {
        #[cfg(target_os = "linux")]
        advise(page, rustix::mm::Advice::LinuxDontDump);
        // SAFETY: the range is exactly the page that `page` borrows, and locking changes no byte of it.
        unsafe { rustix::mm::mlock(std::ptr::from_mut(page).cast(), PAGE_BYTES) }.is_ok()
    }

    /// Undoes [`lock`]; a failure leaves the page locked, which harms nobody.
    pub(super) fn unlock(page: &mut Page) {
        // SAFETY: as in `lock`; no other key lives on this page.
        unsafe { rustix::mm::munlock(std::ptr::from_mut(page).cast(), PAGE_BYTES) }.ok();
        #[cfg(target_os = "linux")]
        advise(page, rustix::mm::Advice::LinuxDoDump);
    }

    /// Core dumps are turned off for the whole process too, so a refusal is no loss that must be told.
    #[cfg(target_os = "linux")]
    fn advise(page: &mut Page, advice: rustix::mm::Advice) {
        // SAFETY: the range is exactly the page that `page` borrows, and these two advices change no byte of it.
        unsafe { rustix::mm::madvise(std::ptr::from_mut(page).cast(), PAGE_BYTES, advice) }.ok();
    }

    /// Takes the page of a key that is being dropped; called by `Drop` only, once and last.
    pub(super) fn take(key: &mut LockedKey) -> Box<Page> {
        // SAFETY: `Drop` runs once and does not touch the page afterwards, and nobody else can.
        unsafe { ManuallyDrop::take(&mut key.page) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_a_page_of_its_own() {
        assert_eq!(size_of::<Page>(), PAGE_BYTES);
        let (one, two) = (LockedKey::zeroed(), LockedKey::zeroed());
        for key in [&one, &two] {
            assert_eq!(key.bytes().as_ptr().addr() % PAGE_BYTES, 0);
        }
        assert_ne!(one.bytes().as_ptr(), two.bytes().as_ptr());
    }

    #[test]
    fn a_key_is_locked_where_the_limit_allows() {
        let locked_kib = || {
            let status = std::fs::read_to_string("/proc/self/status").unwrap();
            let line = status.lines().find(|line| line.starts_with("VmLck:")).unwrap().to_owned();
            line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
        };
        let key = LockedKey::zeroed();
        assert!(!key.locked || locked_kib() >= 4);
    }

    /// The flags that the kernel has for the mapping that a key lies on.
    #[cfg(target_os = "linux")]
    fn flags_of(key: &LockedKey) -> Vec<String> {
        let place = key.bytes().as_ptr().addr();
        let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let mut here = false;
        for line in maps.lines() {
            let range = line.split(' ').next().and_then(|range| range.split_once('-'));
            let range = range.and_then(|(start, end)| {
                Some(usize::from_str_radix(start, 16).ok()?..usize::from_str_radix(end, 16).ok()?)
            });
            if let Some(range) = range {
                here = range.contains(&place);
            } else if let Some(flags) = line.strip_prefix("VmFlags:").filter(|_| here) {
                return flags.split_whitespace().map(str::to_owned).collect();
            }
        }
        Vec::new()
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_key_is_not_in_core_dumps_and_not_swapped_and_its_page_is_given_back_as_it_was() {
        let key = LockedKey::zeroed();
        let flags = flags_of(&key);
        assert!(flags.iter().any(|flag| flag == "dd"), "don't dump: {flags:?}");
        assert_eq!(flags.iter().any(|flag| flag == "lo"), key.locked, "locked: {flags:?}");

        let mut page = Box::new(Page { key: [0; 32], rest: [0; PAGE_BYTES - 32] });
        let locked = os::lock(&mut page);
        os::unlock(&mut page);
        let key = LockedKey { page: ManuallyDrop::new(page), locked: true };
        let flags = flags_of(&key);
        assert!(!locked || !flags.iter().any(|flag| flag == "dd" || flag == "lo"), "{flags:?}");
    }

    #[test]
    fn a_key_on_a_used_page_starts_as_zeros() {
        let keys = || -> Vec<LockedKey> { (0..SPARE_PAGES + 8).map(|_| LockedKey::zeroed()).collect() };
        for mut key in keys() {
            key.bytes_mut().fill(0xff);
        }
        assert!(keys().iter().all(|key| *key.bytes() == [0; 32]));
        assert!(spare().len() <= SPARE_PAGES);
    }

    #[test]
    fn more_keys_than_the_limit_allows_still_work() {
        let keys: Vec<LockedKey> = (0..3000u32)
            .map(|number| {
                let mut bytes = [0; 32];
                bytes[..4].copy_from_slice(&number.to_be_bytes());
                LockedKey::copy_of(&bytes)
            })
            .collect();
        assert!(keys.iter().zip(0..3000u32).all(|(key, number)| key.bytes()[..4] == number.to_be_bytes()));
        let refused = keys.iter().filter(|key| !key.locked).count();
        assert!(KeyMemory::now().not_locked >= refused);
        if KeyMemory::now().limit_bytes.is_some_and(|limit| limit < 3000 * 4096)
            && rustix::process::geteuid().as_raw() != 0
        {
            assert!(refused > 0, "the limit is less than the keys take");
        }
    }
}
