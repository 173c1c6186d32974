//! What becomes of the settings: the connection, and fields of the user's own for the rest.

use ostler_sdk::importer::{Connection, Credential, Entry, Feed, LocalCredential, Position, Problem};
use ostler_sdk::types::SettingValue;

use crate::lines::Line;

/// The port where the file names none.
const PORT: u16 = 3389;
/// Bytes of a name.
const LONGEST_NAME: usize = 255;
/// Fields of the user's own that an entry may have.
const MOST_FIELDS: usize = 200;

/// What lines say that say nothing: the values that hold where the line is not there.
const USUAL: [(&str, &str); 34] = [
    ("alternate shell", ""),
    ("shell working directory", ""),
    ("audiomode", "0"),
    ("audiocapturemode", "0"),
    ("videoplaybackmode", "1"),
    ("authentication level", "3"),
    ("autoreconnection enabled", "1"),
    ("bandwidthautodetect", "1"),
    ("networkautodetect", "1"),
    ("compression", "1"),
    ("drivestoredirect", ""),
    ("devicestoredirect", ""),
    ("usbdevicestoredirect", ""),
    ("camerastoredirect", ""),
    ("enablecredsspsupport", "1"),
    ("enablerdsaadauth", "0"),
    ("gatewayhostname", ""),
    ("gatewayusagemethod", "0"),
    ("gatewaycredentialssource", "0"),
    ("gatewayprofileusagemethod", "0"),
    ("gatewaybrokeringtype", "0"),
    ("kdcproxyname", ""),
    ("keyboardhook", "2"),
    ("loadbalanceinfo", ""),
    ("prompt for credentials", "1"),
    ("promptcredentialonce", "1"),
    ("rdgiskdcproxy", "0"),
    ("redirectlocation", "0"),
    ("remoteapplicationmode", "0"),
    ("smart sizing", "0"),
    ("use multimon", "0"),
    ("use redirection server name", "0"),
    ("winposstr", ""),
    ("workspace id", ""),
];

/// Keys whose values are programs: kept, never run.
const PROGRAMS: [&str; 4] =
    ["alternate shell", "remoteapplicationprogram", "remoteapplicationcmdline", "remoteapplicationfile"];

/// Makes the connection of a file.
pub(crate) fn connection(
    lines: Vec<Line>,
    wanted: Option<&str>,
    feed: &mut Feed,
) -> Result<Entry<'static>, (Position, String)> {
    let mut file = File { lines };
    let mut defaults = Vec::new();
    let Some(address) = file.take("full address").filter(|address| !address.value.is_empty()) else {
        return Err((
            Position::nowhere().field("full address"),
            "it has no 'full address', which names the host".to_owned(),
        ));
    };
    let at = |line: &Line| Position::line(line.number).field(line.key.clone());
    let (host, port) = split(&address.value).map_err(|reason| (at(&address), reason))?;
    let own_port = file.take("server port");
    let port = match (port, own_port) {
        (Some(port), _) => port,
        (None, Some(line)) => port_of(&line.value).map_err(|reason| (at(&line), reason))?,
        (None, None) => {
            defaults.push(format!("port was set to {PORT}"));
            PORT
        }
    };
    let name = name(wanted.unwrap_or(&host));
    if wanted.is_none() {
        defaults.push(format!("the name was set to '{name}': a .rdp file has none"));
    }
    let credential = file.credential();
    let user = match &credential {
        Credential::Local(local) => local.user.clone().unwrap_or_default(),
        _ => "".into(),
    };
    let identity = format!("{host}:{port} {user}");
    let mut connection = Connection::new(name, "rdp", host, port);
    connection.credential = credential;
    let sizes = [
        ("desktopwidth", "rdp.desktop-width"),
        ("desktopheight", "rdp.desktop-height"),
        ("session bpp", "rdp.color-depth"),
    ];
    for (key, setting) in sizes {
        if let Some(number) =
            file.take(key).and_then(|line| line.value.parse::<i64>().ok()).filter(|number| *number > 0)
        {
            connection = connection.setting(setting, SettingValue::Integer(number));
        }
    }
    if let Some(line) = file.take("dynamic resolution") {
        connection = connection.setting("rdp.auto-expand", SettingValue::Flag(line.value == "1"));
    }
    for line in file.lines {
        if USUAL.iter().any(|(key, value)| *key == line.key && *value == line.value) {
            continue;
        }
        let position = Position::line(line.number).field(line.key.clone());
        if connection.custom_fields.len() == MOST_FIELDS {
            feed.problem(Problem::warning(position, "the line was left out: there are too many of them"));
            continue;
        }
        if PROGRAMS.contains(&line.key.as_str()) {
            let reason = "it names a program: it is kept as a field of your own, and nothing runs it";
            feed.problem(Problem::warning(position, reason).entry(connection.name.clone()));
        }
        let key: String = line.key.chars().filter(|c| !c.is_control()).take(60).collect();
        connection = connection.custom_field(format!("rdp: {key}"), line.value);
    }
    let mut entry = Entry::new(connection).at(Position::line(address.number)).identity(identity);
    entry.defaults = defaults.into_iter().map(Into::into).collect();
    Ok(entry)
}

/// The lines that are left.
struct File {
    lines: Vec<Line>,
}

impl File {
    fn take(&mut self, key: &str) -> Option<Line> {
        let at = self.lines.iter().position(|line| line.key == key)?;
        Some(self.lines.remove(at))
    }

    fn credential(&mut self) -> Credential<'static> {
        let text = |line: Option<Line>| line.map(|line| line.value).filter(|value| !value.is_empty());
        let (user, domain) = (text(self.take("username")), text(self.take("domain")));
        let (user, domain) = match (user, domain) {
            (Some(user), None) => match user.split_once('\\') {
                Some((domain, user)) if !domain.is_empty() && !user.is_empty() => {
                    (Some(user.to_owned()), Some(domain.to_owned()))
                }
                _ => (Some(user), None),
            },
            known => known,
        };
        if user.is_none() && domain.is_none() {
            return Credential::None;
        }
        let mut local = LocalCredential::new();
        local.user = user.map(Into::into);
        local.domain = domain.map(Into::into);
        local.into()
    }
}

/// Splits an address into host and port: `host`, `host:port`, `[v6]:port`, or an IPv6 address alone.
fn split(address: &str) -> Result<(String, Option<u16>), String> {
    if let Some(rest) = address.strip_prefix('[') {
        let (host, behind) = rest.split_once(']').ok_or("the address has no ']'")?;
        let port = behind.strip_prefix(':').map(port_of).transpose()?;
        return Ok((host.to_owned(), port));
    }
    match address.split_once(':') {
        Some((host, port)) if !port.contains(':') => Ok((host.to_owned(), Some(port_of(port)?))),
        _ => Ok((address.to_owned(), None)),
    }
}

fn port_of(text: &str) -> Result<u16, String> {
    match text.trim().parse::<u16>() {
        Ok(port @ 1..) => Ok(port),
        _ => Err(format!("'{text}' is no port; ports are numbers from 1 to 65535")),
    }
}

fn name(host: &str) -> String {
    let mut name: String = host.chars().map(|c| if c == '/' || c.is_control() { '-' } else { c }).collect();
    while name.len() > LONGEST_NAME {
        name.pop();
    }
    name
}
