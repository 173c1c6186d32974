//! What a column can fill, and the headings by which it is known. The types fix the fields (feature CM-130).

/// A type of connection that this importer fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Ssh,
    Rdp,
}

impl Kind {
    pub(crate) const ALL: [Self; 2] = [Self::Ssh, Self::Rdp];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ssh => "ssh",
            Self::Rdp => "rdp",
        }
    }

    pub(crate) const fn default_port(self) -> u16 {
        match self {
            Self::Ssh => 22,
            Self::Rdp => 3389,
        }
    }

    /// Reads the words that products use.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match plain(text).as_str() {
            "ssh" | "ssh2" | "sshshell" | "sshterminal" | "secureshell" => Some(Self::Ssh),
            "rdp"
            | "remotedesktop"
            | "rdpconfigured"
            | "rdpmicrosoftremotedesktop"
            | "microsoftremotedesktoprdp" => Some(Self::Rdp),
            _ => None,
        }
    }
}

/// What a column can fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Name,
    Host,
    Port,
    Type,
    Folder,
    Credential,
    User,
    Domain,
    Password,
    Notes,
    Tags,
    Id,
    CharacterSet,
    Font,
    FontSize,
    DesktopWidth,
    DesktopHeight,
    AutoExpand,
    ColorDepth,
}

impl Target {
    /// How many there are.
    pub(crate) const COUNT: usize = Self::ALL.len();

    /// All, in the order in which people see them.
    const ALL: [Self; 19] = [
        Self::Name,
        Self::Host,
        Self::Port,
        Self::Type,
        Self::Folder,
        Self::Credential,
        Self::User,
        Self::Domain,
        Self::Password,
        Self::Notes,
        Self::Tags,
        Self::Id,
        Self::CharacterSet,
        Self::Font,
        Self::FontSize,
        Self::DesktopWidth,
        Self::DesktopHeight,
        Self::AutoExpand,
        Self::ColorDepth,
    ];

    /// Returns its place among all.
    pub(crate) fn place(self) -> usize {
        self as usize
    }

    /// Returns the fields of a type; without one, those of every type.
    pub(crate) fn of(kind: Option<Kind>) -> impl Iterator<Item = Self> + Clone {
        Self::ALL.into_iter().filter(move |target| match (target.kind(), kind) {
            (Some(own), Some(kind)) => own == kind,
            _ => true,
        })
    }

    /// Returns the type that alone has this field.
    pub(crate) fn kind(self) -> Option<Kind> {
        match self {
            Self::CharacterSet | Self::Font | Self::FontSize => Some(Kind::Ssh),
            Self::DesktopWidth | Self::DesktopHeight | Self::AutoExpand | Self::ColorDepth => Some(Kind::Rdp),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Host => "host",
            Self::Port => "port",
            Self::Type => "type",
            Self::Folder => "folder",
            Self::Credential => "credential",
            Self::User => "user",
            Self::Domain => "domain",
            Self::Password => "password",
            Self::Notes => "notes",
            Self::Tags => "tags",
            Self::Id => "id",
            Self::CharacterSet => "character-set",
            Self::Font => "font",
            Self::FontSize => "font-size",
            Self::DesktopWidth => "desktop-width",
            Self::DesktopHeight => "desktop-height",
            Self::AutoExpand => "auto-expand",
            Self::ColorDepth => "color-depth",
        }
    }

    pub(crate) fn parse(name: &str, kind: Option<Kind>) -> Option<Self> {
        Self::of(kind).find(|target| target.name() == name)
    }

    /// The headings by which it is known, the surest first, as [`plain`] leaves them.
    fn headings(self) -> &'static [&'static str] {
        match self {
            Self::Name => &["connectionname", "name", "displayname", "title", "label", "sessionname"],
            Self::Host => &[
                "computername",
                "hostname",
                "host",
                "hostnameip",
                "address",
                "ipaddress",
                "ip",
                "uri",
                "fqdn",
                "dnsname",
                "server",
                "servername",
                "computer",
                "machine",
                "hostaddress",
                "hostip",
            ],
            Self::Port => &["port", "rdpport", "sshport", "portnumber", "hostport"],
            Self::Type => &["type", "protocol", "connectiontype", "kind"],
            Self::Folder => &["folder", "path", "folderpath", "group", "groups", "grouppath"],
            Self::Credential => &["credentials", "credential", "credentialmode"],
            Self::User => {
                &["username", "user", "login", "loginname", "credentialusername", "account", "credentialuser"]
            }
            Self::Domain => &["userdomain", "domain", "credentialdomain"],
            Self::Password => &["password", "credentialpassword", "passwd", "pass", "userpassword"],
            Self::Notes => &["notes", "note", "description", "comment", "comments", "remarks"],
            Self::Tags => &["tags", "tag", "keywords", "labels"],
            // Not 'id': a column of row numbers would take one connection for another at the next import.
            Self::Id => &["uuid", "guid"],
            Self::CharacterSet => &["remotecharacterset", "characterset", "charset"],
            Self::Font => &["font", "fontname"],
            Self::FontSize => &["fontsize"],
            Self::DesktopWidth => &["desktopwidth"],
            Self::DesktopHeight => &["desktopheight"],
            Self::AutoExpand => &["autoexpand"],
            Self::ColorDepth => &["colordepth", "colourdepth"],
        }
    }

    /// Returns the column that this is most surely in, among headings as [`plain`] leaves them.
    pub(crate) fn guess(self, headings: &[String]) -> Option<usize> {
        self.headings().iter().find_map(|known| headings.iter().position(|heading| heading == known))
    }
}

/// Returns how many fields are known among the headings.
pub(crate) fn known(headings: &[String]) -> usize {
    Target::of(None).filter(|target| target.guess(headings).is_some()).count()
}

/// Leaves of a heading what counts: letters and digits, in lower case.
pub(crate) fn plain(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_heading_stands_for_two_fields() {
        let mut all: Vec<&str> = Target::of(None).flat_map(Target::headings).copied().collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
        assert!(all.iter().all(|heading| plain(heading) == *heading));
    }

    #[test]
    fn every_field_has_a_place_of_its_own() {
        let places: Vec<usize> = Target::of(None).map(Target::place).collect();
        assert_eq!(places, (0..Target::COUNT).collect::<Vec<_>>());
    }

    #[test]
    fn a_type_has_its_own_fields_only() {
        assert_eq!(Target::parse("font", Some(Kind::Rdp)), None);
        assert_eq!(Target::parse("font", Some(Kind::Ssh)), Some(Target::Font));
        assert_eq!(Target::parse("font", None), Some(Target::Font));
    }
}
