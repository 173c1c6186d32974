//! SSH connections as an OpenSSH client configuration (ssh_config(5)): a `Host` for each, named by its path.
//!
//! Passwords and keys have no place there, and OpenSSH asks for them.

use std::collections::BTreeSet;

use ostler_core::{Connection, SettingValue};
use zeroize::Zeroizing;

use super::{Made, Selection};

pub(super) fn write(selection: &Selection<'_>) -> Made {
    let (mut text, mut names, mut left_out) = (String::new(), BTreeSet::new(), Vec::new());
    for connection in &selection.connections {
        let path = selection.tree.connection_path(connection);
        if connection.kind != "ssh" {
            left_out.push((path, format!("its type is '{}'", connection.kind)));
            continue;
        }
        if unfit(&connection.host) {
            left_out.push((path, "its host can't stand in an OpenSSH configuration".to_owned()));
            continue;
        }
        if !text.is_empty() {
            text.push('\n');
        }
        let alias = alias(connection, &mut names);
        text.push_str(&format!("# {}\nHost {alias}\n    HostName {}\n", one_line(&path), connection.host));
        if connection.port != 22 {
            text.push_str(&format!("    Port {}\n", connection.port));
        }
        let (user, _) = selection.login(connection);
        if let Some(user) =
            user.filter(|user| !user.contains(['"', '\\']) && !user.chars().any(char::is_control))
        {
            text.push_str(&format!("    User {}\n", quoted(&user)));
        }
        let settings = selection.tree.effective_settings(connection, &ostler_core::Settings::default());
        for (key, name) in [
            ("ssh.connect-timeout-seconds", "ConnectTimeout"),
            ("ssh.keepalive-seconds", "ServerAliveInterval"),
        ] {
            if let Some(SettingValue::Integer(seconds)) = settings.0.get(key) {
                text.push_str(&format!("    {name} {seconds}\n"));
            }
        }
    }
    Made { content: Zeroizing::new(text.into_bytes()), left_out }
}

/// Tells whether a host could be read as something else.
fn unfit(host: &str) -> bool {
    host.is_empty()
        || host
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || matches!(c, '"' | '\\' | '#' | '%' | '$'))
}

/// Returns a name that `ssh` takes for this host alone.
fn alias(connection: &Connection, names: &mut BTreeSet<String>) -> String {
    let plain = |c: char| if c.is_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '-' };
    let name: String = connection.name.chars().map(plain).collect();
    let name = name.trim_start_matches('-').to_owned();
    let name = if name.is_empty() { "host".to_owned() } else { name };
    let numbered = (2..).map(|number| format!("{name}-{number}"));
    let free = std::iter::once(name.clone()).chain(numbered).find(|name| names.insert(name.clone()));
    free.unwrap_or(name)
}

fn quoted(text: &str) -> String {
    if text.contains(char::is_whitespace) || text.contains('#') {
        format!("\"{text}\"")
    } else {
        text.to_owned()
    }
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
