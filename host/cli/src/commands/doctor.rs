//! `ostler doctor`: checks what can be checked, also where there is no store yet.

use clap::Args;
use ostler_app::{CheckState, CheckView, Command, Reply};

use crate::context::Context;
use crate::error::{CliError, FAILED};
use crate::log;

/// Check the whole installation and say what to do. The exit code is 1 where something does not work.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ostler doctor\n  ostler doctor --json")]
pub(crate) struct Doctor {}

impl Doctor {
    pub(crate) async fn run(self, context: &Context) -> Result<u8, CliError> {
        let mut checks = vec![configuration(context), bundled_plugins(context)];
        match context.execute(Command::Doctor).await {
            Ok(Reply::Checks(found)) => checks.extend(found),
            Ok(_) => {}
            Err(error) => checks.push(CheckView {
                name: "sign-in".to_owned(),
                state: CheckState::Bad,
                finding: error.to_string(),
                advice: error.hint(),
            }),
        }
        let bad = checks.iter().any(|check| check.state == CheckState::Bad);
        context.output.reply(&Reply::Checks(checks))?;
        Ok(if bad { FAILED } else { 0 })
    }
}

fn configuration(context: &Context) -> CheckView {
    let file = context.config_file.display();
    let log = log::file(&context.places.state);
    let read = if context.config_file.exists() { "read" } else { "not there, defaults hold" };
    CheckView {
        name: "configuration".to_owned(),
        state: CheckState::Good,
        finding: format!("{file} ({read}); log {} at level {}", log.display(), context.log_level),
        advice: None,
    }
}

fn bundled_plugins(context: &Context) -> CheckView {
    let name = "bundled plugins".to_owned();
    match &context.places.bundled_plugins {
        Some(directory) => CheckView {
            name,
            state: CheckState::Good,
            finding: directory.display().to_string(),
            advice: None,
        },
        None => CheckView {
            name,
            state: CheckState::Bad,
            finding: "no 'plugins' directory beside the program".to_owned(),
            advice: Some("keep the 'plugins' directory of the build beside the program".to_owned()),
        },
    }
}
