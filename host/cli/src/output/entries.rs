//! Words for the store, folders, connections and the tree.

use std::collections::BTreeMap;

use ostler_app::core::{SettingValue, Settings};
use ostler_app::{ConnectionView, CredentialView, FolderView, StoreView, TreeNode, VerifiedStore};

use super::table::{Facts, Table};
use super::{Style, escape, escape_lines};

pub(crate) fn store(store: &StoreView, style: Style) -> String {
    let mut facts = Facts::new();
    facts
        .add("directory", store.directory.display().to_string())
        .add("id", &store.id)
        .add("created", &store.created)
        .add("format", store.format.to_string())
        .add("connections", store.connections.to_string())
        .add("folders", store.folders.to_string())
        .add("secrets", store.secrets.to_string())
        .add("passphrase", &store.key_derivation)
        .add("keyring", if store.keyring { "opens it too" } else { "not used" })
        .add("epoch", store.epoch.to_string())
        .add("generation", store.generation.to_string())
        .add("key file", if store.key_file { "wanted beside the passphrase" } else { "none" })
        .add("database", size(store.database_bytes));
    facts.render(style)
}

pub(crate) fn store_verified(verified: &VerifiedStore, style: Style) -> String {
    format!(
        "{} {} sealed rows and {} secrets open, as of generation {}\n",
        style.green("The store is whole:"),
        verified.rows,
        verified.secrets,
        verified.generation
    )
}

pub(crate) fn folder(folder: &FolderView, style: Style) -> String {
    let mut facts = Facts::new();
    facts
        .add("folder", &folder.path)
        .add("id", &folder.id)
        .add("credential", credential(&folder.credential))
        .add("folders", folder.folders.to_string())
        .add("connections", folder.connections.to_string());
    facts.render(style) + &settings("settings", &folder.settings, style) + &notes(&folder.notes, style)
}

pub(crate) fn connection(connection: &ConnectionView, style: Style) -> String {
    let mut facts = Facts::new();
    facts
        .add("connection", &connection.path)
        .add("id", &connection.id)
        .add("type", &connection.kind)
        .add("host", &connection.host)
        .add("port", connection.port.to_string())
        .add("credential", credential(&connection.credential))
        .add("tags", connection.tags.iter().map(String::as_str).collect::<Vec<_>>().join(", "))
        .add("created", &connection.created)
        .add("updated", &connection.updated);
    facts.render(style)
        + &fields(&connection.custom_fields, style)
        + &settings("settings", &connection.settings, style)
        + &settings("settings in effect", &connection.effective_settings, style)
        + &notes(&connection.notes, style)
}

pub(crate) fn connections(list: &[ConnectionView], style: Style) -> String {
    if list.is_empty() {
        return "There are no connections; 'ostler connection add' and 'ostler import' make some.\n"
            .to_owned();
    }
    let mut table = Table::new(&["CONNECTION", "TYPE", "HOST", "PORT", "USER", "CREDENTIAL"]);
    for connection in list {
        table.row([
            (&connection.path).into(),
            (&connection.kind).into(),
            (&connection.host).into(),
            connection.port.to_string().into(),
            connection.credential.user.as_deref().unwrap_or_default().into(),
            (&connection.credential.mode).into(),
        ]);
    }
    table.render(style)
}

pub(crate) fn tree(nodes: &[TreeNode], style: Style) -> String {
    if nodes.is_empty() {
        return "There is nothing here yet.\n".to_owned();
    }
    let lines = nodes.iter().map(|node| {
        let indent = "  ".repeat(usize::try_from(node.depth).unwrap_or_default());
        let name = escape(&node.name);
        match &node.kind {
            None => format!("{indent}{}\n", style.bold(&format!("{name}/"))),
            Some(kind) => {
                let target = node.target.as_deref().unwrap_or_default();
                format!("{indent}{name}  {}\n", style.dim(&escape(&format!("{kind} {target}"))))
            }
        }
    });
    lines.collect()
}

/// Puts a credential into one line.
fn credential(credential: &CredentialView) -> String {
    let user = match (&credential.domain, &credential.user) {
        (Some(domain), Some(user)) => Some(format!("{domain}\\{user}")),
        (_, user) => user.clone(),
    };
    let mut parts = vec![credential.mode.clone()];
    parts.extend(credential.source.as_deref().map(|source| format!("entry {source}")));
    parts.extend(credential.inherited_from.as_ref().map(|folder| format!("from {folder}")));
    parts.extend(user.map(|user| format!("user {user}")));
    if !credential.secrets.is_empty() {
        parts.push(format!("stored: {}", credential.secrets.join(", ")));
    }
    parts.join(", ")
}

fn settings(title: &str, settings: &Settings, style: Style) -> String {
    let shown = |value: &SettingValue| escape(&value.to_string());
    let lines: String =
        settings.0.iter().map(|(key, value)| format!("  {} = {}\n", escape(key), shown(value))).collect();
    titled(title, &lines, style)
}

fn fields(fields: &BTreeMap<String, String>, style: Style) -> String {
    let lines: String =
        fields.iter().map(|(key, value)| format!("  {} = {}\n", escape(key), escape(value))).collect();
    titled("fields", &lines, style)
}

fn notes(notes: &str, style: Style) -> String {
    let lines: String = notes.lines().map(|line| format!("  {}\n", escape_lines(line))).collect();
    titled("notes", &lines, style)
}

fn titled(title: &str, lines: &str, style: Style) -> String {
    if lines.is_empty() { String::new() } else { format!("{}\n{lines}", style.dim(title)) }
}

/// Puts a number of bytes into words.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let mut whole = bytes;
    let mut rest = 0;
    let mut unit = None;
    for name in UNITS {
        if whole < 1024 {
            break;
        }
        rest = whole % 1024;
        whole /= 1024;
        unit = Some(name);
    }
    match unit {
        None => format!("{bytes} bytes"),
        Some(unit) => format!("{whole}.{} {unit}", rest.saturating_mul(10) / 1024),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_given_in_the_largest_unit_that_fits() {
        assert_eq!(size(0), "0 bytes");
        assert_eq!(size(1023), "1023 bytes");
        assert_eq!(size(1536), "1.5 KiB");
        assert_eq!(size(3 * 1024 * 1024), "3.0 MiB");
    }

    #[test]
    fn a_credential_says_where_it_comes_from_and_what_is_stored() {
        let view = CredentialView {
            mode: "inherit".to_owned(),
            source: None,
            user: Some("admin".to_owned()),
            domain: Some("CORP".to_owned()),
            secrets: vec!["password".to_owned()],
            inherited_from: Some("Customers".to_owned()),
        };
        assert_eq!(credential(&view), "inherit, from Customers, user CORP\\admin, stored: password");
    }

    #[test]
    fn a_name_can_not_steer_the_terminal() {
        let node = TreeNode {
            depth: 1,
            name: "x\u{1b}]0;title\u{7}".to_owned(),
            path: String::new(),
            kind: Some("ssh".to_owned()),
            target: Some("host\u{1b}[2J:22".to_owned()),
        };
        assert_eq!(
            tree(&[node], Style { colored: false }),
            "  x\\u{1b}]0;title\\u{7}  ssh host\\u{1b}[2J:22\n"
        );
    }
}
