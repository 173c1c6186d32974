//! Capability `process`: programs that somebody named, run to their end.
//!
//! A start is covered by program, arguments and variables, and written down before. Secrets go into variables and standard input, never
//! into an argument, and where they may go is checked as for any other place. Of what a program prints the guest reads what an output of
//! its manifest names; secrets in it become slots of this call that may go back to the same program. How a program is kept and killed
//! is the business of [`child`].

mod child;

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ostler_core::{SecretBytes, SecretField, SecretUses, Sink, UseLog};
use ostler_plugin_api::{Capability, Guard, Invocation, Output, OutputFormat, SYSTEM_FOLDERS, is_variable};
use wasmtime::component::{HasData, Linker};
use zeroize::Zeroizing;

use super::filling::{AllReceived, Finder, Hidden, Received};
use super::machine::ostler::process::process as wit;
use super::ostler::types::types::{CapabilityError, Value};
use super::{CallChain, Gate, HostCapability, Setup, inbound, prompt, secrets};
use crate::instance::{State, Waits};
use crate::text;
use child::{Fault, Printed, Start};

/// Programs that one call starts, as the WIT document says.
const MOST_STARTS: u32 = 64;
/// Arguments and their bytes, as the WIT document says.
const MOST_ARGUMENTS: usize = 256;
const LARGEST_ARGUMENTS: usize = 64 << 10;
/// Variables, as the WIT document says.
const MOST_VARIABLES: usize = 32;
/// Bytes of the input, as the WIT document says.
const LARGEST_INPUT: usize = 1 << 20;
/// Seconds that a program may take, where nothing is said, and at most.
const USUAL_SECONDS: u32 = 30;
const LONGEST_SECONDS: u32 = 300;
/// Bytes of a command that are written down.
const LONGEST_SHOWN: usize = 200;

/// The capability of one plugin.
pub(crate) struct Process {
    gate: Gate,
    plugin: Arc<str>,
    outputs: Vec<Output>,
    starts: Arc<dyn UseLog>,
    uses: Arc<dyn SecretUses>,
}

/// The programs of one call.
pub(crate) struct Instance {
    own: Arc<Process>,
    waits: Arc<Waits>,
    started: u32,
    /// What programs printed as secrets, each with the path of its program.
    received: AllReceived<String>,
    /// Every secret that a program of this call was given: a later one may print it.
    given: Hidden,
}

impl HostCapability for Process {
    const CAPABILITY: Capability = Capability::Process;
    type Instance = Instance;

    fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
        wit::add_to_linker::<State, Access>(linker, |state| View {
            own: &mut state.capabilities.process,
            prompt: &state.capabilities.prompt,
            inbound: &state.capabilities.inbound,
            secrets: &state.capabilities.secrets,
        })
    }

    fn configure(setup: &Setup<'_>) -> Self {
        Self {
            gate: Gate::new(Self::CAPABILITY, setup),
            plugin: Arc::clone(setup.plugin),
            outputs: setup.manifest.outputs.clone(),
            starts: Arc::clone(&setup.ports.machine_uses),
            uses: Arc::clone(&setup.ports.secret_uses),
        }
    }

    fn build(self: &Arc<Self>, chain: &CallChain<'_>) -> Instance {
        Instance {
            own: Arc::clone(self),
            waits: Arc::clone(chain.waits),
            started: 0,
            received: AllReceived::new(),
            given: Hidden::default(),
        }
    }
}

struct Access;

impl HasData for Access {
    type Data<'a> = View<'a>;
}

struct View<'a> {
    own: &'a mut Instance,
    prompt: &'a prompt::Instance,
    inbound: &'a inbound::Instance,
    secrets: &'a secrets::Instance,
}

impl wit::Host for View<'_> {
    async fn run(&mut self, command: wit::Command) -> Result<wit::Outcome, wit::ProcessError> {
        let refused = wit::ProcessError::Refused;
        let own = Arc::clone(&self.own.own);
        own.gate.pass().map_err(refused)?;
        if self.own.started == MOST_STARTS {
            return Err(refused(limit(format!("a call starts at most {MOST_STARTS} programs"))));
        }
        self.own.started += 1;
        let seconds = command.timeout_seconds.unwrap_or(USUAL_SECONDS).clamp(1, LONGEST_SECONDS);
        let start = self.prepare(command)?;
        let output = own.output(&start);
        own.gate.may_read(output.and_then(Output::reads)).map_err(refused)?;
        if output.is_some_and(|output| output.format == OutputFormat::All) && !self.own.given.is_empty() {
            let reason = "after a program was given a secret, no output is read as a whole in the same call";
            own.gate.refuse(Guard::Projection, reason.to_owned()).map_err(refused)?;
        }
        own.starts.note(Process::CAPABILITY.name(), &format!("start {}", shown(&start))).map_err(
            |error| refused(CapabilityError::Unavailable(format!("the start could not be audited: {error}"))),
        )?;
        let program = start.program.clone();
        let waits = Arc::clone(&self.own.waits);
        let waiting = waits.begin();
        let ended = tokio::time::timeout(Duration::from_secs(seconds.into()), child::run(start)).await;
        drop(waiting);
        match ended {
            Err(_) => Err(wit::ProcessError::TimedOut),
            Ok(Err(Fault::NotStarted(error))) => {
                Err(wit::ProcessError::NotStarted(format!("'{program}' can't be started: {}", error.kind())))
            }
            Ok(Err(Fault::TooMuch)) => {
                Err(refused(limit(format!("'{program}' printed more than 4 MiB, and was killed"))))
            }
            Ok(Ok(printed)) => Ok(self.take(&program, output, printed)),
        }
    }
}

impl View<'_> {
    /// Checks a command, and fills secrets in.
    fn prepare(&mut self, command: wit::Command) -> Result<Start, wit::ProcessError> {
        let own = Arc::clone(&self.own.own);
        let refused = wit::ProcessError::Refused;
        let invalid = |reason: String| refused(CapabilityError::Invalid(reason));
        let program = found(&command.program)?;
        let bytes: usize = command.arguments.iter().map(String::len).sum();
        if command.arguments.len() > MOST_ARGUMENTS || bytes > LARGEST_ARGUMENTS {
            return Err(refused(limit("a program has at most 256 arguments of 64 KiB together".to_owned())));
        }
        if command.variables.len() > MOST_VARIABLES {
            return Err(refused(limit(format!("a program is given at most {MOST_VARIABLES} variables"))));
        }
        if command.arguments.iter().any(|argument| argument.contains('\0')) {
            return Err(invalid("an argument has a byte of zero".to_owned()));
        }
        let names: Vec<&str> = command.variables.iter().map(|variable| variable.name.as_str()).collect();
        if let Some(name) = names.iter().find(|name| !is_variable(name)) {
            return Err(invalid(format!("'{}' is no name of a variable", text::line(name, 64))));
        }
        own.covered(&program, &command.arguments, &names).map_err(refused)?;
        if let Some(name) = names.iter().find(|name| child::is_closed(name)) {
            let reason = format!("no plugin sets the variable '{name}'");
            own.gate.refuse(Guard::Variable, reason).map_err(refused)?;
        }
        let mut variables = Vec::new();
        for wit::Variable { name, value } in &command.variables {
            let bytes = self.value(value, &program, SecretField::Environment).map_err(refused)?;
            let text = bytes.expose_text().filter(|text| !text.contains('\0'));
            let text = text.ok_or_else(|| invalid(format!("what is to go into '{name}' is no text")))?;
            variables.push((name.clone(), Zeroizing::new(text.to_owned())));
        }
        let mut input = Zeroizing::new(Vec::new());
        for part in &command.input {
            let bytes = self.value(part, &program, SecretField::Input).map_err(refused)?;
            if input.len() + bytes.expose().len() > LARGEST_INPUT {
                return Err(refused(limit("the input has at most 1 MiB".to_owned())));
            }
            input.extend_from_slice(bytes.expose());
        }
        Ok(Start { program, arguments: command.arguments, variables, input })
    }

    /// Returns a text, or the secret of a slot for a program.
    fn value(
        &mut self,
        value: &Value,
        program: &String,
        field: SecretField,
    ) -> Result<SecretBytes, CapabilityError> {
        let slot = match value {
            Value::Text(text) => return Ok(SecretBytes::from(text.clone())),
            Value::Slot(slot) => slot,
        };
        let own = &self.own.own;
        let sink = Sink { protocol: Sink::PROCESS.to_owned(), host: program.clone(), port: 0, field };
        let finder = Finder {
            gate: &own.gate,
            plugin: &own.plugin,
            uses: &own.uses,
            prompt: self.prompt,
            inbound: self.inbound,
            secrets: self.secrets,
        };
        let secret = finder.find(slot, &self.own.received, program, &sink, &format!("'{program}'"))?;
        self.own.given.extend([secret.clone()]);
        Ok(secret)
    }

    /// Takes out of what a program printed what the guest may have.
    fn take(&mut self, program: &str, output: Option<&Output>, printed: Printed) -> wit::Outcome {
        let status = match (printed.status.code(), printed.status.signal()) {
            (Some(code), _) => wit::Status::Exited(code),
            (None, signal) => wit::Status::Signalled(signal.unwrap_or_default()),
        };
        let mut outcome =
            wit::Outcome { status, projected: Vec::new(), slots: Vec::new(), output: None, errors: None };
        let Some(output) = output else { return outcome };
        let projected = output.project(&printed.output);
        for (slot, value) in projected.slots {
            let bytes = SecretBytes::from(value);
            // It may stand elsewhere in what was printed, too.
            self.own.given.extend([bytes.clone()]);
            let received = Received { bytes, origin: program.to_owned() };
            let Some(name) = self.own.received.put(&format!("process.{}", slot.name), received) else {
                continue;
            };
            outcome.slots.push(wit::ReceivedSlot { name: name.to_string(), field: slot.field });
        }
        let given = &self.own.given;
        let readable = |(path, nodes)| wit::Projected { path, nodes: given.blot_values(nodes) };
        outcome.projected = projected.readable.into_iter().map(readable).collect();
        outcome.output = (output.format == OutputFormat::All).then(|| printed.output.to_vec());
        let errors = || given.blot(String::from_utf8_lossy(&printed.errors).into_owned());
        outcome.errors = output.errors.then(errors);
        outcome
    }
}

impl Process {
    /// Checks that a start is covered.
    fn covered(
        &self,
        program: &str,
        arguments: &[String],
        variables: &[&str],
    ) -> Result<(), CapabilityError> {
        let invocation = Invocation { program, arguments, variables };
        if self.gate.covers_command(&invocation) {
            return Ok(());
        }
        let command = shown_command(program, arguments);
        let given: String = variables.iter().map(|name| format!("{name}=* ")).collect();
        let reason = format!("to start '{given}{command}' is not covered by the grant of 'process'");
        self.gate.refuse(Guard::Scope, reason)
    }

    /// Returns what of a program's output is read.
    fn output(&self, start: &Start) -> Option<&Output> {
        let invocation = Invocation { program: &start.program, arguments: &start.arguments, variables: &[] };
        self.outputs.iter().find(|output| output.command.matches(&invocation))
    }
}

/// Finds a program by its path, or by its name in the system's folders.
fn found(program: &str) -> Result<String, wit::ProcessError> {
    let invalid = |reason: &str| wit::ProcessError::Refused(CapabilityError::Invalid(reason.to_owned()));
    if program.contains('\0') || program.len() > 4096 {
        return Err(invalid("the program's path can't be one"));
    }
    if let Some(path) = program.strip_prefix('/') {
        let plain = path.split('/').all(|part| !matches!(part, "" | "." | ".."));
        return if plain {
            Ok(program.to_owned())
        } else {
            Err(invalid("the program's path must be plain: no '.', no '..'"))
        };
    }
    if program.is_empty() || program.contains('/') {
        return Err(invalid("a program is named by its absolute path, or by its name alone"));
    }
    let runs = |path: &String| {
        Path::new(path).metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
    };
    let mut paths = SYSTEM_FOLDERS.iter().map(|folder| format!("{folder}/{program}"));
    let missing =
        || wit::ProcessError::NotStarted(format!("there is no program '{}'", text::line(program, 64)));
    paths.find(runs).ok_or_else(missing)
}

fn shown(start: &Start) -> String {
    shown_command(&start.program, &start.arguments)
}

/// Returns a command for people; no secret is in it, since none is ever in an argument.
fn shown_command(program: &str, arguments: &[String]) -> String {
    let words: Vec<&str> = std::iter::once(program).chain(arguments.iter().map(String::as_str)).collect();
    text::line(&words.join(" "), LONGEST_SHOWN).into_owned()
}

fn limit(reason: String) -> CapabilityError {
    CapabilityError::Limit(reason)
}
