//! The options of an import, checked against what the importer says it takes.

use super::{Failure, Info, OptionInfo};

/// The options of one import, by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options(Vec<(String, String)>);

impl Options {
    /// Checks options against a description.
    ///
    /// # Errors
    /// Names the first that is unknown, given twice, or has a value that is no choice.
    pub fn check(options: Vec<(String, String)>, info: &Info) -> Result<Self, Failure> {
        let mut names: Vec<&str> = Vec::new();
        for (name, value) in &options {
            let known = info.options.iter().find(|option| takes(option, name));
            let Some(known) = known else {
                return Err(Failure::option(
                    name,
                    format!("there is no such option; there are {}", names_of(info)),
                ));
            };
            if !known.choices.is_empty() && !known.choices.contains(value) {
                let choices = known.choices.join(", ");
                return Err(Failure::option(name, format!("'{value}' is unknown; it takes {choices}")));
            }
            if names.contains(&name.as_str()) {
                return Err(Failure::option(name, "it is given twice"));
            }
            names.push(name);
        }
        Ok(Self(options))
    }

    /// Returns the value of an option.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// Returns the options whose names begin with `prefix`, such as `map.`: what follows it, and the value.
    pub fn below(&self, prefix: &str) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter_map(move |(name, value)| Some((name.strip_prefix(prefix)?, value.as_str())))
    }
}

fn takes(option: &OptionInfo, name: &str) -> bool {
    if option.name.ends_with('.') {
        name.len() > option.name.len() && name.starts_with(&option.name)
    } else {
        option.name == name
    }
}

fn names_of(info: &Info) -> String {
    let name = |option: &OptionInfo| {
        if option.name.ends_with('.') { format!("{}<key>", option.name) } else { option.name.clone() }
    };
    let names: Vec<String> = info.options.iter().map(name).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(options: &[(&str, &str)]) -> Result<Options, Failure> {
        let info = Info::new("X").option_of("delimiter", "Which.", ["comma", "tab"]).option("map.", "What.");
        Options::check(options.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(), &info)
    }

    #[test]
    fn described_options_pass() {
        let options = check(&[("delimiter", "tab"), ("map.host", "IP"), ("map.name", "")]).unwrap();
        assert_eq!(options.get("delimiter"), Some("tab"));
        assert_eq!(options.get("headings"), None);
        assert_eq!(options.below("map.").collect::<Vec<_>>(), [("host", "IP"), ("name", "")]);
    }

    #[test]
    fn all_others_are_refused_by_name() {
        let cases = [
            (vec![("delimeter", "tab")], "delimeter", "there are delimiter, map.<key>"),
            (vec![("map.", "x")], "map.", "no such option"),
            (vec![("delimiter", "pipe")], "delimiter", "'pipe' is unknown; it takes comma, tab"),
            (vec![("map.a", "1"), ("map.a", "2")], "map.a", "twice"),
        ];
        for (options, name, expected) in cases {
            let Err(Failure::BadOption((found, reason))) = check(&options) else { panic!("{name} passed") };
            assert_eq!(found, name);
            assert!(reason.contains(expected), "{reason:?} should contain {expected:?}");
        }
    }
}
