//! A launcher for tests: the settings `command` and `then` are programs with their arguments, with `|` between; `input`, `variable`, `value`, `slot`,
//! `ask`, `store` and `seconds` say what they are given; the outcome comes back as the text of `unsupported`. Never plans anything.

use ostler_sdk::launcher::{KindInfo, LaunchRequest, Launcher, PlanError, SessionPlan};
use ostler_sdk::process::{Command, Outcome, ProcessError};
use ostler_sdk::prompt::{self, Field, Form};
use ostler_sdk::secrets_store::{self, Sink};

struct Runner;

ostler_sdk::export_plugin!(Runner, kinds: [launcher]);

impl Launcher for Runner {
    fn describe() -> Vec<KindInfo> {
        vec![KindInfo::new("runs", "Runs", 1)]
    }

    fn plan(request: LaunchRequest) -> Result<SessionPlan, PlanError> {
        let text = |key: &str| request.text(key).ok().flatten().map(str::to_owned);
        if text("ask").is_some() {
            let form = Form::new("Sign in").field(Field::password("secret", "Secret"));
            prompt::ask(&form).map_err(|error| PlanError::Unsupported(format!("{error:?}")))?;
        }
        if let Some(program) = text("store") {
            let sink = Sink { protocol: "process".into(), host: program, port: 0, field: "input".into() };
            let stored = secrets_store::put("kept", b"S3cret-that-was-kept", &[sink]);
            stored.map_err(|error| PlanError::Unsupported(format!("{error:?}")))?;
        }
        let mut slot = text("slot").unwrap_or_else(|| "prompt.secret".to_owned());
        let times = text("times").and_then(|times| times.parse().ok()).unwrap_or(1);
        let mut said = Vec::new();
        for key in ["command", "then"] {
            let Some(command) = text(key) else { continue };
            for _ in 0..times {
                match run(&command, &text, &slot) {
                    Ok(outcome) => {
                        said.push(described(&outcome));
                        if let Some(received) = outcome.slots.first() {
                            slot = received.name.clone();
                        }
                    }
                    Err(error) => said.push(format!("{error:?}")),
                }
            }
        }
        // Of many, only the last.
        said.drain(..said.len().saturating_sub(2));
        Err(PlanError::Unsupported(said.join("\n")))
    }
}

fn run(command: &str, text: &dyn Fn(&str) -> Option<String>, slot: &str) -> Result<Outcome, ProcessError> {
    let mut words = command.split('|');
    let mut command = Command::new(words.next().unwrap_or_default()).arguments(words);
    if let Some(name) = text("variable") {
        command = match text("value") {
            Some(value) => command.variable(name, value),
            None => command.variable_slot(name, slot),
        };
    }
    if let Some(input) = text("input") {
        // A star stands for the secret.
        let (before, behind) = input.split_once('*').map_or((input.as_str(), None), |(a, b)| (a, Some(b)));
        command = command.input(before);
        if let Some(behind) = behind {
            command = command.input_slot(slot).input(behind);
        }
    }
    if let Some(seconds) = text("seconds").and_then(|seconds| seconds.parse().ok()) {
        command = command.timeout(seconds);
    }
    command.run()
}

fn described(outcome: &Outcome) -> String {
    let projected: Vec<String> =
        outcome.projected.iter().map(|projected| format!("{}={}", projected.path, projected.nodes)).collect();
    let slots: Vec<String> =
        outcome.slots.iter().map(|slot| format!("{}:{}", slot.name, slot.field)).collect();
    let output = outcome.output.as_ref().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    format!("{:?} {projected:?} {slots:?} {output:?} {:?}", outcome.status, outcome.errors)
}
