//! The program `ostler`: words on a command line become commands of the host, and its replies become words or JSON.
//!
//! It never decides what may be done and never touches a store, a plugin or a wire: that is the host's business. What
//! it owns is the terminal, the places where things live, and the exit code.

mod arguments;
mod commands;
mod context;
mod door;
mod error;
mod front;
mod keyboard;
mod log;
mod names;
mod new_file;
mod output;
mod pager;
mod passphrase;
mod places;
mod play;
mod prompt;
mod script;
mod script_front;
mod secret_file;
mod signals;
mod terminal;

use std::process::ExitCode;

use clap::CommandFactory as _;
use ostler_app::{NativeSetup, native_child};

use crate::arguments::Arguments;
use crate::commands::completions::VARIABLE;
use crate::context::Context;
use crate::error::CliError;
use crate::output::Output;

/// Wipes what is freed: libraries that speak a protocol copy passwords, and nobody else wipes those copies.
#[global_allocator]
static ALLOCATOR: zeroizing_alloc::ZeroAlloc<std::alloc::System> =
    zeroizing_alloc::ZeroAlloc(std::alloc::System);

/// Threads that carry sessions and plugins; the front end's own waiting is done elsewhere.
const WORKERS: usize = 2;

/// The same where many clients are served: one's import must not keep another's keys from arriving.
const SERVING: usize = 8;

fn main() -> ExitCode {
    ostler_app::harden_process();
    // The host starts its own program for each call of a native plugin; nothing else may happen in that process.
    if std::env::args_os().nth(1).is_some_and(|first| first == NativeSetup::ARGUMENT) {
        return native_child();
    }
    terminal::restore_on_panic();
    // Where a shell asks for completions, this answers it and ends the program.
    clap_complete::CompleteEnv::with_factory(Arguments::command).var(VARIABLE).complete();
    let arguments = match Arguments::understand() {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    let output = Output::new(arguments.global.color, arguments.global.json, !arguments.global.no_pager);
    let session = arguments.verb.is_session();
    let code = match run(arguments, &output) {
        Ok(code) => code,
        Err(error) => {
            terminal::restore();
            output.error(&error);
            if session { error::SESSION_FAILED } else { error.exit_code() }
        }
    };
    terminal::restore();
    ExitCode::from(code)
}

/// Prints help, the version, or what is wrong with the words of the command line.
fn usage(error: &clap::Error) -> ExitCode {
    // Where nobody can be told, the exit code still says it.
    error.print().unwrap_or_default();
    ExitCode::from(if error.use_stderr() { error::USAGE } else { 0 })
}

fn run(arguments: Arguments, output: &Output) -> Result<u8, CliError> {
    let workers = if arguments.verb.serves() { SERVING } else { WORKERS };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .thread_name("worker")
        .enable_all()
        .build()
        .map_err(CliError::Runtime)?;
    let code = runtime.block_on(async {
        let context = Context::new(&arguments.global, arguments.verb.mends_configuration(), output.clone())?;
        Box::pin(commands::run(arguments.verb, &context)).await
    });
    // A thread that still waits for a key must not keep the program from ending.
    runtime.shutdown_background();
    code
}
