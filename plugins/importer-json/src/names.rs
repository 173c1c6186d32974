//! Names as the tree takes them: one line without a slash.

use std::borrow::Cow;

/// Bytes of a name.
const LONGEST: usize = 255;

/// Returns a name that the tree takes, and whether it differs from what the file has.
pub(crate) fn clean(name: &str) -> (String, bool) {
    let mapped: String =
        name.trim().chars().map(|c| if c == '/' || c.is_control() { '-' } else { c }).collect();
    let mut cut = mapped;
    while cut.len() > LONGEST {
        cut.pop();
    }
    let differs = cut != name;
    (cut, differs)
}

/// Returns the type, its port and whether there is a launcher for it.
pub(crate) fn kind(text: &str) -> Option<(&'static str, u16)> {
    let known = [("ssh", 22), ("rdp", 3389), ("vnc", 5900), ("telnet", 23)];
    let lower = text.trim().to_ascii_lowercase();
    known.into_iter().find(|(name, _)| *name == lower)
}

/// Says that a name was changed.
pub(crate) fn renamed(from: &str, to: &str) -> Cow<'static, str> {
    let from: String = from.chars().filter(|c| !c.is_control()).take(100).collect();
    Cow::Owned(format!("the name '{from}' became '{to}'"))
}
