//! Programs as grants name them, and what of their output a plugin may read.
//!
//! Pure: compares text. Never looks for a program, never starts one.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json_path::JsonPath;

use crate::projection::{check_paths, check_slots, project};
use crate::{Projected, ProjectedSlot, wildcard_matches};

/// Where a program is looked for that is named without its folder, in this order.
pub const SYSTEM_FOLDERS: [&str; 6] =
    ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// The text names no program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' names no program: expected a path such as '/usr/bin/pass', or a name, and behind it the arguments that it may have, such as 'pass show *'"
)]
pub struct CommandPatternError(String);

/// A program, and how it may be started.
///
/// Written as in a shell, without quotes: `PASSWORD_STORE_DIR=* /usr/bin/pass show *`. A program alone may be started in any way. Behind it
/// stand its arguments, of which `*` stands for any text in one that does not begin with `-`, and `**` at the end for any further ones;
/// before it the variables that it may be given. A name without a folder is the program of this name in the system's folders. `*` alone is
/// what another layer names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CommandPattern {
    variables: Vec<String>,
    program: String,
    arguments: Vec<String>,
}

/// A program that is about to be started.
#[derive(Debug, Clone, Copy)]
pub struct Invocation<'a> {
    /// Its absolute path.
    pub program: &'a str,
    /// Its arguments.
    pub arguments: &'a [String],
    /// The names of the variables that it is given.
    pub variables: &'a [&'a str],
}

impl CommandPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// Says what was expected.
    pub fn new(text: &str) -> Result<Self, CommandPatternError> {
        let wrong = || CommandPatternError(text.to_owned());
        let mut words = text.split_whitespace().peekable();
        let mut variables = Vec::new();
        while let Some(name) = words.peek().and_then(|word| word.strip_suffix("=*")) {
            if !is_variable(name) {
                return Err(wrong());
            }
            variables.push(name.to_owned());
            words.next();
        }
        let program = words.next().ok_or_else(wrong)?.to_owned();
        let arguments: Vec<String> = words.map(str::to_owned).collect();
        let plain = match program.strip_prefix('/') {
            Some(path) => path.split('/').all(|part| !matches!(part, "" | "." | "..")),
            None => !program.contains(['/', '=']),
        };
        let any = program == "*";
        let rest = arguments.iter().rev().skip(1).any(|argument| argument == "**");
        if !plain || rest || (!any && program.contains('*')) || (any && text.trim() != "*") {
            return Err(wrong());
        }
        Ok(Self { variables, program, arguments })
    }

    /// Tells whether it names no program of its own, but what another layer names.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.program == "*"
    }

    /// Tells whether it covers a start in all that it is.
    #[must_use]
    pub fn covers(&self, invocation: &Invocation<'_>) -> bool {
        let free = self.variables.is_empty() && self.arguments.is_empty();
        let known = |name: &&str| self.variables.iter().any(|variable| variable == name);
        self.matches(invocation) && (free || invocation.variables.iter().all(known))
    }

    /// Tells whether it covers program and arguments of a start.
    #[must_use]
    pub fn matches(&self, invocation: &Invocation<'_>) -> bool {
        let named = self.is_any()
            || self.program == invocation.program
            || SYSTEM_FOLDERS.iter().any(|folder| {
                let below = invocation.program.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/'));
                below == Some(self.program.as_str())
            });
        named && (self.arguments.is_empty() || arguments_match(&self.arguments, invocation.arguments))
    }
}

fn arguments_match(patterns: &[String], arguments: &[String]) -> bool {
    let fixed = match patterns.split_last() {
        Some((last, before)) if last == "**" => before,
        _ if patterns.len() == arguments.len() => patterns,
        _ => return false,
    };
    // An option is no text that a star stands for: it could turn the program into another one.
    let fits = |(pattern, argument): (&String, &String)| {
        wildcard_matches(pattern, argument) && (pattern.starts_with('-') || !argument.starts_with('-'))
    };
    fixed.len() <= arguments.len() && fixed.iter().zip(arguments).all(fits)
}

/// Tells whether a text is the name of a variable: ASCII letters, digits and `_`, not a digit first.
#[must_use]
pub fn is_variable(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (1..=64).contains(&name.len())
        && name.chars().all(fits)
        && !name.starts_with(|first: char| first.is_ascii_digit())
}

impl std::fmt::Display for CommandPattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for variable in &self.variables {
            write!(f, "{variable}=* ")?;
        }
        f.write_str(&self.program)?;
        self.arguments.iter().try_for_each(|argument| write!(f, " {argument}"))
    }
}

impl std::str::FromStr for CommandPattern {
    type Err = CommandPatternError;
    fn from_str(text: &str) -> Result<Self, CommandPatternError> {
        Self::new(text)
    }
}

impl TryFrom<String> for CommandPattern {
    type Error = CommandPatternError;
    fn try_from(text: String) -> Result<Self, CommandPatternError> {
        Self::new(&text)
    }
}

impl From<CommandPattern> for String {
    fn from(pattern: CommandPattern) -> Self {
        pattern.to_string()
    }
}

/// What the paths of an output look into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutputFormat {
    /// What was printed is JSON.
    Json,
    /// A JSON array of the lines.
    Lines,
    /// One JSON text, without the line end at its end.
    Text,
    /// No path: the plugin reads all of it as it is.
    All,
}

/// What of the output of some programs a plugin may read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Output {
    /// The programs with their arguments, as grants write them; variables don't count.
    pub command: CommandPattern,
    /// What it is.
    pub format: OutputFormat,
    /// Paths that may be read.
    #[serde(default)]
    pub read: Vec<String>,
    /// Values that become slots, named `process.` and so; they are not readable, whatever `read` says.
    #[serde(default)]
    pub slots: Vec<ProjectedSlot>,
    /// Whether the end of standard error may be read.
    #[serde(default)]
    pub errors: bool,
}

impl Output {
    /// Checks that it can be understood, and that it is not so wide that it says nothing.
    ///
    /// # Errors
    /// Says which part, and why.
    pub fn check(&self) -> Result<(), String> {
        check_slots(&self.slots)?;
        let paths = || self.read.iter().chain(self.slots.iter().map(|slot| &slot.path));
        match self.format {
            OutputFormat::Json => check_paths(paths()),
            OutputFormat::Lines => {
                let wrong = |path: &str| {
                    format!("'{path}' must be one line, such as '$[0]', or several, such as '$[1:]'")
                };
                if let Some(path) = self.read.iter().find(|path| !is_lines(path)) {
                    return Err(format!("{}, and not all: for that there is format = \"all\"", wrong(path)));
                }
                match self.slots.iter().find(|slot| !is_line(&slot.path)) {
                    Some(slot) => Err(wrong(&slot.path)),
                    None => Ok(()),
                }
            }
            OutputFormat::Text => match (self.read.first(), self.slots.as_slice()) {
                (None, [only]) if only.path == "$" => Ok(()),
                _ => Err("a text is one slot with the path '$', and nothing is read of it".to_owned()),
            },
            OutputFormat::All if paths().next().is_some() => {
                Err("format = \"all\" leaves nothing to 'read' and 'slots'".to_owned())
            }
            OutputFormat::All => Ok(()),
        }
    }

    /// Takes out of what a program printed what may be read and what becomes a slot: of `all`, nothing.
    #[must_use]
    pub fn project(&self, printed: &[u8]) -> Projected {
        let text = || std::str::from_utf8(printed).ok();
        let body = match self.format {
            OutputFormat::Json => serde_json::from_slice(printed).ok(),
            OutputFormat::Lines => text().map(|text| text.lines().collect()),
            OutputFormat::Text => text().map(|text| text.lines().collect::<Vec<_>>().join("\n").into()),
            OutputFormat::All => None,
        };
        project(&self.read, &self.slots, body.unwrap_or(Value::Null))
    }

    /// Returns for people what the plugin reads, if anything.
    #[must_use]
    pub fn reads(&self) -> Option<String> {
        let mut parts = self.read.clone();
        if self.format == OutputFormat::All {
            parts.push("all".to_owned());
        }
        if self.errors {
            parts.push("the messages".to_owned());
        }
        (!parts.is_empty()).then(|| format!("{} of '{}'", parts.join(", "), self.command))
    }
}

/// Tells whether a path is one line.
fn is_line(path: &str) -> bool {
    path.strip_prefix("$[")
        .and_then(|rest| rest.strip_suffix(']'))
        .is_some_and(|index| index.parse::<u32>().is_ok())
}

/// Tells whether a path is some of the lines.
fn is_lines(path: &str) -> bool {
    let range = path
        .strip_prefix("$[")
        .and_then(|rest| rest.strip_suffix(']'))
        .and_then(|range| range.split_once(':'));
    let Some((from, to)) = range else { return is_line(path) };
    let whole = from.parse::<u32>() == Ok(0) && to.is_empty();
    JsonPath::parse(path).is_ok()
        && from.parse::<u32>().is_ok()
        && (to.is_empty() || to.parse::<u32>().is_ok())
        && !whole
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn covers(pattern: &str, program: &str, arguments: &[&str], variables: &[&str]) -> bool {
        let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let invocation = Invocation { program, arguments: &arguments, variables };
        CommandPattern::new(pattern).unwrap().covers(&invocation)
    }

    #[test]
    fn a_program_alone_is_covered_in_any_way_and_with_arguments_in_that_way_only() {
        assert!(covers("/usr/bin/pass", "/usr/bin/pass", &["rm", "-f", "x"], &["A"]));
        assert!(covers("pass", "/usr/local/bin/pass", &[], &[]) && !covers("pass", "/tmp/pass", &[], &[]));
        assert!(
            !covers("pass", "/usr/bin/other/pass", &[], &[]) && !covers("pass", "/usr/binpass", &[], &[])
        );
        assert!(covers("*", "/tmp/x", &["y"], &["Z"]));
        assert!(covers("pass show *", "/usr/bin/pass", &["show", "a b"], &[]));
        for arguments in
            [&["rm", "x"][..], &["show"], &["show", "a", "b"], &["show", "--help"], &["show", "-"]]
        {
            assert!(!covers("pass show *", "/usr/bin/pass", arguments, &[]), "{arguments:?}");
        }
        assert!(covers(
            "bw --nointeraction get --session=* **",
            "/usr/bin/bw",
            &["--nointeraction", "get", "--session=x", "-y"],
            &[]
        ));
        assert!(covers("bw **", "/usr/bin/bw", &[], &[]));
        assert!(covers("A=* B=* pass", "/usr/bin/pass", &["x"], &["B"]));
        assert!(!covers("A=* pass", "/usr/bin/pass", &[], &["A", "LD_PRELOAD"]));
        assert!(!covers("pass show *", "/usr/bin/pass", &["show", "x"], &["A"]));
    }

    #[test]
    fn a_pattern_is_written_as_it_was_read_and_what_is_none_is_refused() {
        for text in ["/usr/bin/pass show *", "A=* pass", "*", "pass **"] {
            assert_eq!(CommandPattern::new(text).unwrap().to_string(), text);
        }
        for text in [
            "",
            " ",
            "bin/pass",
            "./pass",
            "/usr//pass",
            "/usr/../pass",
            "/usr/bin/",
            "pa*s",
            "* show",
            "A=x pass",
            "A=*",
            "pass ** x",
            "1A=* pass",
        ] {
            assert!(CommandPattern::new(text).is_err(), "{text:?}");
        }
    }

    fn output(toml: &str) -> Output {
        toml::from_str(&format!("command = \"pass show *\"\n{toml}")).unwrap()
    }

    #[test]
    fn what_is_a_slot_is_not_read_and_an_output_that_is_too_wide_is_refused() {
        let lines = output(
            "format = \"lines\"\nread = [\"$[0:]\"]\nslots = [{ path = \"$[0]\", name = \"p\", field = \"password\" }]",
        );
        assert!(lines.check().unwrap_err().contains("not all"));
        let lines = Output { read: vec!["$[1:]".to_owned(), "$[0]".to_owned()], ..lines };
        lines.check().unwrap();
        let projected = lines.project(b"hunter2\nuser: anna\r\n");
        assert_eq!(projected.slots[0].1, "hunter2");
        assert_eq!(
            projected.readable,
            [("$[1:]".to_owned(), vec![json!("user: anna")]), ("$[0]".to_owned(), vec![json!(null)])]
        );
        let text =
            output("format = \"text\"\nslots = [{ path = \"$\", name = \"p\", field = \"password\" }]");
        text.check().unwrap();
        assert_eq!(text.project(b"two\nlines\n").slots[0].1, "two\nlines");
        assert_eq!(text.project(b"\xff").slots, []);
        for wrong in [
            "format = \"text\"\nread = [\"$\"]",
            "format = \"text\"",
            "format = \"all\"\nread = [\"$[1]\"]",
            "format = \"json\"\nread = [\"$\"]",
            "format = \"lines\"\nread = [\"$\"]",
            "format = \"lines\"\nread = [\"$[*]\"]",
            "format = \"lines\"\nread = [\"$[-1]\"]",
            "format = \"lines\"\nread = [\"$[?@]\"]",
            "format = \"lines\"\nslots = [{ path = \"$[1:]\", name = \"p\", field = \"x\" }]",
            "format = \"json\"\nslots = [{ path = \"$.a\", name = \"P\", field = \"x\" }]",
        ] {
            assert!(output(wrong).check().is_err(), "{wrong}");
        }
        assert!(output("format = \"all\"").reads().unwrap().starts_with("all of 'pass show *'"));
        assert_eq!(output("format = \"json\"").reads(), None);
    }
}
