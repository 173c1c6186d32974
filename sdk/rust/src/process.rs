//! Programs of this machine that somebody named (capability `process`).
//!
//! The host starts them, without a shell. A secret is named by its slot and filled into a variable or the standard input, never into an
//! argument; of what a program prints the plugin reads what an `[[output]]` of its manifest names, and what that names as a secret arrives
//! as a slot.
//!
//! ```no_run
//! use ostler_sdk::process::{Command, ProcessError};
//!
//! # fn ask() -> Result<(), ProcessError> {
//! let session = Command::new("bw").arguments(["unlock", "--raw"]).input_slot("prompt.password").run()?;
//! let session = session.slots.first().map(|slot| slot.name.clone()).unwrap_or_default();
//! let item = Command::new("bw").arguments(["get", "item", "web"]).variable_slot("BW_SESSION", &session).run()?;
//! for slot in &item.slots {
//!     println!("{} is a {}", slot.name, slot.field);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! In a native build [`Command::run`] answers `unavailable`.

use crate::types::{SlotName, Value};

pub use crate::machine_bindings::ostler::process::process::{
    Command, Outcome, ProcessError, Projected, ReceivedSlot, Status, Variable,
};

impl Command {
    /// Names a program by its absolute path, or by its name in the system's folders.
    pub fn new(program: impl Into<String>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            variables: Vec::new(),
            input: Vec::new(),
            timeout_seconds: None,
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn argument(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn arguments<T: Into<String>>(mut self, arguments: impl IntoIterator<Item = T>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Gives it a variable.
    #[must_use]
    pub fn variable(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.variables.push(Variable { name: name.into(), value: Value::text(text) });
        self
    }

    /// Gives it a secret as a variable.
    #[must_use]
    pub fn variable_slot(mut self, name: impl Into<String>, slot: impl Into<SlotName>) -> Self {
        self.variables.push(Variable { name: name.into(), value: Value::slot(slot) });
        self
    }

    /// Writes a text to its standard input, behind what is written there already.
    #[must_use]
    pub fn input(mut self, text: impl Into<String>) -> Self {
        self.input.push(Value::text(text));
        self
    }

    /// Writes a secret to its standard input.
    #[must_use]
    pub fn input_slot(mut self, slot: impl Into<SlotName>) -> Self {
        self.input.push(Value::slot(slot));
        self
    }

    /// Kills it after so many seconds, of at most 300; else after 30.
    #[must_use]
    pub fn timeout(mut self, seconds: u32) -> Self {
        self.timeout_seconds = Some(seconds);
        self
    }

    /// Runs it, and waits for its end.
    ///
    /// # Errors
    /// `refused` without the grant, for a start that it does not cover and for a secret that may not go there; `not-started`; `timed-out`.
    pub fn run(&self) -> Result<Outcome, ProcessError> {
        #[cfg(target_family = "wasm")]
        return crate::machine_bindings::ostler::process::process::run(self);
        #[cfg(not(target_family = "wasm"))]
        return Err(ProcessError::Refused(crate::types::no_host()));
    }
}

impl Outcome {
    /// Tells whether it ended with status 0.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.status == Status::Exited(0)
    }
}
