//! Audit events: each class of the closed list is written by the program. A class that nobody writes would be a promise in
//! the guide that is not kept.

use super::tree::Files;

/// The closed list.
const LIST: &str = "host/audit/src/class.rs";

pub(super) fn faults(files: &Files) -> Vec<String> {
    let Some(list) = files.get(LIST) else { return vec![format!("{LIST} is missing")] };
    let written: Vec<&str> = files
        .iter()
        .filter(|(path, _)| path.starts_with("host/") && path.contains("/src/") && *path != LIST)
        .filter_map(|(_, text)| text.split("#[cfg(test)]").next())
        .collect();
    list.lines()
        .filter_map(class)
        .filter(|class| {
            let name = format!("EventClass::{class}");
            let names = |text: &&str| {
                text.match_indices(&name).any(|(at, _)| {
                    let behind = text.get(at + name.len()..).and_then(|rest| rest.chars().next());
                    !behind.is_some_and(char::is_alphanumeric)
                })
            };
            !written.iter().any(names)
        })
        .map(|class| format!("{LIST}: nothing writes {class}: write it, or take it out"))
        .collect()
}

/// Reads a line such as `    SessionStart = "session.start", SshActivity 1, ...`.
fn class(line: &str) -> Option<&str> {
    let (class, _) = line.trim().split_once(" = \"")?;
    (class.starts_with(char::is_uppercase) && class.chars().all(char::is_alphanumeric)).then_some(class)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(code: &str) -> usize {
        let list = "classes! {\n    Import = \"import\", A 1, Low, [];\n    ImportMore = \"more\", A 2, Low, [];\n}\n";
        let code = format!("write(EventClass::ImportMore);\n{code}");
        let files = [(LIST, list.to_owned()), ("host/app/src/a.rs", code)];
        faults(&Files::from(files.map(|(path, text)| (path.to_owned(), text)))).len()
    }

    #[test]
    fn a_class_that_only_tests_or_nobody_writes_is_a_fault() {
        assert_eq!(check("write(EventClass::Import);"), 0);
        assert_eq!(check(""), 1);
        assert_eq!(check("#[cfg(test)]\nwrite(EventClass::Import);"), 1);
    }
}
