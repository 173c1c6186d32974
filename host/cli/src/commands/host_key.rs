//! `ostler host-key`: the keys of servers that the store remembers.

use clap::Subcommand;
use ostler_app::Command;

use super::fields::port;
use crate::context::Context;
use crate::error::CliError;

/// Show and forget the host keys of servers.
#[derive(Debug, Subcommand)]
pub(crate) enum HostKey {
    /// List known hosts.
    #[command(after_help = "Examples:\n  ostler host-key list")]
    List,
    /// Forget the keys of a host, for instance after it was set up anew.
    #[command(after_help = "\
Examples:
  ostler host-key remove db1.example
  ostler host-key remove db1.example:2222
  ostler host-key remove '[2001:db8::1]:22'")]
    Remove {
        /// The host, and its port where only that one is meant.
        #[arg(value_name = "HOST[:PORT]", value_parser = host_and_port)]
        host: HostAndPort,
    },
}

/// A host, and a port where one was named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HostAndPort {
    host: String,
    port: Option<u16>,
}

/// Takes `host`, `host:port`, `[address]:port` or a bare IPv6 address.
fn host_and_port(text: &str) -> Result<HostAndPort, String> {
    let whole = |host: &str| HostAndPort { host: host.to_owned(), port: None };
    let (host, number) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => return Ok(whole(host)),
        Some((host, rest)) => (host, rest.strip_prefix(':').ok_or("expected [ADDRESS]:PORT")?),
        // More than one colon is an IPv6 address.
        None => match text.split_once(':') {
            Some((host, number)) if !number.contains(':') => (host, number),
            _ => return Ok(whole(text)),
        },
    };
    Ok(HostAndPort { host: host.to_owned(), port: Some(port(number)?) })
}

impl HostKey {
    pub(crate) async fn run(self, context: &Context) -> Result<u8, CliError> {
        let removed = matches!(self, Self::Remove { .. });
        let command = match self {
            Self::List => Command::KnownHostList,
            Self::Remove { host: HostAndPort { host, port } } => Command::KnownHostRemove { host, port },
        };
        let code = context.run(command).await?;
        if removed && !context.output.json() {
            context.output.note("the next connect asks about the key that the server has then");
        }
        Ok(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<(String, Option<u16>)> {
        host_and_port(text).ok().map(|parsed| (parsed.host, parsed.port))
    }

    #[test]
    fn a_port_is_told_from_an_address() {
        assert_eq!(parsed("db1"), Some(("db1".to_owned(), None)));
        assert_eq!(parsed("db1:2222"), Some(("db1".to_owned(), Some(2222))));
        assert_eq!(parsed("2001:db8::1"), Some(("2001:db8::1".to_owned(), None)));
        assert_eq!(parsed("[2001:db8::1]:22"), Some(("2001:db8::1".to_owned(), Some(22))));
        assert_eq!(parsed("[2001:db8::1]"), Some(("2001:db8::1".to_owned(), None)));
        assert_eq!(parsed("db1:0"), None);
        assert_eq!(parsed("[::1]22"), None);
    }
}
