//! The types of options whose values have rules of their own.

use std::net::SocketAddr;
use std::str::FromStr;

use domain::app::{AppName, AppNameError};
use domain::{ApiKeyId, ChallengeId, ClientId, WorkspaceId};

/// The text is not a valid value. The message says what is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct InvalidValue(&'static str);

/// An address to listen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ListenAddress(pub(crate) SocketAddr);

impl FromStr for ListenAddress {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let expected = "write an IP address and a port, such as 127.0.0.1:8080 or [::]:8080";
        text.parse().map(Self).map_err(|_| InvalidValue(expected))
    }
}

/// A base URL, without a slash at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BaseUrl(pub(crate) String);

impl FromStr for BaseUrl {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        // The scheme is case-insensitive.
        let (scheme, rest) = text.split_once("://").unzip();
        let scheme = scheme.map(str::to_ascii_lowercase);
        let rest = rest.filter(|_| matches!(scheme.as_deref(), Some("http" | "https")));
        // Without a user and a password: the URL appears in errors and on pages.
        let is_plain = |rest: &str| {
            rest.chars().all(|part| part.is_ascii_graphic() && !"?#@\"'<>\\".contains(part))
        };
        match rest {
            Some(rest) if is_plain(rest) && !rest.starts_with(['/', ':']) && !rest.is_empty() => {
                let scheme = scheme.unwrap_or_default();
                Ok(Self(format!("{scheme}://{}", rest.trim_end_matches('/'))))
            }
            _ => Err(InvalidValue(
                "write a URL without query and password, such as https://fieldtest.example",
            )),
        }
    }
}

/// A secret. It has no `Debug` and no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(pub(crate) String);

impl FromStr for Secret {
    type Err = InvalidValue;

    // clap's errors quote the value, so only an empty one may be an error.
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        if text.is_empty() {
            Err(InvalidValue("must not be empty"))
        } else {
            Ok(Self(text.to_owned()))
        }
    }
}

/// Parses the name of a workspace or a key, by the rules for the name of an app.
pub(crate) fn name(text: &str) -> Result<String, AppNameError> {
    AppName::new(text.to_owned()).map(AppName::into_string)
}

/// Parses a workspace's id.
pub(crate) fn workspace_id(text: &str) -> Result<WorkspaceId, InvalidValue> {
    let expected = "not a valid id: the id of a workspace begins with org_; \
                    `fieldtest admin workspace list` shows them";
    text.parse().map_err(|_| InvalidValue(expected))
}

/// Parses a key's id.
pub(crate) fn key_id(text: &str) -> Result<ApiKeyId, InvalidValue> {
    let expected = "not a valid id: the id of a key is key_ and a UUID, and not its secret; \
                    `fieldtest admin key list` shows them";
    text.parse().map_err(|_| InvalidValue(expected))
}

/// Parses an app's client id.
pub(crate) fn client_id(text: &str) -> Result<ClientId, InvalidValue> {
    text.parse().map_err(|_| {
        InvalidValue("not a valid id: a client id is 8 letters and digits, such as FK5b0KSM")
    })
}

/// Parses a challenge's id.
pub(crate) fn challenge_id(text: &str) -> Result<ChallengeId, InvalidValue> {
    text.parse()
        .map_err(|_| InvalidValue("not a valid id: the id of a challenge is ch_ and a UUID"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_has_no_trailing_slash_and_no_secret() {
        let url = |text: &str| text.parse::<BaseUrl>().map(|url| url.0);
        assert_eq!(url("https://fieldtest.example/"), Ok("https://fieldtest.example".into()));
        assert_eq!(url("http://[::1]:8080/below//"), Ok("http://[::1]:8080/below".into()));
        assert_eq!(url("HTTP://127.0.0.1"), Ok("http://127.0.0.1".into()));
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
