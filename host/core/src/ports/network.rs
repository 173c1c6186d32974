//! What the host knows of the way to other hosts, for what plugins send, and of the way that others come in.

use std::net::{Ipv4Addr, SocketAddr};

use crate::{BoxFuture, PortError, SecretBytes, Sink, SlotName};

/// Finds the addresses of names.
pub trait Resolver: Send + Sync {
    /// Returns the addresses of a host name, at least one.
    ///
    /// # Errors
    /// Says why there is none.
    fn resolve<'a>(&'a self, host: &'a str) -> BoxFuture<'a, Result<Vec<std::net::IpAddr>, PortError>>;
}

/// Writes down that a secret goes somewhere which the vault does not guard: a password that the person gave a plugin, a secret
/// that came with a response.
pub trait SecretUses: Send + Sync {
    /// Writes the use down, before it happens.
    ///
    /// # Errors
    /// Fails where it can't be written down; the secret is then not used.
    fn write(&self, plugin: &str, slot: &SlotName, sink: &Sink) -> Result<(), PortError>;
}

/// The way out: what an administrator or the user configured.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WayOut {
    /// Host and port of an HTTP proxy that requests go through.
    pub proxy: Option<(String, u16)>,
    /// Hosts that are reached without the proxy: names, or the ends of names that begin with a dot.
    pub without_proxy: Vec<String>,
    /// Certificates (PEM) that are trusted beside the system's roots, such as a company's own.
    pub roots_pem: Vec<u8>,
}

impl WayOut {
    /// Returns the proxy that leads to a host, if one does.
    #[must_use]
    pub fn proxy_to(&self, host: &str) -> Option<(&str, u16)> {
        let host = host.to_ascii_lowercase();
        let direct = |known: &String| {
            let known = known.to_ascii_lowercase();
            host == known || (known.starts_with('.') && host.ends_with(&known))
        };
        let (proxy, port) = self.proxy.as_ref()?;
        (!self.without_proxy.iter().any(direct)).then_some((proxy.as_str(), *port))
    }
}

/// The way in: where calls from outside arrive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WayIn {
    /// The address and port; port 0 is one that the system chooses.
    pub listen: SocketAddr,
    /// The URL by which others reach it, where that is another than the address.
    pub url: Option<String>,
    /// The certificate with its chain (PEM); none where there is no TLS, which only loopback does without.
    pub certificate_pem: Vec<u8>,
    /// The certificate's key (PEM).
    pub key_pem: SecretBytes,
    /// Why it can't be used as it is configured; who waits for a call is told.
    pub fault: Option<String>,
}

impl Default for WayIn {
    fn default() -> Self {
        let listen = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0);
        Self {
            listen,
            url: None,
            certificate_pem: Vec::new(),
            key_pem: SecretBytes::new(Vec::new()),
            fault: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_that_are_named_are_reached_without_the_proxy() {
        let way = WayOut {
            proxy: Some(("proxy".to_owned(), 3128)),
            without_proxy: vec!["intranet".to_owned(), ".lab.example".to_owned()],
            roots_pem: Vec::new(),
        };
        assert_eq!(way.proxy_to("api.example"), Some(("proxy", 3128)));
        for host in ["intranet", "INTRANET", "a.lab.example"] {
            assert_eq!(way.proxy_to(host), None, "{host}");
        }
        assert_eq!(way.proxy_to("lab.example"), Some(("proxy", 3128)));
    }
}
