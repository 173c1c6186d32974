//! The words of the command line: global options and one verb. The verbs' own words stand in `commands`.

use std::path::PathBuf;

use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::commands::{
    audit, completions, config, connect, connection, doctor, export, folder, host_key, import, plugin,
    recording, store, tree, unlock,
};
use crate::output::ColorChoice;

const AFTER_HELP: &str = "\
Examples:
  ostler store create                                       make a store (asks for a passphrase)
  ostler connection add db1 --type ssh --host db1.example --user admin --password-file pw
  ostler import servers.csv --type ssh --dry-run            look before importing
  ostler connect db1                                        open a session
  ostler connect db1 -- uptime                              run one command
  ostler recording play 3f                                  see what happened
  ostler unlock --for 8h                                    give the passphrase once a day

Exit codes:
  0 done   1 can't be done as asked   2 the words make no sense   3 wrong or missing passphrase
  4 refused by policy   5 session failed   6 plugin failed   7 damaged data   8 the system failed
  'ostler connect' exits as the remote command does, and with 255 where it fails itself.

Environment:
  OSTLER_STORE            the store's directory
  OSTLER_PASSPHRASE_FILE  a file with the passphrase
  OSTLER_STORE_KEY_FILE   the store's key file, where it has one
  OSTLER_CONFIG           the configuration file
  OSTLER_POLICY           a further policy file; the strictest of all wins
  OSTLER_LOG              the log's level: off, error, warn, info, debug or trace
  OSTLER_PAGER, PAGER     the program that shows long lists on a terminal (less)
  OSTLER_BATCH            set to 1, never ask
  NO_COLOR                set, no colors
  CLICOLOR_FORCE          set to 1, colors also where no terminal is";

/// Opens remote sessions through sandboxed plugins, with a sealed store, recordings and an audit log.
#[derive(Debug, Parser)]
#[command(name = "ostler", version, after_help = AFTER_HELP, subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// The verbs by what a person wants, for the help of the program itself.
const GROUPS: [(&str, &[&str]); 5] = [
    ("Keep connections", &["connection", "folder", "tree", "import", "export"]),
    ("Open sessions and see what happened", &["connect", "recording", "audit", "host-key"]),
    ("Keep the store", &["store", "unlock", "lock", "serve"]),
    ("Decide", &["plugin", "config"]),
    ("Get along", &["doctor", "completions", "man", "help"]),
];

impl Arguments {
    /// Understands the words of the command line.
    ///
    /// # Errors
    /// Fails where they make no sense, and where they ask for help.
    pub(crate) fn understand() -> Result<Self, clap::Error> {
        let mut command = grouped(Self::command());
        let matches = command.try_get_matches_from_mut(std::env::args_os())?;
        Self::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
    }
}

/// Lists the verbs in groups where help is asked for without a verb.
fn grouped(command: clap::Command) -> clap::Command {
    let styles = clap::builder::Styles::styled();
    let (head, literal) = (styles.get_header(), styles.get_literal());
    let mut list = String::new();
    for (group, verbs) in GROUPS {
        list.push_str(&format!("{head}{group}:{head:#}\n"));
        for verb in verbs {
            let about = command.find_subcommand(verb).and_then(clap::Command::get_about);
            // clap makes 'help' itself, and only when it is asked for.
            let about = about.map_or_else(|| "Print the help of a verb".to_owned(), ToString::to_string);
            list.push_str(&format!("  {literal}{verb:<12}{literal:#} {about}\n"));
        }
        list.push('\n');
    }
    command.help_template(format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{list}{head}Global options:{head:#}\n{{options}}{{after-help}}"
    ))
}

/// What every verb takes.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// The store's directory.
    #[arg(long, global = true, value_name = "DIR", env = "OSTLER_STORE", help_heading = "Global options")]
    pub(crate) store: Option<PathBuf>,
    /// The configuration file.
    #[arg(long, global = true, value_name = "FILE", env = "OSTLER_CONFIG", help_heading = "Global options")]
    pub(crate) config: Option<PathBuf>,
    /// Read the store's passphrase from a file (also OSTLER_PASSPHRASE_FILE).
    #[arg(long, global = true, value_name = "FILE", help_heading = "Global options")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// Read the store's passphrase from an open file descriptor.
    #[arg(
        long,
        global = true,
        value_name = "N",
        conflicts_with = "passphrase_file",
        help_heading = "Global options"
    )]
    pub(crate) passphrase_fd: Option<u32>,
    /// The key file that opens the store together with the passphrase, where it has one.
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "OSTLER_STORE_KEY_FILE",
        help_heading = "Global options"
    )]
    pub(crate) store_key_file: Option<PathBuf>,
    /// Print JSON.
    #[arg(long, global = true, help_heading = "Global options")]
    pub(crate) json: bool,
    /// When to use colors.
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "WHEN",
        default_value = "auto",
        help_heading = "Global options"
    )]
    pub(crate) color: ColorChoice,
    /// Never show long lists through a pager.
    #[arg(long, global = true, help_heading = "Global options")]
    pub(crate) no_pager: bool,
    /// Never ask: fail where an answer is needed (also OSTLER_BATCH=1).
    #[arg(long, global = true, help_heading = "Global options")]
    pub(crate) batch: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Create, check and back up the store.
    #[command(subcommand)]
    Store(store::Store),
    /// Keep folders of connections.
    #[command(subcommand)]
    Folder(folder::Folder),
    /// Keep connections.
    #[command(subcommand)]
    Connection(connection::Connection),
    /// Show folders and connections as a tree.
    Tree(tree::Tree),
    /// Import connections from a file.
    Import(Box<import::Import>),
    /// Export connections to a new file.
    Export(export::Export),
    /// Open a session, or run one command.
    Connect(connect::Connect),
    /// Play, export and verify recordings.
    #[command(subcommand)]
    Recording(recording::Recording),
    /// Show and verify the audit log.
    #[command(subcommand)]
    Audit(audit::Audit),
    /// See and decide what plugins may do.
    #[command(subcommand)]
    Plugin(plugin::Plugin),
    /// Show and forget the host keys of servers.
    #[command(subcommand)]
    HostKey(host_key::HostKey),
    /// Show and change the configuration.
    #[command(subcommand)]
    Config(config::Config),
    /// Hold the store unlocked in the background, so that commands ask no more.
    Unlock(unlock::Unlock),
    /// Lock the store that 'ostler unlock' holds open.
    Lock(unlock::Lock),
    /// Hold the store unlocked in the foreground, as a service does.
    Serve(unlock::Serve),
    /// Print the script that makes a shell complete words and names.
    Completions(completions::Completions),
    /// Write the man pages.
    Man(completions::Man),
    /// Check the whole installation and say what to do.
    Doctor(doctor::Doctor),
}

impl Verb {
    /// Tells whether other processes are served.
    pub(crate) fn serves(&self) -> bool {
        matches!(self, Self::Serve(_))
    }

    /// Tells whether it must work where the configuration file is wrong. Such a verb does nothing that policy could forbid.
    pub(crate) fn mends_configuration(&self) -> bool {
        match self {
            Self::Config(config) => config.mends(),
            Self::Doctor(_) => true,
            _ => false,
        }
    }

    /// Tells whether the exit code belongs to a remote command.
    pub(crate) fn is_session(&self) -> bool {
        matches!(self, Self::Connect(connect) if !connect.dry_run)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &str) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from(words.split(' '))
    }

    #[test]
    fn the_words_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn the_words_of_the_main_path_are_understood() {
        for words in [
            "ostler store create",
            "ostler store verify",
            "ostler import servers.csv --type ssh --into Customers --dry-run",
            "ostler connection add db1 --type ssh --host h --port 2222 --user u --password-file f --folder A/B",
            "ostler connection add db1 --type ssh --host h --port 2222 --user u --key-file f",
            "ostler connection list --json",
            "ostler connect db1 --host-key accept-new -- uname -a",
            "ostler connect db1 --dry-run",
            "ostler recording list --json",
            "ostler recording export ab --format asciicast --out x.cast",
            "ostler recording verify",
            "ostler recording verify ab",
            "ostler audit verify",
            "ostler plugin list --json",
            "ostler plugin show ostler.launcher-ssh --json",
        ] {
            assert!(parse(words).is_ok(), "{words}");
        }
    }

    #[test]
    fn ports_that_are_none_are_refused_with_the_range() {
        for port in ["0", "70000", "-1", "ssh"] {
            let words = ["ostler", "connection", "add", "x", "--type", "ssh", "--host", "h", "--port", port];
            let error = Arguments::try_parse_from(words).unwrap_err().to_string();
            assert!(error.contains("from 1 to 65535") || error.contains("unexpected argument"), "{error}");
        }
    }

    #[test]
    fn the_help_has_every_verb_in_one_group() {
        let command = Arguments::command();
        let mut verbs: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
        verbs.push("help");
        verbs.sort_unstable();
        let mut listed: Vec<&str> = GROUPS.iter().flat_map(|(_, verbs)| verbs.iter().copied()).collect();
        listed.sort_unstable();
        assert_eq!(listed, verbs);
    }

    #[test]
    fn no_verb_takes_a_secret_as_a_word() {
        fn secrets(command: &clap::Command) -> Vec<String> {
            let valued = command.get_arguments().filter(|argument| argument.get_action().takes_values());
            let own = valued.filter_map(|argument| argument.get_long()).filter(|long| {
                let secret = ["password", "passphrase", "key"].iter().any(|word| long.contains(word));
                let public = ["host-key", "keys", "publisher-key"].contains(long);
                secret && !public && !long.ends_with("-file") && !long.ends_with("-fd")
            });
            own.map(str::to_owned).chain(command.get_subcommands().flat_map(secrets)).collect()
        }
        assert_eq!(secrets(&Arguments::command()), Vec::<String>::new());
    }
}
