//! The way to other hosts, as it is configured; names as the system resolves them; and the audit of secrets that go there.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use ostler_audit::{EventClass, Outcome};
use ostler_core::{BoxFuture, PortError, Resolver, SecretBytes, SecretUses, Sink, SlotName, WayIn, WayOut};
use ostler_registry::FoundPlugin;
use serde::{Deserialize, Serialize};

use crate::auditing::{Auditor, plugin_ref};

/// The way to other hosts, for what plugins send, and the way in, for what is sent to them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct NetworkConfiguration {
    /// An HTTP proxy, `http://host:port`.
    pub proxy: Option<String>,
    /// Hosts that are reached without it; `.example.com` is every host below.
    pub no_proxy: Vec<String>,
    /// A file of certificates (PEM) that are trusted beside the system's roots.
    pub ca_file: Option<PathBuf>,
    /// Where calls from outside arrive, `address:port`.
    pub inbound_listen: Option<String>,
    /// The URL by which others reach that.
    pub inbound_url: Option<String>,
    /// A file with its certificate and chain (PEM).
    pub inbound_certificate: Option<PathBuf>,
    /// A file with the certificate's key (PEM).
    pub inbound_key: Option<PathBuf>,
}

impl NetworkConfiguration {
    /// Reads what is configured.
    ///
    /// # Errors
    /// Says which key can't be used, and why.
    pub(crate) fn way_out(&self) -> Result<WayOut, String> {
        let proxy = self.proxy.as_deref().map(|proxy| {
            let rest = proxy.strip_prefix("http://").unwrap_or(proxy).trim_end_matches('/');
            let parts =
                rest.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?)));
            let parts = parts.filter(|(host, port)| !host.is_empty() && *port > 0 && !host.contains('/'));
            let (host, port) = parts.ok_or("network.proxy must be such as 'http://proxy.example:3128'")?;
            Ok::<_, String>((host.trim_matches(['[', ']']).to_owned(), port))
        });
        let roots_pem = read("network.ca-file", self.ca_file.as_deref())?;
        Ok(WayOut { proxy: proxy.transpose()?, without_proxy: self.no_proxy.clone(), roots_pem })
    }
}

impl NetworkConfiguration {
    /// Checks that all of it can be used, files and all.
    ///
    /// # Errors
    /// Says which key can't be used, and why.
    pub fn check(&self) -> Result<(), String> {
        self.way_out()?;
        self.way_in().map(|_| ())
    }

    /// Reads what is configured of calls from outside.
    ///
    /// # Errors
    /// Says which key can't be used, and why.
    pub(crate) fn way_in(&self) -> Result<WayIn, String> {
        let certificate_pem = read("network.inbound-certificate", self.inbound_certificate.as_deref())?;
        let key_pem = SecretBytes::new(read("network.inbound-key", self.inbound_key.as_deref())?);
        if certificate_pem.is_empty() != key_pem.expose().is_empty() {
            return Err("network.inbound-certificate and network.inbound-key belong together".to_owned());
        }
        let usual = WayIn::default();
        let listen = match &self.inbound_listen {
            None => usual.listen,
            Some(listen) => listen.parse().map_err(|_| {
                "network.inbound-listen must be such as '127.0.0.1:8400' or '[::1]:8400'".to_owned()
            })?,
        };
        if certificate_pem.is_empty() && !listen.ip().is_loopback() {
            return Err(format!(
                "network.inbound-listen: {listen} is open to other machines, and needs network.inbound-certificate and network.inbound-key"
            ));
        }
        if listen.ip().is_unspecified() && self.inbound_url.is_none() {
            return Err(format!(
                "network.inbound-listen: nobody can call {listen}: name the URL in network.inbound-url"
            ));
        }
        if let Some(url) = &self.inbound_url {
            let known = url::Url::parse(url).ok().filter(|url| {
                let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
                ["https", "http"].contains(&url.scheme()) && url.has_host() && bare
            });
            known.ok_or("network.inbound-url must be such as 'https://ostler.example:8443'")?;
        }
        Ok(WayIn { listen, url: self.inbound_url.clone(), certificate_pem, key_pem, fault: None })
    }
}

fn read(key: &str, file: Option<&Path>) -> Result<Vec<u8>, String> {
    file.map_or(Ok(Vec::new()), |file| {
        std::fs::read(file).map_err(|error| format!("{key}, {}: {error}", file.display()))
    })
}

/// Resolves names as the system does.
pub(crate) struct SystemResolver;

impl Resolver for SystemResolver {
    fn resolve<'a>(&'a self, host: &'a str) -> BoxFuture<'a, Result<Vec<IpAddr>, PortError>> {
        Box::pin(async move {
            let nothing = || PortError(format!("the host name '{host}' has no address"));
            let found = tokio::net::lookup_host((host, 0)).await.map_err(|_| nothing())?;
            let addresses: Vec<IpAddr> = found.map(|address| address.ip()).collect();
            if addresses.is_empty() { Err(nothing()) } else { Ok(addresses) }
        })
    }
}

/// Writes the uses of secrets into the audit log.
pub(crate) struct AuditedUses {
    pub(crate) audit: Auditor,
    pub(crate) plugin: FoundPlugin,
}

impl SecretUses for AuditedUses {
    fn write(&self, _: &str, slot: &SlotName, sink: &Sink) -> Result<(), PortError> {
        let mut event = self.audit.event(EventClass::SecretInject, Outcome::Success);
        event.plugin = Some(plugin_ref(&self.plugin));
        event.target = Some(format!("{}:{}", sink.host, sink.port));
        event.details.insert("slot".to_owned(), slot.to_string());
        event.details.insert("field".to_owned(), sink.field.name().to_owned());
        event.details.insert("protocol".to_owned(), sink.protocol.clone());
        self.audit.write(&event).map_err(|error| PortError(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_a_host_and_a_port() {
        let way = |proxy: &str| {
            NetworkConfiguration { proxy: Some(proxy.to_owned()), ..Default::default() }.way_out()
        };
        for (text, host, port) in [
            ("http://proxy.example:3128", "proxy.example", 3128),
            ("10.0.0.1:80/", "10.0.0.1", 80),
            ("[::1]:8080", "::1", 8080),
        ] {
            assert_eq!(way(text).unwrap().proxy, Some((host.to_owned(), port)), "{text}");
        }
        for text in ["proxy", "http://proxy", "socks5://proxy:1080", "proxy:0", ":80"] {
            assert!(way(text).unwrap_err().contains("network.proxy"), "{text}");
        }
    }

    #[test]
    fn what_is_open_to_other_machines_needs_a_certificate() {
        let network = |text: &str| toml::from_str::<NetworkConfiguration>(text).unwrap().way_in();
        assert_eq!(network("").unwrap(), WayIn::default());
        assert_eq!(network("inbound-listen = '[::1]:8400'").unwrap().listen.port(), 8400);
        for (text, expected) in [
            ("inbound-listen = 'localhost'", "must be such as"),
            ("inbound-listen = '192.0.2.7:8443'", "needs network.inbound-certificate"),
            ("inbound-certificate = '/no/such'", "network.inbound-certificate, /no/such"),
            ("inbound-url = 'ostler.example'", "must be such as"),
            ("inbound-url = 'https://ostler.example/?a=b'", "must be such as"),
            ("inbound-url = 'https://ostler.example/a'", "must be such as"),
        ] {
            let refused = network(text).unwrap_err();
            assert!(refused.contains(expected), "{text}: {refused}");
        }
        let mut file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file, b"x").unwrap();
        let alone = format!("inbound-key = '{}'", file.path().display());
        assert!(network(&alone).unwrap_err().contains("belong together"));
    }
}
