//! Where deliveries may go: to public addresses, and to those that the operator allows (§12).
//!
//! A name is resolved for each connection, and only the addresses that pass are connected to. So it
//! does not matter what the name resolves to at another moment.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use ipnet::IpNet;
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// The longest URL, in characters.
const LONGEST_URL: usize = 2048;

/// Where deliveries may go. Clones share it.
#[derive(Clone, Debug)]
pub struct AddressPolicy {
    allowed: Arc<[IpNet]>,
    https_only: bool,
}

/// Why a URL cannot be a webhook's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UrlError(
    /// What it must be, for the error's text.
    pub &'static str,
);

impl AddressPolicy {
    /// Public addresses, and those in `allowed`; with `https_only` no plain http.
    #[must_use]
    pub fn new(allowed: Vec<IpNet>, https_only: bool) -> Self {
        Self { allowed: allowed.into(), https_only }
    }

    /// Reads a webhook's URL. A literal address is checked here, because no resolver sees it; a URL
    /// parser has read every spelling of it before.
    ///
    /// # Errors
    /// When it is not a URL, has a user or a fragment, is not https where that is required, or names
    /// an address inside.
    pub fn read_url(&self, text: &str) -> Result<Url, UrlError> {
        let url = Url::parse(text).map_err(|_| UrlError("an absolute URL"))?;
        let is_http = url.scheme() == "http" && !self.https_only;
        if text.len() > LONGEST_URL {
            return Err(UrlError("a URL of at most 2048 characters"));
        }
        if url.scheme() != "https" && !is_http {
            let rule = if self.https_only { "an https URL" } else { "an http or https URL" };
            return Err(UrlError(rule));
        }
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(UrlError("a URL without a user and without a fragment"));
        }
        // Parsers repair a URL without a host: `https:///path` would go to the host `path`.
        if text.split_once(':').is_none_or(|(_, rest)| rest.starts_with("///")) {
            return Err(UrlError("a URL with a host"));
        }
        let Some(host) = url.host_str() else { return Err(UrlError("a URL with a host")) };
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        if literal.is_ok_and(|address| !self.permits(address)) {
            return Err(UrlError("a URL of a public address"));
        }
        Ok(url)
    }

    /// Whether this address may be connected to.
    #[must_use]
    pub fn permits(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.allowed.iter().any(|network| network.contains(&address)) || is_public(address)
    }
}

/// Whether an address is one of the public Internet, and not of a machine, a network, a carrier or a
/// protocol.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match embedded(address) {
            Some(inner) => is_public_v4(inner),
            None => is_public_v6(address),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    let is_special = matches!(
        (first, second, third),
        (0 | 10 | 127, ..)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 168, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (198, 18..=19, _)
            | (198, 51, 100)
            | (203, 0, 113)
            | (224..=255, ..)
    );
    !is_special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    // Global unicast, without what is reserved in it: protocols (2001::/23, which has Teredo) and
    // documentation (2001:db8::/32, 3fff::/20).
    (0x2000..=0x3fff).contains(&first)
        && !(first == 0x2001 && (second < 0x0200 || second == 0x0db8))
        && !(first == 0x3fff && second < 0x1000)
}

/// The IPv4 address that stands in an IPv6 address of a translation: mapped, compatible, NAT64, 6to4.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let of = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match (a, b, c, d, e, f) {
        (0, 0, 0, 0, 0, 0 | 0xffff) | (0, 0, 0, 0, 0xffff, 0) => Some(of(g, h)),
        (0x0064, 0xff9b, 0, 0, 0, 0) | (0x0064, 0xff9b, 1, ..) => Some(of(g, h)),
        (0x2002, ..) => Some(of(b, c)),
        _ => None,
    }
}

impl Resolve for AddressPolicy {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = self.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let permitted: Vec<SocketAddr> =
                found.filter(|address| policy.permits(address.ip())).collect();
            if permitted.is_empty() {
                return Err("the name has no public address".into());
            }
            Ok(Box::new(permitted.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(allowed: &[&str], https_only: bool) -> AddressPolicy {
        AddressPolicy::new(allowed.iter().map(|it| it.parse().unwrap()).collect(), https_only)
    }

    #[test]
    fn only_public_addresses_are_permitted() {
        let policy = policy(&[], false);
        for inside in [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "64:ff9b::a00:1",
            "64:ff9b:1::7f00:1",
            "2002:7f00:1::1",
            "2001::1",
            "2001:db8::1",
            "3fff::1",
            "::ffff:0:10.0.0.1",
        ] {
            assert!(!policy.permits(inside.parse().unwrap()), "{inside}");
        }
        for public in
            ["1.1.1.1", "100.128.0.1", "172.32.0.1", "2606:4700::1111", "64:ff9b::101:101"]
        {
            assert!(policy.permits(public.parse().unwrap()), "{public}");
        }
    }

    #[test]
    fn what_the_operator_allows_is_permitted() {
        let policy = policy(&["127.0.0.0/8", "fd00::/8"], false);
        for allowed in ["127.0.0.1", "::ffff:127.0.0.1", "fd12::1"] {
            assert!(policy.permits(allowed.parse().unwrap()), "{allowed}");
        }
        assert!(!policy.permits("10.0.0.1".parse().unwrap()));
    }

    #[test]
    fn a_literal_address_inside_is_refused_in_every_spelling() {
        let policy = policy(&[], false);
        for url in [
            "http://127.0.0.1/",
            "http://0x7f.1/",
            "http://2130706433/",
            "http://017700000001/",
            "http://127.1/",
            "http://[::1]/",
            "http://[::ffff:7f00:1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://10.0.0.1:8080/",
            "http://169.254.169.254/latest",
            "https://192.168.0.1.",
        ] {
            assert_eq!(policy.read_url(url), Err(UrlError("a URL of a public address")), "{url}");
        }
    }

    #[test]
    fn a_url_has_a_scheme_that_fits_and_no_user() {
        let (sandbox, production) = (policy(&[], false), policy(&[], true));
        assert!(sandbox.read_url("http://bank.example/hook").is_ok());
        assert!(production.read_url("https://bank.example/hook?a=b").is_ok());
        assert!(production.read_url("http://bank.example/hook").is_err());
        for wrong in [
            "",
            "bank.example",
            "ftp://bank.example",
            "https://name@10.0.0.1",
            "https://",
            "https:///x",
            "https://name:word@bank.example/",
            "https://bank.example/#x",
            "https://bank.example:99999/",
        ] {
            assert!(sandbox.read_url(wrong).is_err(), "{wrong}");
        }
    }

    #[tokio::test]
    async fn a_name_that_resolves_inwards_has_no_address() {
        let name = || "localhost".parse().unwrap();
        assert!(policy(&[], false).resolve(name()).await.is_err());
        let allowed = policy(&["127.0.0.1/32", "::1/128"], false).resolve(name()).await;
        assert!(allowed.unwrap().count() > 0);
    }
}
