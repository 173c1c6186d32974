//! Scripts that drive a desktop without a person, for automation and tests: `ostler connect NAME --script FILE`.
//!
//! One step a line; empty lines and lines that begin with `#` are left out:
//!
//! ```text
//! type TEXT            presses and releases the key of each character
//! key ctrl+alt+Delete  presses the keys together
//! move X Y             moves the pointer
//! click X Y [BUTTON]   clicks there: left, middle or right
//! wheel LINES          turns the wheel; negative is away from the user
//! copy TEXT            copies a text into the clipboard
//! clipboard FILE       writes what was copied there, once it was, to a new file; fails after 60 seconds
//! resize WIDTHxHEIGHT  asks for another size of the desktop
//! wait SECONDS         waits
//! still SECONDS        waits until the picture has not changed for so long; fails after 60 seconds
//! picture FILE         writes what is seen to a new file (PNG)
//! close                closes the session, as the end of the script does
//! ```
//!
//! Reads text only. No secret belongs into a script: a password is a slot of the connection.

use std::path::PathBuf;
use std::time::Duration;

use ostler_app::core::{DesktopPoint, DesktopSize, KeyInput, PointerButtons, PointerInput, SessionInput};

/// Keys with a name, and their X11 keysyms (X11/keysymdef.h).
const KEYS: [(&str, u32); 34] = [
    ("ctrl", 0xffe3),
    ("shift", 0xffe1),
    ("alt", 0xffe9),
    ("super", 0xffeb),
    ("Return", 0xff0d),
    ("Enter", 0xff0d),
    ("Tab", 0xff09),
    ("Escape", 0xff1b),
    ("BackSpace", 0xff08),
    ("Delete", 0xffff),
    ("Insert", 0xff63),
    ("Home", 0xff50),
    ("End", 0xff57),
    ("PageUp", 0xff55),
    ("PageDown", 0xff56),
    ("Left", 0xff51),
    ("Up", 0xff52),
    ("Right", 0xff53),
    ("Down", 0xff54),
    ("Print", 0xff61),
    ("Menu", 0xff67),
    ("space", 0x20),
    ("F1", 0xffbe),
    ("F2", 0xffbf),
    ("F3", 0xffc0),
    ("F4", 0xffc1),
    ("F5", 0xffc2),
    ("F6", 0xffc3),
    ("F7", 0xffc4),
    ("F8", 0xffc5),
    ("F9", 0xffc6),
    ("F10", 0xffc7),
    ("F11", 0xffc8),
    ("F12", 0xffc9),
];

/// The keysyms of characters beyond Latin-1 begin here.
const UNICODE: u32 = 0x0100_0000;

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Step {
    /// The user does this, in this order.
    Do(Vec<SessionInput>),
    /// Wait.
    Wait(Duration),
    /// Wait until nothing changes for so long.
    Still(Duration),
    /// Write a picture.
    Picture(PathBuf),
    /// Wait until something was copied there since the last time, and write it.
    Clipboard(PathBuf),
}

/// Reads a script.
///
/// # Errors
/// Names the line, and what would fit.
pub(crate) fn parse(text: &str) -> Result<Vec<Step>, String> {
    let mut at = DesktopPoint::default();
    let mut steps = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let step = step(line, &mut at).map_err(|reason| format!("line {}: {reason}", index + 1))?;
        let closes = step == Step::Do(vec![SessionInput::Close]);
        steps.push(step);
        if closes {
            break;
        }
    }
    Ok(steps)
}

fn step(line: &str, pointer: &mut DesktopPoint) -> Result<Step, String> {
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    let rest = rest.trim();
    let words: Vec<&str> = rest.split_whitespace().collect();
    match (verb, words.as_slice()) {
        ("type", [_, ..]) => Ok(Step::Do(rest.chars().flat_map(|c| stroke(&[keysym(c)])).collect())),
        ("key", [keys]) => {
            let keys = keys.split('+').map(key).collect::<Result<Vec<u32>, String>>()?;
            Ok(Step::Do(stroke(&keys)))
        }
        ("move", [x, y]) => {
            *pointer = point(x, y)?;
            Ok(Step::Do(vec![pointing(*pointer, PointerButtons::default(), 0)]))
        }
        ("click", [x, y, button @ ..]) if button.len() <= 1 => {
            *pointer = point(x, y)?;
            let down = match button.first() {
                None | Some(&"left") => PointerButtons { left: true, ..PointerButtons::default() },
                Some(&"middle") => PointerButtons { middle: true, ..PointerButtons::default() },
                Some(&"right") => PointerButtons { right: true, ..PointerButtons::default() },
                Some(other) => return Err(format!("'{other}' is no button: left, middle or right")),
            };
            let up = PointerButtons::default();
            Ok(Step::Do([up, down, up].map(|buttons| pointing(*pointer, buttons, 0)).into()))
        }
        ("wheel", [lines]) => {
            let lines = lines.parse().map_err(|_| format!("'{lines}' is no number of lines"))?;
            Ok(Step::Do(vec![pointing(*pointer, PointerButtons::default(), lines)]))
        }
        ("copy", [_, ..]) => Ok(Step::Do(vec![SessionInput::Clipboard(rest.to_owned())])),
        ("resize", [size]) => Ok(Step::Do(vec![SessionInput::ResizeDesktop(desktop_size(size)?)])),
        ("wait", [time]) => Ok(Step::Wait(seconds(time)?)),
        ("still", [time]) => Ok(Step::Still(seconds(time)?)),
        ("picture", [_, ..]) => Ok(Step::Picture(PathBuf::from(rest))),
        ("clipboard", [_, ..]) => Ok(Step::Clipboard(PathBuf::from(rest))),
        ("close", []) => Ok(Step::Do(vec![SessionInput::Close])),
        _ => Err(format!(
            "'{line}' is no step: type, key, move, click, wheel, copy, clipboard, resize, wait, still, picture or close, with what belongs to it"
        )),
    }
}

/// Presses keys one after the other, and releases them the other way round.
fn stroke(keys: &[u32]) -> Vec<SessionInput> {
    let down = keys.iter().map(|keysym| (*keysym, true));
    let up = keys.iter().rev().map(|keysym| (*keysym, false));
    down.chain(up).map(|(keysym, down)| SessionInput::Key(KeyInput { keysym, down })).collect()
}

fn key(name: &str) -> Result<u32, String> {
    if let Some((_, keysym)) = KEYS.iter().find(|(known, _)| *known == name) {
        return Ok(*keysym);
    }
    let mut characters = name.chars();
    match (characters.next(), characters.next()) {
        (Some(one), None) => Ok(keysym(one)),
        _ => {
            let names: Vec<&str> = KEYS.iter().map(|(name, _)| *name).collect();
            Err(format!("'{name}' is no key: one character, or {}", names.join(", ")))
        }
    }
}

fn keysym(character: char) -> u32 {
    match u32::from(character) {
        code @ (0x20..=0x7e | 0xa0..=0xff) => code,
        0x09 => 0xff09,
        code => UNICODE | code,
    }
}

fn pointing(at: DesktopPoint, buttons: PointerButtons, wheel_y: i16) -> SessionInput {
    SessionInput::Pointer(PointerInput { at, buttons, wheel_x: 0, wheel_y })
}

fn point(x: &str, y: &str) -> Result<DesktopPoint, String> {
    let number = |text: &str| text.parse().map_err(|_| format!("'{text}' is no number of pixels"));
    Ok(DesktopPoint { x: number(x)?, y: number(y)? })
}

fn desktop_size(text: &str) -> Result<DesktopSize, String> {
    let size = text.split_once('x').and_then(|(width, height)| {
        Some(DesktopSize { width: width.parse().ok()?, height: height.parse().ok()? })
    });
    size.filter(|size| size.fits()).ok_or_else(|| format!("'{text}' is no size, such as 1280x800"))
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds
        .filter(|time| *time <= Duration::from_hours(24))
        .ok_or_else(|| format!("'{text}' is no time in seconds"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(step: &Step) -> Vec<(u32, bool)> {
        let Step::Do(inputs) = step else { return Vec::new() };
        let key = |input: &SessionInput| match input {
            SessionInput::Key(key) => Some((key.keysym, key.down)),
            _ => None,
        };
        inputs.iter().filter_map(key).collect()
    }

    #[test]
    fn a_script_is_read_line_by_line() {
        let steps = parse(
            "# a test\n\ntype a€\nkey ctrl+c\nclick 10 20 right\nstill 0.5\npicture a b.png\nclipboard text\nclose\nnonsense",
        )
        .unwrap();
        assert_eq!(steps.len(), 7, "what is behind the close is not read");
        assert_eq!(keys(&steps[0]), [(0x61, true), (0x61, false), (0x0100_20ac, true), (0x0100_20ac, false)]);
        assert_eq!(keys(&steps[1]), [(0xffe3, true), (0x63, true), (0x63, false), (0xffe3, false)]);
        assert!(matches!(&steps[2], Step::Do(inputs) if inputs.len() == 3));
        assert_eq!(steps[3], Step::Still(Duration::from_millis(500)));
        assert_eq!(steps[4], Step::Picture("a b.png".into()));
        assert_eq!(steps[5], Step::Clipboard("text".into()));
    }

    #[test]
    fn what_can_not_be_done_is_named_with_its_line() {
        for (text, expected) in [
            ("\njump", "line 2: 'jump' is no step"),
            ("key ctrl+Retrun", "line 1: 'Retrun' is no key"),
            ("click 1 -2", "'-2' is no number of pixels"),
            ("click 1 2 fire", "'fire' is no button"),
            ("resize 0x1", "'0x1' is no size"),
            ("wait soon", "'soon' is no time"),
            ("type", "'type' is no step"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
