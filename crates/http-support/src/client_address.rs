//! The address of the sender of a request, behind proxies that the operator trusts (§13).

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use axum::http::HeaderMap;
use ipnet::IpNet;

/// The address of the connection that a request came on. The listener puts it into the request's
/// extensions.
#[derive(Clone, Copy, Debug)]
pub struct PeerAddress(pub IpAddr);

/// The address of the sender of a request, in the request's extensions. It reaches a log only if
/// the operator wants that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientAddress(IpAddr);

impl ClientAddress {
    /// The address that limits count: one household or company has a whole /64 of IPv6 addresses.
    #[must_use]
    pub fn for_limits(self) -> IpAddr {
        match self.0.to_canonical() {
            IpAddr::V6(address) => {
                IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)))
            }
            address => address,
        }
    }
}

impl fmt::Display for ClientAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// The networks of the proxies whose `X-Forwarded-For` is believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

/// The text is not a list of networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write addresses or networks, separated by commas, such as 10.0.0.0/8,fd00::/8")]
pub struct MalformedNetworks;

impl FromStr for TrustedProxies {
    type Err = MalformedNetworks;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        networks(text).map(Self)
    }
}

impl fmt::Display for TrustedProxies {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let networks: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        formatter.write_str(&networks.join(","))
    }
}

/// Networks, separated by commas. An address alone is a network of one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(pub Vec<IpNet>);

impl FromStr for Networks {
    type Err = MalformedNetworks;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        networks(text).map(Self)
    }
}

fn networks(text: &str) -> Result<Vec<IpNet>, MalformedNetworks> {
    let network = |part: &str| {
        let part = part.trim();
        part.parse::<IpAddr>()
            .map(IpNet::from)
            .or_else(|_| part.parse())
            .map_err(|_| MalformedNetworks)
    };
    text.split(',').map(network).collect()
}

impl TrustedProxies {
    /// Who sent a request that came from `peer` with these headers. Each proxy appends the address
    /// that it saw to `X-Forwarded-For`, so the list is read from its end, as long as trusted
    /// proxies wrote it.
    #[must_use]
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> ClientAddress {
        let mut client = peer.to_canonical();
        let values = headers.get_all("x-forwarded-for").iter().rev();
        let listed = values.filter_map(|value| value.to_str().ok()).flat_map(|it| it.rsplit(','));
        for part in listed {
            if !self.trusts(client) {
                break;
            }
            let Some(address) = forwarded(part) else { break };
            client = address.to_canonical();
        }
        ClientAddress(client)
    }

    /// Whether this is the address of a trusted proxy.
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// An address as proxies write it: some add the port, and brackets around IPv6.
fn forwarded(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    bare.parse().ok().or_else(|| text.parse::<std::net::SocketAddr>().ok().map(|it| it.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(trusted: &str, peer: &str, forwarded: &[&str]) -> String {
        let trusted =
            if trusted.is_empty() { TrustedProxies::default() } else { trusted.parse().unwrap() };
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        trusted.client(peer.parse().unwrap(), &headers).0.to_string()
    }

    #[test]
    fn nobody_is_believed_who_is_not_trusted() {
        assert_eq!(client("", "192.0.2.1", &["198.51.100.1"]), "192.0.2.1");
        assert_eq!(client("10.0.0.0/8", "192.0.2.1", &["198.51.100.1"]), "192.0.2.1");
    }

    #[test]
    fn the_last_address_that_a_trusted_proxy_saw_is_the_client() {
        let trusted = "10.0.0.0/8, 192.0.2.7";
        for (forwarded, expected) in [
            (&["198.51.100.1"][..], "198.51.100.1"),
            (&["203.0.113.9, 198.51.100.1, 192.0.2.7"], "198.51.100.1"),
            (&["203.0.113.9", "198.51.100.1"], "198.51.100.1"),
            (&["198.51.100.1:4711"], "198.51.100.1"),
            (&["[2001:db8::1]:4711"], "2001:db8::1"),
            (&["unknown"], "10.1.2.3"),
            (&[], "10.1.2.3"),
        ] {
            assert_eq!(client(trusted, "10.1.2.3", forwarded), expected, "{forwarded:?}");
        }
        assert_eq!(client(trusted, "::ffff:10.1.2.3", &["198.51.100.1"]), "198.51.100.1");
    }

    #[test]
    fn a_limit_counts_a_whole_network_of_ipv6() {
        let address = |text: &str| ClientAddress(text.parse().unwrap()).for_limits();
        assert_eq!(address("2001:db8::1:2:3:4"), address("2001:db8::5:6:7:8"));
        assert_ne!(address("2001:db8::1"), address("2001:db8:0:1::1"));
        assert_ne!(address("192.0.2.1"), address("192.0.2.2"));
        assert_eq!(address("::ffff:192.0.2.1"), address("192.0.2.1"));
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for wrong in ["", "10.0.0.0/33", "example.com", "10.0.0.1,", "10.0.0"] {
            assert_eq!(wrong.parse::<TrustedProxies>(), Err(MalformedNetworks), "{wrong}");
        }
    }
}
