//! Counts what a plugin did: per capability how often it used it and was refused, its calls, and what they cost.
//!
//! Kept in memory; whoever shows it over time persists it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ostler_plugin_api::Capability;
use serde::{Deserialize, Serialize};

use crate::PluginError;

/// How often a capability was used and refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CapabilityUse {
    /// Calls that passed the gate.
    pub used: u64,
    /// Calls that were refused: because the capability is not granted, or not as far as the call went.
    pub refused: u64,
}

/// Why calls were refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The capability.
    pub capability: Capability,
    /// Why, in words for people.
    pub reason: String,
    /// How often.
    pub times: u64,
}

/// A call that a crash or a limit ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What the call was for, such as `planning`.
    pub call: String,
    /// What ended it.
    pub reason: String,
    /// How long it computed.
    pub guest_time: Duration,
    /// The most memory that it had, in bytes.
    pub memory_bytes: u64,
}

/// Faults that are kept until they are taken.
const MOST_FAULTS: usize = 16;

/// Different reasons that are kept of one capability; what is refused for others is counted under [`OTHER_REASONS`], so
/// that a plugin can't fill the memory by being refused.
const MOST_REASONS: usize = 32;
const OTHER_REASONS: &str = "other reasons";

/// What a plugin did since it was loaded, or since [`crate::Plugin::take_usage`] was last called.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Every capability of the contract.
    pub capabilities: BTreeMap<Capability, CapabilityUse>,
    /// Why calls were refused.
    #[serde(default)]
    pub refusals: Vec<Refusal>,
    /// Calls of its exports.
    pub calls: u64,
    /// Calls that ended in a crash.
    pub traps: u64,
    /// Calls that a limit ended.
    pub limits: u64,
    /// Time of its calls without the waits for the host.
    pub guest_time: Duration,
    /// The most memory that one instance had.
    pub peak_memory_bytes: u64,
}

/// The running counts of one capability.
#[derive(Debug, Default)]
pub(crate) struct Count {
    used: AtomicU64,
    refused: AtomicU64,
    reasons: Mutex<BTreeMap<String, u64>>,
}

impl Count {
    pub(crate) fn use_once(&self) {
        self.used.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn refuse(&self, reason: &str) {
        self.refused.fetch_add(1, Ordering::Relaxed);
        let mut reasons = self.reasons.lock().unwrap_or_else(PoisonError::into_inner);
        let full = reasons.len() >= MOST_REASONS && !reasons.contains_key(reason);
        *reasons.entry(if full { OTHER_REASONS } else { reason }.to_owned()).or_default() += 1;
    }
}

/// The running counts of one plugin. Each number is exact; numbers read together may be some calls apart.
#[derive(Debug)]
pub(crate) struct Counters {
    capabilities: BTreeMap<Capability, Arc<Count>>,
    calls: AtomicU64,
    traps: AtomicU64,
    limits: AtomicU64,
    guest_nanos: AtomicU64,
    peak_memory: AtomicU64,
    faults: Mutex<VecDeque<Fault>>,
}

impl Counters {
    pub(crate) fn new() -> Self {
        Self {
            capabilities: Capability::ALL
                .into_iter()
                .map(|capability| (capability, Arc::default()))
                .collect(),
            calls: AtomicU64::new(0),
            traps: AtomicU64::new(0),
            limits: AtomicU64::new(0),
            guest_nanos: AtomicU64::new(0),
            peak_memory: AtomicU64::new(0),
            faults: Mutex::default(),
        }
    }

    pub(crate) fn of(&self, capability: Capability) -> Arc<Count> {
        self.capabilities.get(&capability).cloned().unwrap_or_default()
    }

    /// Counts what ended a call, where it was a crash or a limit.
    pub(crate) fn count_error(
        &self,
        error: &PluginError,
        call: &str,
        guest_time: Duration,
        memory_bytes: usize,
    ) {
        match error {
            PluginError::Limit { .. } => &self.limits,
            PluginError::Trap { .. } => &self.traps,
            _ => return,
        }
        .fetch_add(1, Ordering::Relaxed);
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        if faults.len() >= MOST_FAULTS {
            faults.pop_front();
        }
        faults.push_back(Fault {
            call: call.to_owned(),
            reason: error.to_string(),
            guest_time,
            memory_bytes: u64::try_from(memory_bytes).unwrap_or(u64::MAX),
        });
    }

    pub(crate) fn take_faults(&self) -> Vec<Fault> {
        std::mem::take(&mut *self.faults.lock().unwrap_or_else(PoisonError::into_inner)).into()
    }

    /// Counts a call that ended, however it ended.
    pub(crate) fn count_call(&self, guest_time: Duration, peak_memory_bytes: usize) {
        let nanos = u64::try_from(guest_time.as_nanos()).unwrap_or(u64::MAX);
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.guest_nanos.fetch_add(nanos, Ordering::Relaxed);
        self.peak_memory.fetch_max(u64::try_from(peak_memory_bytes).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> Usage {
        self.collect(|counter| counter.load(Ordering::Relaxed), |reasons| reasons.clone())
    }

    pub(crate) fn take(&self) -> Usage {
        self.collect(|counter| counter.swap(0, Ordering::Relaxed), std::mem::take)
    }

    fn collect(
        &self,
        number: impl Fn(&AtomicU64) -> u64,
        reasons: impl Fn(&mut BTreeMap<String, u64>) -> BTreeMap<String, u64>,
    ) -> Usage {
        let refusals = |(capability, count): (&Capability, &Arc<Count>)| {
            let capability = *capability;
            let reasons = reasons(&mut count.reasons.lock().unwrap_or_else(PoisonError::into_inner));
            reasons.into_iter().map(move |(reason, times)| Refusal { capability, reason, times })
        };
        let of = |count: &Count| CapabilityUse { used: number(&count.used), refused: number(&count.refused) };
        Usage {
            capabilities: self
                .capabilities
                .iter()
                .map(|(capability, count)| (*capability, of(count)))
                .collect(),
            refusals: self.capabilities.iter().flat_map(refusals).collect(),
            calls: number(&self.calls),
            traps: number(&self.traps),
            limits: number(&self.limits),
            guest_time: Duration::from_nanos(number(&self.guest_nanos)),
            peak_memory_bytes: number(&self.peak_memory),
        }
    }
}
