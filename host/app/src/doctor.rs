//! Checks the whole installation and says what to do about what it finds. Changes nothing.

use crate::{AppError, CheckState, CheckView, Host, Reply};

/// 2024-01-01: a clock before it is not set.
const CLOCK_IS_SET_AFTER: i64 = 1_704_067_200;

impl Host {
    pub(crate) fn doctor(&self) -> Result<Reply, AppError> {
        Ok(Reply::Checks(vec![
            self.check_store(),
            check_key_memory(ostler_vault::KeyMemory::now()),
            self.check_audit(),
            self.check_recordings(),
            self.check_plugins(),
            self.check_terminal(),
            self.check_clock(),
        ]))
    }

    fn check_store(&self) -> CheckView {
        match self.vault().and_then(|vault| vault.verify()) {
            Ok(report) => {
                good("store", format!("{} sealed rows and {} secrets open", report.rows, report.secrets))
            }
            Err(error) => {
                bad("store", error.to_string(), "restore a backup ('ostler store backup' makes them)")
            }
        }
    }

    fn check_audit(&self) -> CheckView {
        match ostler_audit::verify(&self.places.audit(), None) {
            Ok(report) => good("audit log", format!("{} lines verify", report.lines)),
            Err(fault) => {
                bad("audit log", fault.to_string(), "keep the directory as it is and find out who changed it")
            }
        }
    }

    fn check_recordings(&self) -> CheckView {
        let vault = match self.vault() {
            Ok(vault) => vault,
            Err(error) => return bad("recordings", error.to_string(), "sign in again"),
        };
        match self.recordings.list(vault.envelope()) {
            Err(error) => bad("recordings", error.to_string(), "check the directory's permissions"),
            Ok(list) => {
                let damaged = list
                    .iter()
                    .filter(|summary| matches!(summary.state, ostler_recording::RecordingState::Damaged(_)))
                    .count();
                if damaged == 0 {
                    good("recordings", format!("{} recordings", list.len()))
                } else {
                    let finding = format!("{damaged} of {} recordings are damaged", list.len());
                    bad("recordings", finding, "see 'ostler recording verify'")
                }
            }
        }
    }

    fn check_plugins(&self) -> CheckView {
        let (found, broken) = match self.shelf.scan() {
            Ok(scanned) => scanned,
            Err(error) => return bad("plugins", error.to_string(), "check the directory's permissions"),
        };
        if let Some(first) = broken.first() {
            let finding = format!("{} can't be used: {}", first.path.display(), first.reason);
            return bad("plugins", finding, "install it again, or remove the file");
        }
        for plugin in &found {
            if let Err(error) = self.load(plugin) {
                return bad("plugins", error.to_string(), "install it again, or disable it");
            }
        }
        if found.is_empty() {
            let advice =
                "build the program with 'cargo xtask build', or keep its 'plugins' directory beside it";
            return warning(
                "plugins",
                "no plugin was found, so nothing can be opened or imported".to_owned(),
                advice,
            );
        }
        good("plugins", format!("{} plugins load", found.len()))
    }

    fn check_terminal(&self) -> CheckView {
        match self.front.terminal() {
            Some((size, kind)) => good("terminal", format!("{kind}, {} x {}", size.columns, size.rows)),
            None => warning(
                "terminal",
                "none: questions can't be asked and full-screen programs can't be shown".to_owned(),
                "run ostler in a terminal for interactive sessions",
            ),
        }
    }

    fn check_clock(&self) -> CheckView {
        if self.now().seconds() > CLOCK_IS_SET_AFTER {
            good("clock", crate::host::rfc3339(self.now()))
        } else {
            bad(
                "clock",
                "it is before 2024".to_owned(),
                "set the machine's clock: recordings and audit depend on it",
            )
        }
    }
}

fn check_key_memory(memory: ostler_vault::KeyMemory) -> CheckView {
    let limit = match memory.limit_bytes {
        None => "without limit".to_owned(),
        Some(bytes) => format!("up to {} KiB", bytes / 1024),
    };
    if memory.not_locked == 0 {
        return good("key memory", format!("all keys are locked into memory; this is allowed {limit}"));
    }
    let finding =
        format!("{} keys may be swapped to the disk: a process may lock memory {limit}", memory.not_locked);
    warning("key memory", finding, "raise 'ulimit -l' to 8192 or more, or encrypt the swap space")
}

fn good(name: &str, finding: String) -> CheckView {
    CheckView { name: name.to_owned(), state: CheckState::Good, finding, advice: None }
}

fn warning(name: &str, finding: String, advice: &str) -> CheckView {
    CheckView { name: name.to_owned(), state: CheckState::Warning, finding, advice: Some(advice.to_owned()) }
}

fn bad(name: &str, finding: String, advice: &str) -> CheckView {
    CheckView { name: name.to_owned(), state: CheckState::Bad, finding, advice: Some(advice.to_owned()) }
}

#[cfg(test)]
mod tests {
    use ostler_vault::KeyMemory;

    use super::*;

    #[test]
    fn keys_that_may_be_swapped_are_told_with_what_to_do() {
        let check = |not_locked, limit_bytes| check_key_memory(KeyMemory { not_locked, limit_bytes });
        assert_eq!(check(0, Some(8 << 20)).state, CheckState::Good);
        let told = check(3, Some(65_536));
        assert_eq!(told.state, CheckState::Warning);
        assert!(told.finding.contains("3 keys") && told.finding.contains("64 KiB"), "{}", told.finding);
        assert!(told.advice.is_some_and(|advice| advice.contains("ulimit -l")));
    }
}
