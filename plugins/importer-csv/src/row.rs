//! One row to one connection, or the reason why not. Pure: a row, the columns and the type in, an entry out.

use std::borrow::Cow;

use ostler_sdk::importer::{Connection, Credential, Entry, Item, LocalCredential, Position, Secret};
use ostler_sdk::types::{SecretField, Setting};

use crate::columns::Columns;
use crate::records::Record;
use crate::target::{Kind, Target};

// Bounds of the host: checked here too, so that a row that is over them can be mended.
const LONGEST_NAME: usize = 255;
const LONGEST_HOST: usize = 255;
const LONGEST_VALUE: usize = 64 << 10;
const LONGEST_IDENTITY: usize = 1024;
const DEEPEST: usize = 64;

/// Why a row was not taken, or what of it was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) target: Target,
    pub(crate) reason: String,
}

/// A connection that was made of a row.
#[derive(Debug)]
pub(crate) struct Made<'a> {
    pub(crate) entry: Entry<'a>,
    pub(crate) name: &'a str,
    /// Its own id; empty where the row has none.
    pub(crate) id: &'a str,
    /// What was left out of it.
    pub(crate) left_out: Vec<Fault>,
}

type Checked<T> = Result<T, Fault>;

fn fault(target: Target, reason: impl Into<String>) -> Fault {
    Fault { target, reason: reason.into() }
}

/// A row being read.
pub(crate) struct Row<'a> {
    pub(crate) record: &'a Record,
    pub(crate) columns: &'a Columns,
    /// The type of rows that name none.
    pub(crate) kind: Option<Kind>,
}

impl<'a> Row<'a> {
    /// Returns the value of a field, trimmed; empty where it is not mapped.
    pub(crate) fn text(&self, target: Target) -> &'a str {
        self.columns.of(target).map_or("", |column| self.record.field(column))
    }

    /// Makes a connection of the row.
    pub(crate) fn connection(&self) -> Checked<Made<'a>> {
        let mut left_out = Vec::new();
        let mut defaults = Vec::new();
        let name = self.name()?;
        let kind = self.kind()?;
        let (host, port) = self.endpoint()?;
        let port = port.unwrap_or_else(|| {
            defaults.push(format!("port was set to {}", kind.default_port()).into());
            kind.default_port()
        });
        let folder = self.folder()?;
        let credential = self.credential(&mut defaults, &mut left_out)?;
        let mut connection = Connection::new(name, kind.name(), host, port);
        connection.credential = credential;
        connection.notes = self.notes()?.into();
        connection.tags = self.tags()?;
        match kind {
            Kind::Ssh => self.ssh_settings(&mut connection, &mut left_out),
            Kind::Rdp => self.rdp_settings(&mut connection, &mut defaults, &mut left_out),
        }
        let id = self.text(Target::Id);
        let identity = Cow::Owned(identity(id, &folder, name)?);
        let position = Position::line(self.record.line);
        let entry = Entry { position, identity, folder, defaults, item: Item::Connection(connection) };
        Ok(Made { entry, name, id, left_out })
    }

    fn name(&self) -> Checked<&'a str> {
        let name = self.text(Target::Name);
        check_name(name).map_err(|reason| fault(Target::Name, reason))?;
        Ok(name)
    }

    fn kind(&self) -> Checked<Kind> {
        let text = self.text(Target::Type);
        if let Some(kind) = self.kind.filter(|_| text.is_empty()).or_else(|| Kind::parse(text)) {
            return Ok(kind);
        }
        let types = Kind::ALL.map(Kind::name).join(" and ");
        Err(fault(
            Target::Type,
            match self.kind {
                None if text.is_empty() => format!("it is missing; there are {types}"),
                None => format!("'{text}' is unknown; there are {types}"),
                Some(_) => format!(
                    "'{text}' is unknown; there are {types}; without a column for it (an empty map.type) all rows get the type option"
                ),
            },
        ))
    }

    /// Reads host and port; the host may carry the port.
    fn endpoint(&self) -> Checked<(&'a str, Option<u16>)> {
        let (host, inner) = split_port(self.text(Target::Host));
        if host.is_empty() {
            return Err(fault(Target::Host, "it is missing"));
        }
        if host.len() > LONGEST_HOST {
            return Err(fault(Target::Host, "it has more than 255 bytes"));
        }
        // An underscore is fine, a dot not needed (feature CM-126).
        let good = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
        let bad = |c: &char| {
            c.is_whitespace() || c.is_control() || matches!(c, '/' | '@' | '\\' | '[' | ']' | '"' | '\'')
        };
        if !host.bytes().all(good)
            && let Some(bad) = host.chars().find(bad)
        {
            return Err(fault(Target::Host, format!("it has a {bad:?}, which no host name or address has")));
        }
        let inner = inner.map(|text| read_port(Target::Host, text)).transpose()?;
        let own = self.text(Target::Port);
        let own = if own.is_empty() { None } else { Some(read_port(Target::Port, own)?) };
        match (inner, own) {
            (Some(inner), Some(own)) if inner != own => {
                Err(fault(Target::Port, format!("it is {own}, but the host says {inner}")))
            }
            (inner, own) => Ok((host, own.or(inner))),
        }
    }

    fn folder(&self) -> Checked<Vec<Cow<'a, str>>> {
        let mut path = Vec::new();
        for name in
            self.text(Target::Folder).split(['/', '\\']).map(str::trim).filter(|name| !name.is_empty())
        {
            check_line(name).map_err(|reason| fault(Target::Folder, reason))?;
            path.push(Cow::Borrowed(name));
        }
        if path.len() > DEEPEST {
            Err(fault(Target::Folder, "folders nest at most 64 deep"))
        } else {
            Ok(path)
        }
    }

    fn credential(
        &self,
        defaults: &mut Vec<Cow<'a, str>>,
        left_out: &mut Vec<Fault>,
    ) -> Checked<Credential<'a>> {
        // Blanks may be a part of a password, but are none alone.
        let password = self.columns.of(Target::Password).map_or("", |column| self.record.raw(column));
        let password = if password.trim().is_empty() { "" } else { password };
        let (user, domain) = (self.text(Target::User), self.text(Target::Domain));
        let given = !(user.is_empty() && domain.is_empty() && password.is_empty());
        let mode = self.text(Target::Credential);
        let other = match mode.to_lowercase().as_str() {
            "2" | "embedded" | "local" | "own" => None,
            "" if given => None,
            "" => {
                defaults.push("credential was set to none".into());
                Some(Credential::None)
            }
            "0" | "none" => Some(Credential::None),
            "1" | "inherited" | "inherit" => Some(Credential::Inherit),
            _ => {
                let known = "there are 0 (none), 1 (inherited) and 2 (embedded)";
                return Err(fault(Target::Credential, format!("'{mode}' is unknown; {known}")));
            }
        };
        if let Some(other) = other {
            if given {
                let reason =
                    format!("user, domain and password were left out, since the credential is '{mode}'");
                left_out.push(fault(Target::Credential, reason));
            }
            return Ok(other);
        }
        for (target, text) in [(Target::User, user), (Target::Domain, domain)] {
            check_line(text).map_err(|reason| fault(target, reason))?;
        }
        check_length(Target::Password, password)?;
        let text = |text: &'a str| (!text.is_empty()).then_some(Cow::Borrowed(text));
        let secret = |value| Secret { field: SecretField::Password, value };
        let secrets = text(password).map(secret).into_iter().collect();
        Ok(LocalCredential { user: text(user), domain: text(domain), secrets }.into())
    }

    fn notes(&self) -> Checked<&'a str> {
        let notes = self.text(Target::Notes);
        check_length(Target::Notes, notes)?;
        Ok(notes)
    }

    fn tags(&self) -> Checked<Vec<Cow<'a, str>>> {
        let mut tags: Vec<Cow<'a, str>> = Vec::new();
        for tag in self.text(Target::Tags).split([',', ';']).map(str::trim).filter(|tag| !tag.is_empty()) {
            check_line(tag).map_err(|reason| fault(Target::Tags, reason))?;
            if !tags.iter().any(|known| known == tag) {
                tags.push(Cow::Borrowed(tag));
            }
        }
        if tags.len() > 256 { Err(fault(Target::Tags, "it has more than 256 tags")) } else { Ok(tags) }
    }

    fn ssh_settings(&self, connection: &mut Connection<'a>, left_out: &mut Vec<Fault>) {
        for (target, key) in [(Target::CharacterSet, "ssh.character-set"), (Target::Font, "ssh.font")] {
            let text = self.text(target);
            match check_line(text) {
                Ok(()) if text.is_empty() => {}
                Ok(()) => connection.settings.push(Setting::new(key, text)),
                Err(reason) => left_out.push(fault(target, format!("it was left out: {reason}"))),
            }
        }
        self.number(Target::FontSize, "ssh.font-size", 1..=200, connection, left_out);
    }

    fn rdp_settings(
        &self,
        connection: &mut Connection<'a>,
        defaults: &mut Vec<Cow<'a, str>>,
        left_out: &mut Vec<Fault>,
    ) {
        let width = self.number(Target::DesktopWidth, "rdp.desktop-width", 200..=8192, connection, left_out);
        let height =
            self.number(Target::DesktopHeight, "rdp.desktop-height", 200..=8192, connection, left_out);
        if !width && !height {
            defaults.push("desktop size was set to auto".into());
        }
        self.number(Target::ColorDepth, "rdp.color-depth", 8..=32, connection, left_out);
        let text = self.text(Target::AutoExpand);
        match text.to_lowercase().as_str() {
            "" => {}
            "true" | "yes" | "1" => connection.settings.push(Setting::new("rdp.auto-expand", true)),
            "false" | "no" | "0" => connection.settings.push(Setting::new("rdp.auto-expand", false)),
            _ => left_out
                .push(fault(Target::AutoExpand, format!("'{text}' was left out: it is neither yes nor no"))),
        }
    }

    /// Sets a number where the row has one; 0 and `auto` mean that the default is wanted.
    fn number(
        &self,
        target: Target,
        key: &str,
        bounds: std::ops::RangeInclusive<i64>,
        connection: &mut Connection<'a>,
        left_out: &mut Vec<Fault>,
    ) -> bool {
        let text = self.text(target);
        match text.parse::<i64>() {
            _ if text.is_empty() || text == "0" || text.eq_ignore_ascii_case("auto") => false,
            Ok(number) if bounds.contains(&number) => {
                connection.settings.push(Setting::new(key, number));
                true
            }
            _ => {
                let (least, most) = (bounds.start(), bounds.end());
                let reason = format!("'{text}' was left out: it is no number from {least} to {most}");
                left_out.push(fault(target, reason));
                false
            }
        }
    }
}

/// A file of this format has no identities of its own: without a column for them, the place in the tree is one.
fn identity(id: &str, folder: &[Cow<'_, str>], name: &str) -> Checked<String> {
    let identity = if id.is_empty() { place(folder, name) } else { format!("id:{id}") };
    if identity.len() > LONGEST_IDENTITY {
        let target = if id.is_empty() { Target::Folder } else { Target::Id };
        return Err(fault(target, "it is too long"));
    }
    Ok(identity)
}

/// Names a place in the tree; names have no slash.
pub(crate) fn place(folder: &[Cow<'_, str>], name: &str) -> String {
    let parts = folder.iter().map(|part| part.len() + 1).sum::<usize>();
    let mut place = String::with_capacity("path:".len() + parts + name.len());
    place.push_str("path:");
    for part in folder {
        place.push_str(part);
        place.push('/');
    }
    place.push_str(name);
    place
}

/// Splits `host:port` and `[address]:port`. A bare address of IPv6 has several colons and no port.
fn split_port(text: &str) -> (&str, Option<&str>) {
    if let Some(rest) = text.strip_prefix('[') {
        return match rest.split_once(']') {
            Some((address, "")) => (address, None),
            Some((address, behind)) => match behind.strip_prefix(':') {
                Some(port) => (address, Some(port)),
                None => (text, None),
            },
            None => (text, None),
        };
    }
    match text.split_once(':') {
        Some((host, port)) if !port.contains(':') => (host, Some(port)),
        _ => (text, None),
    }
}

fn read_port(target: Target, text: &str) -> Checked<u16> {
    match text.parse::<u16>() {
        Ok(port) if port > 0 => Ok(port),
        _ => Err(fault(target, format!("'{text}' is no port; ports are numbers from 1 to 65535"))),
    }
}

fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() {
        Err("it is missing".to_owned())
    } else if name.contains('/') {
        Err(format!("'{name}' has a '/', which separates folders"))
    } else {
        check_line(name)
    }
}

fn check_line(text: &str) -> Result<(), String> {
    if text.len() > LONGEST_NAME {
        return Err(format!("it has more than {LONGEST_NAME} bytes"));
    }
    if text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return Ok(());
    }
    let hidden = |c: char| c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if text.contains(hidden) { Err("it has a line break or a control character".to_owned()) } else { Ok(()) }
}

fn check_length(target: Target, text: &str) -> Checked<()> {
    if text.len() > LONGEST_VALUE { Err(fault(target, "it has more than 64 KiB")) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_split_off_a_host_but_not_off_an_address() {
        let cases = [
            ("web", ("web", None)),
            ("web:2222", ("web", Some("2222"))),
            ("10.0.0.1:22", ("10.0.0.1", Some("22"))),
            ("fe80::1", ("fe80::1", None)),
            ("::1", ("::1", None)),
            ("[fe80::1]", ("fe80::1", None)),
            ("[fe80::1]:2222", ("fe80::1", Some("2222"))),
            ("[fe80::1", ("[fe80::1", None)),
            ("[a]b", ("[a]b", None)),
            ("web:", ("web", Some(""))),
            ("", ("", None)),
        ];
        for (text, expected) in cases {
            assert_eq!(split_port(text), expected, "{text}");
        }
    }

    #[test]
    fn ports_are_numbers_from_1_to_65535() {
        assert_eq!(read_port(Target::Port, "65535"), Ok(65535));
        for bad in ["0", "70000", "abc", "-1", "22.0", "2 2", ""] {
            assert!(read_port(Target::Port, bad).is_err(), "{bad}");
        }
    }
}
