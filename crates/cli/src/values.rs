//! What may stand behind an option, where a plain type would let too much through.

use std::net::SocketAddr;
use std::str::FromStr;

use domain::app::{AppName, AppNameError};
use domain::{ApiKeyId, ChallengeId, ClientId, WorkspaceId};

/// The text does not mean anything here; this is what would.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Malformed(&'static str);

/// Where to accept connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ListenAddress(pub(crate) SocketAddr);

impl FromStr for ListenAddress {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let expected = "write an IP address and a port, such as 127.0.0.1:8080 or [::]:8080";
        text.parse().map(Self).map_err(|_| Malformed(expected))
    }
}

/// The beginning of URLs, without a slash at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BaseUrl(pub(crate) String);

impl FromStr for BaseUrl {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
        // No name or password either: this text appears in errors and on pages.
        let is_plain = |rest: &str| {
            rest.chars().all(|part| part.is_ascii_graphic() && !"?#@\"'<>\\".contains(part))
        };
        match rest {
            Some(rest) if is_plain(rest) && !rest.starts_with(['/', ':']) && !rest.is_empty() => {
                Ok(Self(text.trim_end_matches('/').to_owned()))
            }
            _ => Err(Malformed(
                "write a URL without query and password, such as https://fieldtest.example",
            )),
        }
    }
}

/// A secret of the operator's. It cannot be printed.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(pub(crate) String);

impl FromStr for Secret {
    type Err = Malformed;

    // Errors quote what was typed, so nothing but its absence may be one.
    fn from_str(text: &str) -> Result<Self, Malformed> {
        if text.is_empty() {
            Err(Malformed("must not be empty"))
        } else {
            Ok(Self(text.to_owned()))
        }
    }
}

/// What people call a workspace or a key. The rule is the one for apps.
pub(crate) fn name(text: &str) -> Result<String, AppNameError> {
    AppName::new(text.to_owned()).map(AppName::into_string)
}

/// A workspace's id, as it was typed.
pub(crate) fn workspace_id(text: &str) -> Result<WorkspaceId, Malformed> {
    let expected = "not a valid id: a workspace's begins with org_; `fieldtest admin workspace list` shows them";
    text.parse().map_err(|_| Malformed(expected))
}

/// A key's id, as it was typed.
pub(crate) fn key_id(text: &str) -> Result<ApiKeyId, Malformed> {
    let expected = "not a valid id: a key's is key_ and a UUID, and not its secret; `fieldtest admin key list` shows them";
    text.parse().map_err(|_| Malformed(expected))
}

/// An app's client id, as it was typed.
pub(crate) fn client_id(text: &str) -> Result<ClientId, Malformed> {
    text.parse().map_err(|_| {
        Malformed("not a valid id: a client id is 8 letters and digits, such as FK5b0KSM")
    })
}

/// A challenge's id, as it was typed.
pub(crate) fn challenge_id(text: &str) -> Result<ChallengeId, Malformed> {
    text.parse().map_err(|_| Malformed("not a valid id: a challenge's is ch_ and a UUID"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_has_no_slash_at_the_end_and_nothing_secret_in_it() {
        let url = |text: &str| text.parse::<BaseUrl>().map(|url| url.0);
        assert_eq!(url("https://fieldtest.example/"), Ok("https://fieldtest.example".into()));
        assert_eq!(url("http://[::1]:8080/below//"), Ok("http://[::1]:8080/below".into()));
        for wrong in [
            "",
            "fieldtest.example",
            "https://",
            "http:///x",
            "ftp://x",
            "http://a b",
            "http://me:pw@x",
            "http://x?y",
        ] {
            assert!(url(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_address_has_a_port() {
        assert!("[::1]:0".parse::<ListenAddress>().is_ok());
        for wrong in ["", "8080", "127.0.0.1", "localhost:8080", "127.0.0.1:65536"] {
            assert!(wrong.parse::<ListenAddress>().is_err(), "{wrong}");
        }
    }
}
