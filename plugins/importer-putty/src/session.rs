//! What becomes of a session.

use ostler_sdk::importer::{Connection, Credential, Entry, Feed, LocalCredential, Position, Problem};
use ostler_sdk::types::SettingValue;

use crate::registry::{Key, Value};

/// The session that PuTTY keeps its defaults in.
const DEFAULTS: &str = "Default Settings";
/// Values that are kept as fields of the user's own, with what they hold where nobody set them.
const KEPT: [(&str, &str); 14] = [
    ("PublicKeyFile", ""),
    ("DetachedCertificate", ""),
    ("AgentFwd", "0"),
    ("X11Forward", "0"),
    ("X11Display", ""),
    ("Compression", "0"),
    ("PortForwardings", ""),
    ("ProxyHost", "proxy"),
    ("ProxyUsername", ""),
    ("ProxyTelnetCommand", "connect %host %port\\n"),
    ("TerminalType", "xterm"),
    ("LineCodePage", ""),
    ("Environment", ""),
    ("LogHost", ""),
];

/// Why there is no connection.
pub(crate) struct Refused {
    pub(crate) position: Position,
    pub(crate) reason: String,
}

/// The values of a session.
struct Session<'a>(&'a Key);

impl Session<'_> {
    fn text(&self, name: &str) -> Option<&str> {
        match &self.0.values.get(&name.to_ascii_lowercase())?.0 {
            Value::Text(text) => Some(text.trim()).filter(|text| !text.is_empty()),
            _ => None,
        }
    }

    fn number(&self, name: &str) -> Option<u32> {
        match self.0.values.get(&name.to_ascii_lowercase())?.0 {
            Value::Number(number) => Some(number),
            _ => None,
        }
    }

    /// A value as text, where it says something.
    fn shown(&self, name: &str, usual: &str) -> Option<String> {
        let shown = self.text(name).map(str::to_owned).or_else(|| Some(self.number(name)?.to_string()))?;
        (shown != usual).then_some(shown)
    }

    fn position(&self, name: &str) -> Position {
        let line = self.0.values.get(&name.to_ascii_lowercase()).map_or(self.0.line, |(_, line)| *line);
        Position::line(line).field(name)
    }
}

/// Makes the connection of a session; none for PuTTY's own defaults.
pub(crate) fn connection(name: &str, key: &Key, feed: &mut Feed) -> Result<Option<Entry<'static>>, Refused> {
    let session = Session(key);
    if name == DEFAULTS {
        let reason =
            "'Default Settings' is no session: its values are PuTTY's own defaults, and were left out";
        feed.problem(Problem::warning(Position::line(key.line), reason));
        return Ok(None);
    }
    let refuse = |field: &str, reason: String| Refused { position: session.position(field), reason };
    let protocol = session.text("Protocol").unwrap_or("ssh");
    let (kind, usual) = match protocol {
        "ssh" => ("ssh", 22),
        "telnet" => ("telnet", 23),
        other => {
            let other: String = other.chars().filter(|c| !c.is_control()).take(40).collect();
            return Err(refuse(
                "Protocol",
                format!(
                    "its protocol is '{other}', and there is no launcher for that; there are ssh and telnet"
                ),
            ));
        }
    };
    let address = session.text("HostName").ok_or_else(|| refuse("HostName", "it has no host".to_owned()))?;
    let (user, host) = match address.rsplit_once('@') {
        Some((user, host)) if !user.is_empty() && !host.is_empty() => (Some(user), host),
        _ => (None, address),
    };
    let user = session.text("UserName").or(user);
    let mut defaults = Vec::new();
    let port = match session.number("PortNumber") {
        Some(port @ 1..=65_535) => u16::try_from(port).unwrap_or(usual),
        Some(port) if port != 0 => {
            return Err(refuse(
                "PortNumber",
                format!("{port} is no port; ports are numbers from 1 to 65535"),
            ));
        }
        _ => {
            defaults.push(format!("port was set to {usual}"));
            usual
        }
    };
    let shown: String =
        name.chars().map(|c| if c == '/' || c.is_control() { '-' } else { c }).take(200).collect();
    if shown != name {
        defaults.push(format!("the name was set to '{shown}'"));
    }
    let mut connection = Connection::new(shown, kind, host.to_owned(), port);
    connection.credential = match user {
        Some(user) => LocalCredential::new().user(user.to_owned()).into(),
        None => Credential::None,
    };
    connection = with_settings(connection, &session);
    connection = with_fields(connection, &session, feed);
    let folder = session.text("Folder").filter(|folder| *folder != "Default");
    let folder: Vec<String> = folder
        .map(|folder| {
            folder
                .split(['/', '\\'])
                .map(str::trim)
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect()
        })
        .unwrap_or_default();
    let mut entry = Entry::new(connection)
        .at(Position::line(key.line))
        .identity(format!("session:{name}"))
        .within(folder);
    entry.defaults = defaults.into_iter().map(Into::into).collect();
    Ok(Some(entry))
}

fn with_settings(mut connection: Connection<'static>, session: &Session<'_>) -> Connection<'static> {
    if connection.kind != "ssh" {
        return connection;
    }
    if let Some(seconds) = session.number("PingIntervalSecs").filter(|seconds| (1..=86_400).contains(seconds))
    {
        connection = connection.setting("ssh.keepalive-seconds", SettingValue::Integer(seconds.into()));
    }
    if let Some(command) = session.text("RemoteCommand") {
        connection = connection.setting("ssh.command", SettingValue::Text(command.to_owned()));
    }
    connection
}

fn with_fields(
    mut connection: Connection<'static>,
    session: &Session<'_>,
    feed: &mut Feed,
) -> Connection<'static> {
    let proxied = session.number("ProxyMethod").filter(|method| *method != 0);
    if let Some(method) = proxied {
        let names = ["none", "SOCKS 4", "SOCKS 5", "HTTP", "Telnet", "local command"];
        let method =
            usize::try_from(method).ok().and_then(|method| names.get(method)).copied().unwrap_or("other");
        connection = connection.custom_field("putty: ProxyMethod", method);
        let port = session.number("ProxyPort").unwrap_or(80);
        connection = connection.custom_field("putty: ProxyPort", port.to_string());
        let reason =
            "it goes through a proxy, which no launcher does for it: how is kept as fields of your own";
        feed.problem(
            Problem::warning(session.position("ProxyMethod"), reason).entry(connection.name.clone()),
        );
    }
    for (name, usual) in KEPT.iter().filter(|(name, _)| proxied.is_some() || !name.starts_with("Proxy")) {
        if let Some(value) = session.shown(name, usual) {
            connection = connection.custom_field(format!("putty: {name}"), value);
        }
    }
    if session.text("PublicKeyFile").is_some() {
        let reason = "a key is named by its file, which an importer can't read: store it with 'ostler connection edit NAME --key-file FILE', in the form of OpenSSH";
        feed.problem(
            Problem::warning(session.position("PublicKeyFile"), reason).entry(connection.name.clone()),
        );
    }
    if session.text("ProxyPassword").is_some() {
        let reason = "the proxy's password was left out: there is no place for it";
        feed.problem(
            Problem::warning(session.position("ProxyPassword"), reason).entry(connection.name.clone()),
        );
    }
    connection
}
