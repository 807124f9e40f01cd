//! The check `tls`: the certificate and the key of `--tls-cert` and `--tls-key`.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use domain::Timestamp;

use super::files::quoted;
use super::finding::Finding;
use crate::config::Config;
use crate::tls::{Pair, Validity};

pub(super) const CHECK: &str = "tls";

/// A certificate that is valid for less is a warning: whatever renews it has failed for weeks.
const RENEWAL: Duration = Duration::from_hours(3 * 24);

/// Reading and writing by every account.
const OTHERS: u32 = 0o006;

/// Finds nothing without both options.
pub(super) fn check(config: &Config, now: Timestamp) -> Vec<Finding> {
    let Some(files) = config.tls_files() else { return Vec::new() };
    let pair = match Pair::read(&files) {
        Ok(pair) => pair,
        Err(error) => {
            let fix = "correct these options; the account of the server must be able to read both";
            return vec![Finding::failed(CHECK, error.to_string(), fix)];
        }
    };
    let key = files.key.as_path();
    let exposed = exposed(key);
    vec![exposed.unwrap_or_else(|| finding(&pair, config.public_url.as_deref(), now))]
}

fn exposed(key: &Path) -> Option<Finding> {
    let mode = fs::metadata(key).ok()?.mode() & 0o7777;
    (mode & OTHERS != 0).then(|| {
        let text = format!("every account may read the private key {} ({mode:04o})", key.display());
        let fix = format!(
            "chmod o-rw {}, and have a new certificate issued: the key may have been read",
            quoted(key)
        );
        Finding::failed(CHECK, text, fix)
    })
}

fn finding(pair: &Pair, public_url: Option<&str>, now: Timestamp) -> Finding {
    let Validity { from, until } = pair.validity;
    if now < from {
        let text = format!("the certificate is not valid before {from}");
        return Finding::failed(CHECK, text, "correct this machine's clock, or wait");
    }
    if until < now {
        let text = format!("the certificate expired at {until}");
        let fix = "renew it; a running server takes the new files up by itself";
        return Finding::failed(CHECK, text, fix);
    }
    if until.since(now) < RENEWAL {
        let text = format!("the certificate expires at {until}");
        return Finding::warning(CHECK, text, "look why it was not renewed, and renew it");
    }
    let host = public_url.map(host_of);
    if let Some(host) = host.filter(|host| !pair.is_for(host)) {
        let text = format!("the certificate is not for {host}, the host of --public-url");
        return Finding::failed(CHECK, text, "have one issued for that name, or correct the URL");
    }
    Finding::good(CHECK, format!("the key fits the certificate, which is valid until {until}"))
}

/// The host of a URL, without brackets around an IPv6 address.
fn host_of(url: &str) -> &str {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    match host.strip_prefix('[') {
        Some(address) => address.split(']').next().unwrap_or(address),
        None => host.split([':', '/']).next().unwrap_or(host),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_has_a_host() {
        for (url, host) in [
            ("https://fieldtest.example", "fieldtest.example"),
            ("https://fieldtest.example:8443", "fieldtest.example"),
            ("https://[::1]:8443", "::1"),
        ] {
            assert_eq!(host_of(url), host);
        }
    }
}
