//! Which way of logging in is taken, of those that a server offers (RFC 6143, section 7.1.2, and rfbproto's list of types).

use super::fault::Fault;

/// A way of logging in that this client has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Security {
    None,
    /// A challenge that is answered with the password as the key.
    VncAuthentication,
    /// TLS first, then one of its own types.
    VeNCrypt,
}

/// A way of logging in within VeNCrypt: over TLS with a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OverTls {
    None,
    VncAuthentication,
}

const NONE: u8 = 1;
const VNC_AUTHENTICATION: u8 = 2;
const VENCRYPT: u8 = 19;
const X509_NONE: u32 = 260;
const X509_VNC: u32 = 261;

impl Security {
    pub(super) const fn number(self) -> u8 {
        match self {
            Self::None => NONE,
            Self::VncAuthentication => VNC_AUTHENTICATION,
            Self::VeNCrypt => VENCRYPT,
        }
    }
}

impl OverTls {
    pub(super) const fn number(self) -> u32 {
        match self {
            Self::None => X509_NONE,
            Self::VncAuthentication => X509_VNC,
        }
    }
}

/// Chooses of what a server offers. A password that is stored is used where it can be; TLS is taken where it is asked for, or where
/// there is nothing else.
pub(super) fn choose(offered: &[u8], tls: bool, password: bool) -> Result<Security, Fault> {
    let offers = |security: Security| offered.contains(&security.number()).then_some(security);
    let chosen = if tls {
        offers(Security::VeNCrypt)
    } else if password {
        offers(Security::VncAuthentication)
            .or_else(|| offers(Security::None))
            .or_else(|| offers(Security::VeNCrypt))
    } else {
        offers(Security::None)
            .or_else(|| offers(Security::VeNCrypt))
            .or_else(|| offers(Security::VncAuthentication))
    };
    chosen.ok_or_else(|| Fault::NoCommonSecurity(nothing_in_common(offered, tls)))
}

/// Chooses of the types of VeNCrypt. Those without a certificate are no protection from whoever is on the way, and those with a user
/// name need the password's length.
pub(super) fn choose_over_tls(offered: &[u32], password: bool) -> Result<OverTls, Fault> {
    let both = [OverTls::VncAuthentication, OverTls::None];
    let mut wanted = both.into_iter().filter(|type_| offered.contains(&type_.number()));
    let (first, second) = (wanted.next(), wanted.next());
    let chosen = if password { first } else { second.or(first) };
    chosen.ok_or_else(|| {
        let names: Vec<_> = offered.iter().map(|number| over_tls_name(*number)).collect();
        Fault::NoCommonSecurity(format!(
            "the server offers VeNCrypt with {}; let it offer X509Vnc, or VncAuth without TLS",
            words(names)
        ))
    })
}

/// Says what is offered, and what has to change there.
fn nothing_in_common(offered: &[u8], tls: bool) -> String {
    let names = offered.iter().map(|number| match *number {
        NONE => "no security".to_owned(),
        VNC_AUTHENTICATION => "VNC authentication".to_owned(),
        5 | 6 | 13 | 129..=134 => "RealVNC's RA2".to_owned(),
        16 => "Tight".to_owned(),
        17 => "Ultra".to_owned(),
        18 => "anonymous TLS".to_owned(),
        VENCRYPT => "VeNCrypt".to_owned(),
        20 => "SASL".to_owned(),
        30..=36 => "Apple's log-in".to_owned(),
        113 => "MS-Logon".to_owned(),
        other => format!("type {other}"),
    });
    let has = |types: &[u8]| offered.iter().any(|number| types.contains(number));
    let advice = if tls {
        "the setting 'vnc.tls' asks for VeNCrypt: enable X509Vnc on the server, or switch the setting off"
    } else if has(&[30, 31, 32, 33, 34, 35, 36]) {
        "on the Mac, allow VNC viewers to control the screen with a password (Sharing, Screen Sharing, Computer Settings)"
    } else if has(&[5, 6, 13, 129, 130, 131, 132, 133, 134]) {
        "set the server's authentication to 'VNC password' and its encryption to 'prefer off'"
    } else {
        "enable VNC authentication (VncAuth) on the server"
    };
    format!("the server offers {}; {advice}", words(names))
}

fn over_tls_name(number: u32) -> String {
    let names =
        ["Plain", "TLSNone", "TLSVnc", "TLSPlain", "X509None", "X509Vnc", "X509Plain", "TLSSASL", "X509SASL"];
    let name = number.checked_sub(256).and_then(|index| names.get(usize::try_from(index).ok()?));
    name.map_or_else(|| format!("type {number}"), |name| (*name).to_owned())
}

/// Each once, at most eight.
fn words(names: impl IntoIterator<Item = String>) -> String {
    let mut words: Vec<String> = Vec::new();
    for name in names {
        if !words.contains(&name) && words.len() < 8 {
            words.push(name);
        }
    }
    if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
}
