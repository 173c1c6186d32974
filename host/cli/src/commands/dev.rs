//! `ostler plugin dev`: builds a project anew at each change, tests it, and installs what passes in place of what was installed before.
//!
//! Never lets what does not build or pass take the place of what did, and never answers for the person what a plugin may: what it asks for
//! beyond what it has waits. Installing is never interrupted; all else is.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use ostler_app::{CapabilityView, Command, PluginDetail, Reply};
use ostler_plugin_tools::{Checked, Project, ToolError, Watch, check_file};
use ostler_serve::ServeError;
use ostler_testkit::Wishes;
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::json;
use tokio::sync::{Notify, watch};

use crate::context::{Context, absolute};
use crate::door::Door;
use crate::error::CliError;
use crate::front::QuietFront;
use crate::output::{escape, escape_lines};
use crate::prompt::Asker;

/// So long nothing may change before a build begins: an editor writes several files, and each in several steps.
const QUIET: Duration = Duration::from_millis(150);

/// As many characters of a digest tell one build from the next: `sha256:` and twelve.
const SHORT_DIGEST: usize = 19;

/// Build, test and install a project anew at each change.
///
/// What does not build or pass its cases leaves the last good one installed. Running sessions go on with what they began with.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ostler plugin dev\n  ostler plugin dev ../importer-hosts --json")]
pub(crate) struct Dev {
    /// The project; without it, the current folder.
    #[arg(default_value = ".")]
    project: PathBuf,
}

/// A component that passed everything that comes before installing it.
struct Built {
    checked: Checked,
    /// How often a case was run on it.
    runs: usize,
}

/// Why a change is not installed.
enum Fault {
    /// Cargo said why.
    Build,
    /// The project's own tests failed; what they printed.
    Tests(String),
    /// Runs of cases failed.
    Cases {
        failed: usize,
        of: usize,
        /// What was wrong.
        faults: Vec<String>,
    },
    /// Something else.
    Error(CliError),
}

impl<E: Into<CliError>> From<E> for Fault {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}

/// What came of a change.
enum Outcome {
    Installed(Box<PluginDetail>),
    /// The component is the one that is installed.
    Same(Box<PluginDetail>),
    Failed(Fault),
}

/// A change that was taken.
struct Round {
    number: u64,
    took: Duration,
    runs: usize,
    outcome: Outcome,
}

impl Dev {
    pub(crate) async fn run(self, context: &Context) -> Result<u8, CliError> {
        let project = Project::open(&self.project)?;
        // The person signs in, and is not asked about anything after that: there may be a change at any time.
        let front = QuietFront { asker: Asker { batch: true }, output: context.output.clone() };
        let mut door = context.door(Arc::new(front)).await?;
        let changed = Arc::new(Notify::new());
        let bell = Arc::clone(&changed);
        let mut watched = Watch::start(&project, move || bell.notify_one())?;
        let (stop, mut stopped) = watch::channel(false);
        context.signals.close_instead(stop);
        let folder = absolute(project.folder())?.display().to_string();
        context
            .output
            .note(&format!("{folder} is built, tested and installed at each change; Ctrl-C ends it"));
        let mut good = None;
        for number in 1.. {
            let began = context.clock.monotonic();
            let built = tokio::select! {
                biased;
                _ = stopped.wait_for(|stop| *stop) => break,
                built = build(&project, &mut watched) => built,
            };
            let runs = built.as_ref().map_or(0, |built| built.runs);
            let outcome = match built {
                Ok(built) => install(&mut door, &built.checked).await,
                Err(fault) => Outcome::Failed(fault),
            };
            let took = context.clock.monotonic().saturating_sub(began);
            let round = Round { number, took, runs, outcome };
            round.tell(context, good.as_ref())?;
            if let Outcome::Installed(detail) | Outcome::Same(detail) = round.outcome {
                good = Some(name(&detail));
            }
            tokio::select! {
                biased;
                _ = stopped.wait_for(|stop| *stop) => break,
                () = settled(&changed) => {}
            }
        }
        context.output.note(&match good {
            Some(good) => format!("{good} stays installed"),
            None => "nothing was installed".to_owned(),
        });
        Ok(0)
    }
}

/// Waits for a change, and then until no more come.
async fn settled(changed: &Notify) {
    changed.notified().await;
    while tokio::time::timeout(QUIET, changed.notified()).await.is_ok() {}
}

/// Builds a component and does with it what `ostler plugin test` does.
async fn build(project: &Project, watched: &mut Watch) -> Result<Built, Fault> {
    watched.renew()?;
    // What is wrong goes from Cargo to the person as it is.
    let mut building = project.building();
    building.stdout(Stdio::null());
    if !run(building).await?.0.success() {
        return Err(Fault::Build);
    }
    let own = project.clone();
    let checked = tokio::task::spawn_blocking(move || check_file(&own.component()?));
    let checked = checked.await.map_err(|error| CliError::Runtime(error.into()))??;
    let runs = run_cases(&checked.file, &project.folder().join("cases")).await?;
    let mut testing = project.testing();
    testing.stdout(Stdio::piped()).stderr(Stdio::piped());
    let (status, said) = run(testing).await?;
    if status.success() { Ok(Built { checked, runs }) } else { Err(Fault::Tests(said)) }
}

async fn run_cases(component: &Path, cases: &Path) -> Result<usize, Fault> {
    if !cases.is_dir() {
        return Ok(0);
    }
    let unread = |source| ToolError::File { path: component.to_owned(), source };
    let bytes = std::fs::read(component).map_err(unread)?;
    let report = ostler_testkit::run(&bytes, cases, &Wishes::default()).await?;
    let of_run = |run: &ostler_testkit::CaseReport| {
        let (case, variant) = (run.case.clone(), run.variant.clone());
        run.faults.iter().map(move |fault| format!("{case}, {variant}: {fault}")).collect::<Vec<_>>()
    };
    let (failed, of) = (report.failed().count(), report.cases.len());
    if failed == 0 {
        return Ok(of);
    }
    Err(Fault::Cases { failed, of, faults: report.failed().flat_map(of_run).collect() })
}

/// A program and those that it started. Dropping it ends them all.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // Where all of them ended by themselves, there is nobody to tell.
            kill_process_group(group, Signal::TERM).unwrap_or_default();
        }
    }
}

/// Runs a command to its end and returns what it said, where that was asked for. In a group of its own: a key that interrupts us comes to
/// us alone.
async fn run(mut command: std::process::Command) -> Result<(ExitStatus, String), CliError> {
    let line = |command: &std::process::Command| {
        let words = command.get_args().map(|word| word.to_string_lossy().into_owned());
        std::iter::once("cargo".to_owned()).chain(words).collect::<Vec<_>>().join(" ")
    };
    let line = line(&command);
    let failed =
        |error: std::io::Error| ToolError::Command { command: line.clone(), reason: error.to_string() };
    command.stdin(Stdio::null());
    let child = tokio::process::Command::from(command).process_group(0).spawn().map_err(failed)?;
    let mut group = Group(child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?)));
    let output = child.wait_with_output().await.map_err(failed)?;
    group.0 = None;
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    Ok((output.status, said.concat()))
}

async fn install(door: &mut Door, checked: &Checked) -> Outcome {
    let (id, digest) = (checked.inspection.manifest.id.to_string(), checked.inspection.digest.to_string());
    if let Ok(Reply::Plugin(detail)) = door.execute(Command::PluginShow { id }).await
        && (detail.plugin.digest.as_str(), detail.plugin.origin.as_str()) == (digest.as_str(), "development")
    {
        return Outcome::Same(detail);
    }
    let file = checked.file.clone();
    let installing = Command::PluginInstall { file, key: None, signature: None, development: true };
    match door.execute(installing).await {
        Ok(Reply::Plugin(detail)) => Outcome::Installed(detail),
        Ok(_) => Outcome::Failed(Fault::from(ServeError::Frame("an answer to another question".to_owned()))),
        Err(error) => Outcome::Failed(error.into()),
    }
}

impl Round {
    /// Says what came of a change, on one line where all is well. `good` is what stays installed where it is not.
    fn tell(&self, context: &Context, good: Option<&String>) -> Result<(), CliError> {
        let output = &context.output;
        if output.json() {
            output.lines(&[self.json(good).to_string()]);
            return Ok(());
        }
        let (seconds, runs) = (seconds(self.took), runs(self.runs));
        match &self.outcome {
            Outcome::Installed(detail) => {
                let mut text = format!("built in {seconds} s, {runs}, installed as {}\n", name(detail));
                text.extend(
                    detail
                        .capabilities
                        .iter()
                        .filter_map(|view| lacks(&detail.plugin.id, view))
                        .map(|line| line + "\n"),
                );
                output.text(&text)
            }
            Outcome::Same(detail) => {
                output.text(&format!("built in {seconds} s, {runs}, {} as before\n", name(detail)))
            }
            Outcome::Failed(fault) => {
                match fault {
                    Fault::Build => {}
                    Fault::Tests(said) => output.text(&escape_lines(said))?,
                    Fault::Cases { faults, .. } => {
                        output.text(
                            &faults.iter().map(|fault| format!("{}\n", escape(fault))).collect::<String>(),
                        )?;
                    }
                    Fault::Error(error) => output.error(error),
                }
                if matches!(fault, Fault::Error(CliError::Serve(ServeError::Gone))) {
                    output.note("'ostler unlock' lets the next change be installed");
                }
                let stays = good
                    .map_or_else(|| "nothing is installed yet".to_owned(), |good| format!("{good} stays"));
                output.text(&format!("{} ({seconds} s); {stays}\n", fault.words()))
            }
        }
    }

    fn json(&self, good: Option<&String>) -> serde_json::Value {
        let (state, detail, fault) = match &self.outcome {
            Outcome::Installed(detail) => ("installed", Some(detail), None),
            Outcome::Same(detail) => ("same", Some(detail), None),
            Outcome::Failed(fault) => ("failed", None, Some(fault)),
        };
        let plugin = detail.map(|detail| &detail.plugin);
        let waiting = detail.map(|detail| {
            detail.capabilities.iter().filter_map(|view| lacks(&detail.plugin.id, view)).collect::<Vec<_>>()
        });
        json!({
            "round": self.number,
            "state": state,
            "seconds": self.took.as_secs_f64(),
            "runs": self.runs,
            "plugin": plugin,
            "not_granted": waiting.unwrap_or_default(),
            "problem": fault.map(Fault::words),
            "details": fault.map(Fault::details).unwrap_or_default(),
            "stays": good.filter(|_| fault.is_some()),
        })
    }
}

impl Fault {
    fn words(&self) -> String {
        match self {
            Self::Build => "it does not build".to_owned(),
            Self::Tests(_) => "its own tests failed".to_owned(),
            Self::Cases { failed, of, .. } => format!("{failed} of {} failed", runs(*of)),
            Self::Error(_) => "it was not installed".to_owned(),
        }
    }

    fn details(&self) -> Vec<String> {
        match self {
            Self::Build => Vec::new(),
            Self::Tests(said) => said.lines().map(str::to_owned).collect(),
            Self::Cases { faults, .. } => faults.clone(),
            Self::Error(error) => {
                std::iter::once(error.to_string()).chain(error.causes()).chain(error.hint()).collect()
            }
        }
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64())
}

fn runs(count: usize) -> String {
    if count == 1 { "1 run of a case".to_owned() } else { format!("{count} runs of cases") }
}

/// Names a build, for one line.
fn name(detail: &PluginDetail) -> String {
    let plugin = &detail.plugin;
    let digest = plugin.digest.get(..SHORT_DIGEST).unwrap_or(&plugin.digest);
    escape(&format!("{} {} {digest}", plugin.id, plugin.version))
}

/// What a plugin asks for and does not have, and what to do about it.
fn lacks(id: &str, capability: &CapabilityView) -> Option<String> {
    let asked = capability.waiting.as_ref().unwrap_or(&capability.parameters).to_string();
    let asked = if asked.is_empty() { asked } else { format!(" ({asked})") };
    let name = &capability.name;
    let words = match (&capability.denied_by, &capability.waiting) {
        (Some(rule), _) => format!("'{name}' is denied by {rule}"),
        (None, None) if capability.granted => return None,
        (None, _) => format!("'{name}'{asked} is not granted; 'ostler plugin grant {id} {name}' allows it"),
    };
    Some(escape(&words))
}
