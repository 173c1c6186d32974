//! Words for what the doctor found.

use ostler_app::{CheckState, CheckView};

use super::{Style, escape};

pub(crate) fn list(checks: &[CheckView], style: Style) -> String {
    let mut text = String::new();
    for check in checks {
        let state = match check.state {
            CheckState::Good => style.green("good   "),
            CheckState::Warning => style.yellow("warning"),
            CheckState::Bad => style.red("bad    "),
        };
        text.push_str(&format!(
            "{state}  {}: {}\n",
            style.bold(&escape(&check.name)),
            escape(&check.finding)
        ));
        if let Some(advice) = &check.advice {
            text.push_str(&format!("         {} {}\n", style.cyan("hint:"), escape(advice)));
        }
    }
    text
}
