//! Bounds what an instance allocates: all of its memories together, all of its tables together, and how many of each.
//!
//! Growing past a limit ends the call with the limit's name. A refused `memory.grow` would leave it to the guest to
//! crash somewhere later, and the reason would be lost.

use wasmtime::ResourceLimiter;

use crate::limits::{LimitReached, Limits};

/// Core instances of one component instance; Rust components have about 4.
pub(crate) const INSTANCES: u32 = 64;
/// Linear memories of one component instance.
pub(crate) const MEMORIES: u32 = 8;
/// Tables of one component instance.
pub(crate) const TABLES: u32 = 16;

/// Sums what one instance holds.
#[derive(Debug)]
pub(crate) struct Limiter {
    memory: Sum,
    tables: Sum,
    peak_memory: usize,
}

#[derive(Debug)]
struct Sum {
    held: usize,
    most: usize,
    /// The last step, to be taken back if the engine fails to make it.
    step: usize,
}

impl Limiter {
    pub(crate) fn new(limits: &Limits) -> Self {
        let sum = |most| Sum { held: 0, most, step: 0 };
        Self { memory: sum(limits.memory_bytes), tables: sum(limits.table_elements), peak_memory: 0 }
    }

    /// Returns the most bytes of memory that were held at once.
    pub(crate) fn peak_memory_bytes(&self) -> usize {
        self.peak_memory
    }
}

impl Sum {
    /// Adds the step from `current` to `desired`; false where that is over the limit.
    fn grow(&mut self, current: usize, desired: usize) -> bool {
        let step = desired.saturating_sub(current);
        let Some(held) = self.held.checked_add(step).filter(|held| *held <= self.most) else {
            return false;
        };
        self.held = held;
        self.step = step;
        true
    }

    fn take_back(&mut self) {
        self.held = self.held.saturating_sub(std::mem::take(&mut self.step));
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if !self.memory.grow(current, desired) {
            let allowed = format!("{} MiB", self.memory.most >> 20);
            return Err(LimitReached::new("memory", allowed).into());
        }
        // Behind the limit, since a place in the pool has it as its maximum, and the guest would not be told the reason.
        if maximum.is_some_and(|maximum| desired > maximum) {
            self.memory.take_back();
            return Ok(false);
        }
        self.peak_memory = self.peak_memory.max(self.memory.held);
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.memory.take_back();
        Ok(())
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if !self.tables.grow(current, desired) {
            let allowed = format!("{} elements", self.tables.most);
            return Err(LimitReached::new("tables", allowed).into());
        }
        if maximum.is_some_and(|maximum| desired > maximum) {
            self.tables.take_back();
            return Ok(false);
        }
        Ok(true)
    }

    fn table_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.tables.take_back();
        Ok(())
    }

    fn instances(&self) -> usize {
        INSTANCES as usize
    }

    fn tables(&self) -> usize {
        TABLES as usize
    }

    fn memories(&self) -> usize {
        MEMORIES as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter() -> Limiter {
        Limiter::new(&Limits { memory_bytes: 100, table_elements: 10, ..Limits::default() })
    }

    #[test]
    fn several_memories_count_together() {
        let mut limiter = limiter();
        assert!(limiter.memory_growing(0, 60, None).unwrap());
        assert!(limiter.memory_growing(0, 40, None).unwrap());
        let error = limiter.memory_growing(40, 41, None).unwrap_err();
        assert_eq!(error.downcast_ref::<LimitReached>().unwrap().limit, "memory");
        assert_eq!(limiter.peak_memory_bytes(), 100);
    }

    #[test]
    fn growth_that_failed_is_taken_back() {
        let mut limiter = limiter();
        assert!(limiter.memory_growing(0, 60, None).unwrap());
        limiter.memory_grow_failed(wasmtime::Error::msg("no memory")).unwrap();
        assert!(limiter.memory_growing(0, 100, None).unwrap());
    }

    #[test]
    fn a_memory_keeps_to_its_own_maximum() {
        let mut limiter = limiter();
        assert!(!limiter.memory_growing(0, 60, Some(50)).unwrap());
        assert!(limiter.memory_growing(0, 100, None).unwrap(), "what was refused is not held");
    }

    #[test]
    fn several_tables_count_together() {
        let mut limiter = limiter();
        assert!(limiter.table_growing(0, 6, None).unwrap());
        assert!(limiter.table_growing(0, 5, None).is_err());
    }

    #[test]
    fn a_table_that_is_at_the_limit_of_its_place_in_the_pool_is_at_the_limit_by_name() {
        let mut limiter = limiter();
        assert!(limiter.table_growing(0, 10, Some(10)).unwrap());
        let error = limiter.table_growing(10, 11, Some(10)).unwrap_err();
        assert_eq!(error.downcast_ref::<LimitReached>().unwrap().limit, "tables");
    }
}
