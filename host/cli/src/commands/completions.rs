//! What shells and packagers take: completion scripts and man pages.

use std::path::PathBuf;

use clap::{Args, CommandFactory as _, ValueEnum};
use clap_complete::env::{Bash, EnvCompleter, Fish, Zsh};

use crate::arguments::Arguments;
use crate::error::CliError;
use crate::output::Output;

/// The variable by which a shell asks for completions.
pub(crate) const VARIABLE: &str = "OSTLER_COMPLETE";

/// A shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// Print the script that makes a shell complete the words of ostler.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  source <(ostler completions bash)                  # in ~/.bashrc
  source <(ostler completions zsh)                   # in ~/.zshrc, below compinit
  ostler completions fish > ~/.config/fish/completions/ostler.fish

Names of connections, folders, recordings and plugins are completed while 'ostler unlock' holds the store open.")]
pub(crate) struct Completions {
    /// The shell.
    shell: Shell,
}

/// Write the man pages.
#[derive(Debug, Args)]
pub(crate) struct Man {
    /// The directory to write them to; made where it is missing.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl Completions {
    pub(crate) fn run(&self, output: &Output) -> Result<u8, CliError> {
        let shell: &dyn EnvCompleter = match self.shell {
            Shell::Bash => &Bash,
            Shell::Zsh => &Zsh,
            Shell::Fish => &Fish,
        };
        let mut script = Vec::new();
        shell
            .write_registration(VARIABLE, "ostler", "ostler", "ostler", &mut script)
            .map_err(CliError::Output)?;
        output.text(&String::from_utf8_lossy(&script))?;
        Ok(0)
    }
}

impl Man {
    pub(crate) fn run(&self, output: &Output) -> Result<u8, CliError> {
        let failed = |source| CliError::File { what: self.out.display().to_string(), source };
        std::fs::create_dir_all(&self.out).map_err(failed)?;
        clap_mangen::generate_to(Arguments::command(), &self.out).map_err(failed)?;
        output.text(&format!(
            "the man pages are in {}\n",
            crate::output::escape(&self.out.display().to_string())
        ))?;
        Ok(0)
    }
}
