//! What becomes of a name: the connection that OpenSSH would make, and fields of the user's own for what has no place in one.

use ostler_sdk::importer::{Connection, Credential, Entry, Feed, LocalCredential, Position, Problem};
use ostler_sdk::types::SettingValue;

use crate::parse::{Config, Line, clean};

/// The port where none is named.
const PORT: u16 = 22;
/// Fields of the user's own that an entry may have.
const MOST_FIELDS: usize = 200;
/// Keywords whose values are commands: kept, never run.
const COMMANDS: [&str; 4] = ["proxycommand", "localcommand", "knownhostscommand", "proxyusefdpass"];
/// Keywords that may come several times, and all count.
const SEVERAL: [&str; 7] = [
    "identityfile",
    "certificatefile",
    "localforward",
    "remoteforward",
    "dynamicforward",
    "sendenv",
    "setenv",
];

/// Makes the connection of a name.
///
/// # Errors
/// Names the line, and why there is none.
pub(crate) fn connection(
    config: &Config,
    name: &str,
    line: u64,
    feed: &mut Feed,
) -> Result<Entry<'static>, (u64, String)> {
    let mut lines: Vec<&Line> = Vec::new();
    for line in config.lines(name) {
        // The first value counts.
        if SEVERAL.contains(&line.keyword.as_str()) || lines.iter().all(|known| known.keyword != line.keyword)
        {
            lines.push(line);
        }
    }
    let mut defaults = Vec::new();
    let of = |keyword: &str| lines.iter().find(|line| line.keyword == keyword).copied();
    let host = match of("hostname") {
        Some(line) => host(line, name)?,
        None => name.to_owned(),
    };
    let port = match of("port") {
        Some(line) => match first(line).parse::<u16>() {
            Ok(port @ 1..) => port,
            _ => {
                return Err((
                    line.number,
                    format!("'{}' is no port; ports are numbers from 1 to 65535", clean(first(line))),
                ));
            }
        },
        None => PORT,
    };
    let shown: String =
        name.chars().map(|c| if c == '/' || c.is_control() { '-' } else { c }).take(200).collect();
    if shown != name {
        defaults.push(format!("the name was set to '{shown}'"));
    }
    let mut connection = Connection::new(shown, "ssh", host, port);
    connection.credential = match of("user") {
        Some(line) => LocalCredential::new().user(first(line).to_owned()).into(),
        None => Credential::None,
    };
    for line in lines {
        connection = with(connection, line, feed);
    }
    let mut entry = Entry::new(connection).at(Position::line(line)).identity(format!("host:{name}"));
    entry.defaults = defaults.into_iter().map(Into::into).collect();
    Ok(entry)
}

fn first(line: &Line) -> &str {
    line.words.first().map_or("", String::as_str)
}

/// Fills the name into a host.
fn host(line: &Line, name: &str) -> Result<String, (u64, String)> {
    let (mut host, mut rest) = (String::new(), first(line));
    while let Some((before, behind)) = rest.split_once('%') {
        host.push_str(before);
        rest = match behind.chars().next() {
            Some('h') => {
                host.push_str(name);
                behind.get(1..).unwrap_or_default()
            }
            Some('%') => {
                host.push('%');
                behind.get(1..).unwrap_or_default()
            }
            _ => {
                return Err((
                    line.number,
                    "'HostName' has a token that only OpenSSH knows: write the host there".to_owned(),
                ));
            }
        };
    }
    host.push_str(rest);
    Ok(host)
}

/// Takes one line into a connection: as a setting that the launcher knows, else as a field of the user's own.
fn with(connection: Connection<'static>, line: &Line, feed: &mut Feed) -> Connection<'static> {
    let number = |most: i64| first(line).parse::<i64>().ok().filter(|number| (0..=most).contains(number));
    match line.keyword.as_str() {
        "hostname" | "port" | "user" => return connection,
        "serveraliveinterval" => {
            if let Some(seconds) = number(86_400) {
                return connection.setting("ssh.keepalive-seconds", SettingValue::Integer(seconds));
            }
        }
        "connecttimeout" => {
            if let Some(seconds) = number(600).filter(|seconds| *seconds > 0) {
                return connection.setting("ssh.connect-timeout-seconds", SettingValue::Integer(seconds));
            }
        }
        "remotecommand" if !first(line).eq_ignore_ascii_case("none") => {
            return connection.setting("ssh.command", SettingValue::Text(line.words.join(" ")));
        }
        "requesttty" if ["yes", "force", "no"].contains(&first(line).to_ascii_lowercase().as_str()) => {
            let asks = !first(line).eq_ignore_ascii_case("no");
            return connection.setting("ssh.terminal", SettingValue::Flag(asks));
        }
        "setenv" => {
            let variables: Vec<String> =
                line.words.iter().filter(|word| word.contains('=')).cloned().collect();
            if variables.len() == line.words.len() {
                return with_variables(connection, variables);
            }
        }
        "tag" => return connection.tag(clean(first(line))),
        _ => {}
    }
    if COMMANDS.contains(&line.keyword.as_str()) {
        let reason = format!(
            "'{}' is a command: it is kept as a field of your own, and nothing runs it",
            line.written
        );
        feed.problem(Problem::warning(Position::line(line.number), reason).entry(connection.name.clone()));
    }
    if line.keyword == "identityfile" {
        let reason = "a key is named by its file, which an importer can't read: store the key with 'ostler connection edit NAME --key-file FILE'";
        feed.problem(Problem::warning(Position::line(line.number), reason).entry(connection.name.clone()));
    }
    if connection.custom_fields.len() == MOST_FIELDS {
        let reason = format!("'{}' was left out: there are too many lines", clean(&line.written));
        feed.problem(Problem::warning(Position::line(line.number), reason).entry(connection.name.clone()));
        return connection;
    }
    let key = format!("ssh: {}", clean(&line.written));
    let numbered = (2..).map(|number| format!("{key} ({number})"));
    let mut keys = std::iter::once(key.clone()).chain(numbered);
    let taken = |key: &String| connection.custom_fields.iter().any(|(known, _)| known == key);
    let key = keys.find(|key| !taken(key)).unwrap_or(key.clone());
    connection.custom_field(key, line.words.join(" "))
}

fn with_variables(mut connection: Connection<'static>, variables: Vec<String>) -> Connection<'static> {
    let known = connection.settings.iter_mut().find(|setting| setting.key == "ssh.environment");
    match known.map(|setting| &mut setting.value) {
        Some(SettingValue::Items(items)) => items.extend(variables),
        _ => connection = connection.setting("ssh.environment", SettingValue::Items(variables)),
    }
    connection
}
