//! Addresses that no grant of a name opens: they lead to this machine, to its nearest network, or to nothing.
//!
//! A name on the internet may lead to any address; a plugin that may reach the name must not reach the services of this
//! machine by it. Private networks are where a company's servers are, and are open. Sources: the IANA special-purpose address
//! registries (RFC 6890), RFC 3927, RFC 4291, RFC 6052, RFC 3056, RFC 4380.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Names the kind of a closed address, or returns none where the address is open.
pub(crate) fn closed(address: IpAddr) -> Option<&'static str> {
    match address.to_canonical() {
        IpAddr::V4(address) => closed_v4(address),
        IpAddr::V6(address) => closed_v6(address),
    }
}

fn closed_v4(address: Ipv4Addr) -> Option<&'static str> {
    match address.octets() {
        [127, ..] => Some("loopback"),
        [169, 254, ..] => Some("link-local"),
        [0, ..] => Some("unspecified"),
        [224..=239, ..] => Some("multicast"),
        [240..=255, ..] => Some("reserved"),
        [192, 0, 0, _] => Some("special"),
        _ => None,
    }
}

fn closed_v6(address: Ipv6Addr) -> Option<&'static str> {
    let inside = |high: u16, low: u16| {
        let octets = [high.to_be_bytes(), low.to_be_bytes()].concat();
        <[u8; 4]>::try_from(octets).ok().and_then(|octets| closed_v4(octets.into()))
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Some("loopback"),
        [0, 0, 0, 0, 0, 0, 0, 0] => Some("unspecified"),
        [0xfe80..=0xfebf, ..] => Some("link-local"),
        [0xff00..=0xffff, ..] => Some("multicast"),
        // The cloud's metadata service over IPv6.
        [0xfd00, 0x0ec2, ..] => Some("metadata"),
        // IPv4 within IPv6: compatible, NAT64, 6to4, Teredo (whose address is inverted).
        [0, 0, 0, 0, 0, 0, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            inside(high, low)
        }
        [0x64, 0xff9b, 1, ..] => Some("local translation"),
        [0x2001, 0, _, _, _, _, high, low] => inside(!high, !low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_this_machine_are_closed_in_every_form() {
        for (address, kind) in [
            ("127.0.0.1", "loopback"),
            ("127.255.0.9", "loopback"),
            ("::1", "loopback"),
            ("::ffff:127.0.0.1", "loopback"),
            ("::127.0.0.1", "loopback"),
            ("64:ff9b::127.0.0.1", "loopback"),
            ("2002:7f00:1::1", "loopback"),
            ("2001:0:0:0:0:0:80ff:fffe", "loopback"),
            ("169.254.169.254", "link-local"),
            ("::ffff:169.254.169.254", "link-local"),
            ("fe80::1", "link-local"),
            ("fd00:ec2::254", "metadata"),
            ("0.0.0.0", "unspecified"),
            ("::", "unspecified"),
            ("224.0.0.1", "multicast"),
            ("ff02::1", "multicast"),
            ("255.255.255.255", "reserved"),
            ("192.0.0.192", "special"),
        ] {
            assert_eq!(closed(address.parse().unwrap()), Some(kind), "{address}");
        }
    }

    #[test]
    fn other_addresses_are_open() {
        for address in
            ["10.0.0.1", "192.168.1.1", "8.8.8.8", "2a00:1450::1", "fd12:3456::1", "::ffff:10.0.0.1"]
        {
            assert_eq!(closed(address.parse().unwrap()), None, "{address}");
        }
    }
}
