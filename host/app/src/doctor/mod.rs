//! Checks the whole installation and says what to do about what it finds: here what needs the open store, in `files` what
//! does not. Changes nothing.

mod files;

use ostler_audit::{AuditRecord, EventClass, ReadFrom};
use ostler_core::Timestamp;
use ostler_plugin_api::Kind;
use ostler_recording::{RecordingState, RecordingSummary};
use ostler_vault::{History, KdfParameters, KeyMemory, VaultError};

pub use files::check_files;

use crate::plugins::plugin_id;
use crate::{AppError, CheckState, CheckView, Host, Reply, keyring};

/// 2024-01-01: a clock before it is not set.
const CLOCK_IS_SET_AFTER: i64 = 1_704_067_200;

/// So many of the newest audit events are looked at for steps of the clock.
const LOOKED_BACK: u64 = 500;

/// How far the clock may be behind an audit event, in seconds: what a time service corrects is less.
const CLOCK_MAY_LAG: i64 = 2;

impl CheckView {
    /// Something that is as it should be.
    #[must_use]
    pub fn good(name: &str, finding: impl Into<String>) -> Self {
        Self { name: name.to_owned(), state: CheckState::Good, finding: finding.into(), advice: None }
    }

    /// Something that works, but should be looked after, and how.
    #[must_use]
    pub fn warning(name: &str, finding: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { state: CheckState::Warning, advice: Some(advice.into()), ..Self::good(name, finding) }
    }

    /// Something that does not work, and what to do.
    #[must_use]
    pub fn bad(name: &str, finding: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { state: CheckState::Bad, advice: Some(advice.into()), ..Self::good(name, finding) }
    }
}

impl Host {
    pub(crate) fn doctor(&self) -> Result<Reply, AppError> {
        Ok(Reply::Checks(vec![
            self.check_store(),
            self.check_key_derivation(),
            self.check_history(),
            self.check_keyring(),
            check_key_memory(KeyMemory::now()),
            self.check_recordings(),
            self.check_plugins(),
            self.check_clock(),
        ]))
    }

    fn check_store(&self) -> CheckView {
        match self.vault().and_then(|vault| vault.verify()) {
            Ok(report) => CheckView::good(
                "store",
                format!("{} sealed rows and {} secrets open", report.rows, report.secrets),
            ),
            Err(error) => CheckView::bad("store", error.to_string(), restore_advice(&error)),
        }
    }

    fn check_key_derivation(&self) -> CheckView {
        match self.vault().and_then(|vault| vault.info()) {
            Ok(info) => check_key_derivation(info.kdf),
            Err(error) => CheckView::bad("passphrase", error.to_string(), restore_advice(&error)),
        }
    }

    fn check_history(&self) -> CheckView {
        match self.vault().and_then(|vault| vault.history()) {
            Ok(history) => check_history(history),
            Err(error) => CheckView::bad("history", error.to_string(), restore_advice(&error)),
        }
    }

    fn check_keyring(&self) -> CheckView {
        let name = "keyring";
        match self.vault().and_then(|vault| Ok((vault.info()?.keyring, vault.store_id()))) {
            Err(error) => CheckView::bad(name, error.to_string(), restore_advice(&error)),
            Ok((false, _)) => CheckView::good(name, "the store does not use the desktop's keyring"),
            Ok((true, store)) => match keyring::find(store) {
                Ok(_) => CheckView::good(name, "it is open and has the store's secret"),
                Err(error) => CheckView::warning(name, error.to_string(), error.advice()),
            },
        }
    }

    fn check_recordings(&self) -> CheckView {
        let listed = self
            .vault()
            .map_err(AppError::from)
            .and_then(|vault| Ok(self.recordings.list(vault.envelope())?));
        match listed {
            Ok(list) => check_recordings(&list),
            Err(error) => {
                CheckView::bad("recordings", error.to_string(), "check the directory's permissions")
            }
        }
    }

    fn check_plugins(&self) -> CheckView {
        match self.plugin_findings() {
            Ok(check) => check,
            Err(error) => CheckView::bad("plugins", error.to_string(), "install it again, or disable it"),
        }
    }

    fn plugin_findings(&self) -> Result<CheckView, AppError> {
        let name = "plugins";
        let (found, broken) = self.shelf.scan()?;
        if let Some(first) = broken.first() {
            let finding = format!("{} can't be used: {}", first.path.display(), first.reason);
            return Ok(CheckView::bad(name, finding, "install it again, or remove the file"));
        }
        let (mut disabled, mut trapped, mut refused) = (Vec::new(), Vec::new(), 0_usize);
        for plugin in &found {
            if let Err(error) = self.may_run(plugin) {
                let id = plugin_id(plugin);
                trapped.push(format!("'{id}' does not run: {error}"));
                refused += 1;
                continue;
            }
            self.load(plugin)?;
            let state = self.plugin_state(plugin)?;
            if !state.enabled {
                disabled.push(state.id.clone());
            }
            if let Some(held) = state.held.filter(|_| state.enabled) {
                trapped.push(format!("'{}' does not run: {held}", state.id));
            } else if state.traps > 0 {
                trapped.push(format!("'{}' crashed {} time(s)", state.id, state.traps));
            }
        }
        if found.is_empty() {
            let advice =
                "build the program with 'cargo xtask build', or keep its 'plugins' directory beside it";
            return Ok(CheckView::warning(
                name,
                "no plugin was found, so nothing can be opened or imported",
                advice,
            ));
        }
        let mut finding = format!("{} plugins load", found.len().saturating_sub(refused));
        if !disabled.is_empty() {
            finding.push_str(&format!("; disabled: {}", disabled.join(", ")));
        }
        if !trapped.is_empty() {
            finding.push_str(&format!("; {}", trapped.join(", ")));
        }
        if self.enabled_plugins(Kind::Launcher)?.is_empty() {
            finding.push_str("; none that may run opens connections");
            return Ok(CheckView::warning(name, finding, "'ostler plugin enable ID' lets one run again"));
        }
        if !trapped.is_empty() {
            let advice = "'ostler plugin crashes ID' tells more; install a newer version, disable it, or let it run with 'ostler plugin enable ID'";
            return Ok(CheckView::warning(name, finding, advice));
        }
        Ok(CheckView::good(name, finding))
    }

    fn check_clock(&self) -> CheckView {
        let recent = self.vault().map_err(AppError::from).and_then(|vault| {
            let records = self.audit_records(&vault, ReadFrom::Last(LOOKED_BACK))?;
            // What can't be read is the audit log's own finding.
            Ok(records.filter_map(Result::ok).collect::<Vec<_>>())
        });
        check_clock(self.now(), &recent.unwrap_or_default())
    }
}

fn restore_advice(error: &VaultError) -> &'static str {
    match error {
        VaultError::Locked | VaultError::Rekeyed => "sign in again",
        VaultError::Damaged { .. } => {
            "'ostler store restore FILE' puts a backup in its place and keeps what is there"
        }
        _ => "check disk and permissions, then try again",
    }
}

fn check_key_derivation(kdf: KdfParameters) -> CheckView {
    if kdf.raised() == kdf {
        return CheckView::good("passphrase", format!("stretched with {kdf}"));
    }
    let finding = format!("stretched with {kdf}, which is weaker than a new store's: {}", kdf.raised());
    CheckView::warning("passphrase", finding, "sign in once with the passphrase, or 'ostler store passwd'")
}

fn check_history(history: History) -> CheckView {
    let name = "history";
    match history {
        History::Current => CheckView::good(name, "the store is as new as it was on this device"),
        History::New => CheckView::good(name, "this device sees the store for the first time"),
        History::Older { seen, found } => CheckView::bad(
            name,
            format!("the store is older than it was: change {found}, where change {seen} was seen"),
            "find out who put an old copy there; if it was you, 'ostler store restore --present' says so",
        ),
        History::Unknown => CheckView::warning(
            name,
            "what this device remembers of the store was changed or is damaged; it is remembered anew",
            "compare 'ostler connection list' with what you expect",
        ),
    }
}

fn check_recordings(list: &[RecordingSummary]) -> CheckView {
    let name = "recordings";
    let count = |wanted: fn(&RecordingSummary) -> bool| list.iter().filter(|summary| wanted(summary)).count();
    let damaged = count(|summary| matches!(summary.state, RecordingState::Damaged(_)));
    let cut_off = count(|summary| summary.state == RecordingState::Incomplete && !summary.active);
    let running = count(|summary| summary.active);
    let all = list.len();
    if damaged > 0 {
        let finding = format!("{damaged} of {all} recordings are damaged");
        return CheckView::bad(name, finding, "see 'ostler recording verify'");
    }
    if cut_off > 0 {
        let finding = format!("{cut_off} of {all} recordings were cut off before the session's end");
        let advice = "they play up to there; 'ostler recording list' names them, 'ostler audit show' tells what happened";
        return CheckView::warning(name, finding, advice);
    }
    match running {
        0 => CheckView::good(name, format!("{all} recordings")),
        _ => CheckView::good(name, format!("{all} recordings, {running} of them running")),
    }
}

/// Compares the clock with the newest audit events.
fn check_clock(now: Timestamp, recent: &[AuditRecord]) -> CheckView {
    let name = "clock";
    let shown = crate::host::rfc3339(now);
    if now.seconds() < CLOCK_IS_SET_AFTER {
        let advice = "set the machine's clock: recordings and audit depend on it";
        return CheckView::bad(name, format!("it says {shown}, which is before 2024"), advice);
    }
    let newest = recent.iter().map(|record| record.time).max_by_key(|time| time.seconds());
    if let Some(newest) = newest.filter(|newest| now.seconds() < newest.seconds() - CLOCK_MAY_LAG) {
        let behind = newest.seconds() - now.seconds();
        let finding = format!("it says {shown}, {behind} s before the newest audit event: it was set back");
        let advice =
            "set it right, and let a time service keep it: times of audit events and recordings are in doubt";
        return CheckView::warning(name, finding, advice);
    }
    let steps: Vec<&AuditRecord> =
        recent.iter().filter(|record| record.event.class == EventClass::HostClockStep.name()).collect();
    if let Some(last) = steps.last() {
        let by = last.event.details.get("by-seconds").map_or("?", String::as_str);
        let at = crate::host::rfc3339(last.time);
        let finding = format!("{shown}; it jumped {} time(s) lately, last by {by} s at {at}", steps.len());
        let advice = "let a time service keep it; 'ostler audit show --event host.clock-step' has the jumps";
        return CheckView::warning(name, finding, advice);
    }
    CheckView::good(name, shown)
}

fn check_key_memory(memory: KeyMemory) -> CheckView {
    let limit = match memory.limit_bytes {
        None => "without limit".to_owned(),
        Some(bytes) => format!("up to {} KiB", bytes / 1024),
    };
    if memory.not_locked == 0 {
        let finding = format!("all keys are locked into memory; this is allowed {limit}");
        return CheckView::good("key memory", finding);
    }
    let finding =
        format!("{} keys may be swapped to the disk: a process may lock memory {limit}", memory.not_locked);
    CheckView::warning("key memory", finding, "raise 'ulimit -l' to 8192 or more, or encrypt the swap space")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ostler_audit::{AuditEvent, Outcome};
    use ostler_core::RecordingId;

    use super::*;

    fn told(check: &CheckView, state: CheckState, words: &str) {
        assert_eq!(check.state, state, "{check:?}");
        assert!(check.finding.contains(words), "{check:?}");
        assert_eq!(check.advice.is_some(), state != CheckState::Good, "{check:?}");
    }

    #[test]
    fn keys_that_may_be_swapped_are_told_with_what_to_do() {
        let check = |not_locked, limit_bytes| check_key_memory(KeyMemory { not_locked, limit_bytes });
        assert_eq!(check(0, Some(8 << 20)).state, CheckState::Good);
        let told = check(3, Some(65_536));
        assert_eq!(told.state, CheckState::Warning);
        assert!(told.finding.contains("3 keys") && told.finding.contains("64 KiB"), "{}", told.finding);
        assert!(told.advice.is_some_and(|advice| advice.contains("ulimit -l")));
    }

    #[test]
    fn a_passphrase_that_is_stretched_less_than_a_new_one_is_told() {
        for (new, floor, words) in [
            (KdfParameters::DEFAULT, KdfParameters::FLOOR, "Argon2id"),
            (KdfParameters::FIPS, KdfParameters::FIPS_FLOOR, "PBKDF2"),
        ] {
            told(&check_key_derivation(new), CheckState::Good, words);
            told(&check_key_derivation(floor), CheckState::Warning, "weaker");
        }
    }

    #[test]
    fn a_store_that_is_older_than_it_was_does_not_pass() {
        told(&check_history(History::Current), CheckState::Good, "as new");
        told(&check_history(History::New), CheckState::Good, "first time");
        told(&check_history(History::Older { seen: 9, found: 4 }), CheckState::Bad, "change 4");
        told(&check_history(History::Unknown), CheckState::Warning, "damaged");
    }

    #[test]
    fn recordings_that_were_cut_off_or_are_damaged_are_told() {
        let recording = |state: RecordingState, active| RecordingSummary {
            id: RecordingId::from_bytes([7; 16]),
            info: None,
            state,
            active,
            duration: Duration::ZERO,
            bytes_on_disk: 0,
            segments: 0,
        };
        let (whole, open) = (RecordingState::Complete, RecordingState::Incomplete);
        let broken = RecordingState::Damaged("torn".to_owned());
        let check = |list: &[(RecordingState, bool)]| {
            let list: Vec<_> = list.iter().map(|(state, active)| recording(state.clone(), *active)).collect();
            check_recordings(&list)
        };
        told(&check(&[(whole.clone(), false)]), CheckState::Good, "1 recordings");
        // One that is being written is not cut off.
        told(&check(&[(whole.clone(), false), (open.clone(), true)]), CheckState::Good, "1 of them running");
        told(&check(&[(whole.clone(), false), (open, false)]), CheckState::Warning, "1 of 2");
        told(&check(&[(whole, false), (broken, false)]), CheckState::Bad, "1 of 2 recordings are damaged");
    }

    #[test]
    fn a_clock_that_was_not_set_was_set_back_or_jumped_is_told() {
        let at = |seconds: i64| Timestamp(seconds * 1_000_000);
        let record = |seconds, class| AuditRecord {
            sequence: 1,
            time: at(seconds),
            machine: String::new(),
            process: 1,
            event: AuditEvent::of(class, Outcome::Success),
        };
        let now = CLOCK_IS_SET_AFTER + 1_000;
        let unlock = |seconds| record(seconds, EventClass::VaultUnlock);
        told(&check_clock(at(now), &[]), CheckState::Good, "2024");
        told(&check_clock(at(now), &[unlock(now)]), CheckState::Good, "2024");
        told(&check_clock(at(1), &[]), CheckState::Bad, "before 2024");
        // What happened in the future was written before the clock was set back; the sign-in of just now came after it.
        told(&check_clock(at(now), &[unlock(now + 60), unlock(now)]), CheckState::Warning, "60 s before");
        told(
            &check_clock(at(now), &[record(now - 9, EventClass::HostClockStep)]),
            CheckState::Warning,
            "jumped",
        );
    }
}
