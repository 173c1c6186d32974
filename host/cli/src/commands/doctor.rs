//! `ostler doctor`: checks what can be checked, also where there is no store yet or it can't be opened.

use clap::Args;
use ostler_app::core::TerminalSize;
use ostler_app::{CheckState, CheckView, Command, Reply, check_files};

use crate::context::Context;
use crate::error::{CliError, FAILED};
use crate::{log, terminal};

/// A terminal that is smaller than this is too small for most full-screen programs, in columns and rows.
const USUAL: (u16, u16) = (80, 24);

/// Check the whole installation and say what to do. The exit code is 1 where something does not work.
#[derive(Debug, Args)]
#[command(after_help = "\
Each check is 'good', a 'warning' (it works, but should be looked after) or 'bad' (it does not work).
What needs no store is checked where there is none, too.

Examples:
  ostler doctor
  ostler doctor --json")]
pub(crate) struct Doctor {}

impl Doctor {
    pub(crate) async fn run(self, context: &Context) -> Result<u8, CliError> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| variable(name));
        let mut checks = vec![
            configuration(context),
            bundled_plugins(context),
            terminal_check(terminal::size(), variable("TERM"), locale),
            context.check_server().await,
        ];
        // The sign-in mends what a crash left of the audit log's end; what is wrong after it, is wrong.
        let opened = context.execute(Command::Doctor).await;
        checks.extend(check_files(&context.places, &context.config_file));
        match opened {
            Ok(Reply::Checks(found)) => checks.extend(found),
            Ok(_) => {}
            Err(error) => {
                checks.push(CheckView {
                    advice: error.hint(),
                    ..CheckView::bad("sign-in", error.to_string(), "")
                });
            }
        }
        let bad = checks.iter().any(|check| check.state == CheckState::Bad);
        context.output.reply(&Reply::Checks(checks))?;
        Ok(if bad { FAILED } else { 0 })
    }
}

fn configuration(context: &Context) -> CheckView {
    let name = "configuration";
    if let Some(fault) = &context.configuration_fault {
        return CheckView { advice: fault.hint(), ..CheckView::bad(name, fault.to_string(), "") };
    }
    if let Err(fault) = context.configuration.network.check() {
        return CheckView::bad(name, fault, "mend it with 'ostler config edit'");
    }
    let file = context.config_file.display();
    let log = log::file(&context.places.state);
    let read = if context.config_file.exists() { "read" } else { "not there, defaults hold" };
    CheckView::good(name, format!("{file} ({read}); log {} at level {}", log.display(), context.log_level))
}

fn bundled_plugins(context: &Context) -> CheckView {
    let name = "bundled plugins";
    match &context.places.bundled_plugins {
        Some(directory) => CheckView::good(name, directory.display().to_string()),
        None => CheckView::bad(
            name,
            "no 'plugins' directory beside the program",
            "keep the 'plugins' directory of the build beside the program",
        ),
    }
}

/// Judges the terminal by its size and by what the environment says of it.
fn terminal_check(size: Option<TerminalSize>, kind: Option<String>, locale: Option<String>) -> CheckView {
    let name = "terminal";
    let Some(size) = size else {
        let finding = "none: questions can't be asked and full-screen programs can't be shown";
        return CheckView::warning(name, finding, "run ostler in a terminal for interactive sessions");
    };
    let Some(kind) = kind.filter(|kind| kind != "dumb") else {
        let finding = "TERM does not say what it is, so remote programs can't use it";
        return CheckView::warning(name, finding, "set TERM, such as to 'xterm-256color'");
    };
    let shown = format!("{kind}, {} x {}", size.columns, size.rows);
    let utf8 = locale.as_deref().is_some_and(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    });
    if !utf8 {
        let finding = match locale {
            Some(locale) => format!("{shown}; its language is '{locale}', which is not UTF-8"),
            None => format!("{shown}; neither LC_ALL, LC_CTYPE nor LANG says that it shows UTF-8"),
        };
        let advice = "set LANG, such as to 'C.UTF-8': other letters than English ones may be garbled";
        return CheckView::warning(name, finding, advice);
    }
    if size.columns < USUAL.0 || size.rows < USUAL.1 {
        let finding = format!("{shown} is smaller than {} x {}", USUAL.0, USUAL.1);
        return CheckView::warning(name, finding, "make the window larger: full-screen programs may not fit");
    }
    CheckView::good(name, format!("{shown}, UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_good_only_with_a_size_a_kind_and_utf_8() {
        let large = Some(TerminalSize { columns: 80, rows: 24 });
        let small = Some(TerminalSize { columns: 79, rows: 24 });
        let check = |size, kind: Option<&str>, locale: Option<&str>| {
            terminal_check(size, kind.map(str::to_owned), locale.map(str::to_owned))
        };
        let good = check(large, Some("xterm"), Some("de_DE.UTF-8"));
        assert_eq!((good.state, good.finding.as_str()), (CheckState::Good, "xterm, 80 x 24, UTF-8"));
        assert_eq!(check(large, Some("xterm"), Some("C.utf8")).state, CheckState::Good);
        for (check, words) in [
            (check(None, Some("xterm"), Some("C.UTF-8")), "none"),
            (check(large, None, Some("C.UTF-8")), "TERM"),
            (check(large, Some("dumb"), Some("C.UTF-8")), "TERM"),
            (check(large, Some("xterm"), None), "neither LC_ALL"),
            (check(large, Some("xterm"), Some("de_DE.ISO-8859-1")), "not UTF-8"),
            (check(small, Some("xterm"), Some("C.UTF-8")), "smaller than 80 x 24"),
        ] {
            assert_eq!(check.state, CheckState::Warning, "{check:?}");
            assert!(check.finding.contains(words) && check.advice.is_some(), "{check:?}");
        }
    }
}
