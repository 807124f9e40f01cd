//! Apps: the relying party's clients, each with its providers and redirect URIs (§11).

use std::collections::BTreeSet;

use crate::catalogue::Activation;
use crate::{ClientId, Environment, ProviderId, Randomness, Timestamp, WorkspaceId};

/// An app (§11), without its secret and redirect URIs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct App {
    /// The workspace that the app belongs to.
    pub workspace_id: WorkspaceId,
    /// The app's public identifier in the API.
    pub client_id: ClientId,
    /// The display name. Testers see it as the challenge's host.
    pub name: String,
    /// The providers that are enabled for the app.
    pub enabled_providers: BTreeSet<ProviderId>,
    /// The providers that await the operator's approval.
    pub requested_providers: BTreeSet<ProviderId>,
    /// When the app was created.
    pub created_at: Timestamp,
}

/// The activation state of a provider that an app has requested (§11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderState {
    /// The app can use it.
    Enabled,
    /// It awaits the operator's approval.
    Requested,
}

impl ProviderState {
    /// The name in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Requested => "requested",
        }
    }

    /// The inverse of [`ProviderState::as_str`].
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Enabled, Self::Requested].into_iter().find(|state| state.as_str() == name)
    }

    /// The state right after an app requests a provider. In production, a provider that needs a
    /// registration or a contract awaits approval; every other one is enabled at once.
    #[must_use]
    pub fn initial(activation: Activation, environment: Environment) -> Self {
        match (environment, activation) {
            (Environment::Sandbox, _) | (Environment::Production, Activation::Direct) => {
                Self::Enabled
            }
            (Environment::Production, Activation::Registration | Activation::Contract) => {
                Self::Requested
            }
        }
    }
}

/// A new client secret: 64 hexadecimal digits (256 random bits). It is shown once, and only its
/// hash is stored.
#[must_use]
pub fn new_client_secret(randomness: &dyn Randomness) -> String {
    let mut bytes = [0; 32];
    randomness.fill(&mut bytes);
    hex::encode(bytes)
}

/// The redacted form of a secret, with its last four characters: `****1a2b`.
#[must_use]
pub fn preview(secret: &str) -> String {
    let shown = secret.len().checked_sub(4).and_then(|start| secret.get(start..));
    format!("****{}", shown.unwrap_or_default())
}

/// A redirect URI of an app: absolute, with a host, without a fragment, at most 2048 characters; in
/// production https, or http for this machine (§11).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedirectUri(String);

/// The text is not a valid redirect URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be an absolute URI with a host, without a user and without a fragment, at most {} \
     characters",
    RedirectUri::MAX_LENGTH
)]
pub struct RedirectUriError;

impl RedirectUri {
    /// The greatest length, in characters.
    pub const MAX_LENGTH: usize = 2048;
    /// How many redirect URIs an app may have.
    pub const MAX_PER_APP: usize = 20;

    /// Checks a URI, and writes its host in lower case. In a sandbox custom schemes are accepted,
    /// because mobile apps use them; schemes that a browser would execute never are.
    ///
    /// # Errors
    /// When it has no scheme or no host, a user, a port out of range, a fragment, characters that are
    /// not allowed in a URI, is too long, or is not https where that is required.
    pub fn new(text: &str, environment: Environment) -> Result<Self, RedirectUriError> {
        let (scheme, rest) = text.split_once("://").ok_or(RedirectUriError)?;
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, tail) = rest.split_at_checked(end).ok_or(RedirectUriError)?;
        let (host, has_port) = match authority.split_once(':') {
            Some((host, port)) => (host, is_port(port)),
            None => (authority, true),
        };
        let is_local = matches!(host.to_ascii_lowercase().as_str(), "localhost" | "127.0.0.1");
        let scheme_fits = match (environment, scheme.to_ascii_lowercase().as_str()) {
            (_, "javascript" | "data" | "vbscript") => false,
            (Environment::Production, "https") => true,
            (Environment::Production, "http") => is_local,
            (Environment::Production, _) => false,
            (Environment::Sandbox, _) => is_scheme(scheme),
        };
        let tail_fits = tail
            .chars()
            .all(|letter| letter.is_ascii_graphic() && !"#\"<>\\^`{|}".contains(letter));
        let fits = scheme_fits && host.split('.').all(is_label) && has_port && tail_fits;
        if fits && text.len() <= Self::MAX_LENGTH {
            Ok(Self(format!("{scheme}://{}{tail}", authority.to_ascii_lowercase())))
        } else {
            Err(RedirectUriError)
        }
    }

    /// The URI as text.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

fn is_scheme(text: &str) -> bool {
    let mut letters = text.chars();
    letters.next().is_some_and(|first| first.is_ascii_alphabetic())
        && letters.all(|letter| letter.is_ascii_alphanumeric() || "+-.".contains(letter))
}

/// A part of a host's name between dots.
fn is_label(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

fn is_port(text: &str) -> bool {
    !text.starts_with(['0', '+']) && text.parse::<u16>().is_ok()
}

/// The name of an app: 1 to 100 characters, not blank, because testers see it (§11).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppName(String);

/// Why a text is not a valid app name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppNameError {
    /// Only white space and control characters.
    #[error("must not be blank")]
    Blank,
    /// Contains U+0000, which PostgreSQL cannot store.
    #[error("must not contain the character U+0000")]
    Null,
    /// More than [`AppName::MAX_LENGTH`] characters.
    #[error("must have at most {} characters", AppName::MAX_LENGTH)]
    TooLong,
}

impl AppName {
    /// The greatest length, in characters.
    pub const MAX_LENGTH: usize = 100;

    /// Checks a name.
    ///
    /// # Errors
    /// When it is blank, too long or contains U+0000.
    pub fn new(name: String) -> Result<Self, AppNameError> {
        if crate::production_test::is_blank(&name) {
            Err(AppNameError::Blank)
        } else if name.chars().count() > Self::MAX_LENGTH {
            Err(AppNameError::TooLong)
        } else if name.contains('\0') {
            Err(AppNameError::Null)
        } else {
            Ok(Self(name))
        }
    }

    /// The name as text.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, environment: Environment) -> Option<String> {
        RedirectUri::new(text, environment).ok().map(RedirectUri::into_string)
    }

    #[test]
    fn a_redirect_uri_is_a_page_or_an_app_but_no_script() {
        for good in [
            "https://bank.example/back",
            "https://bank.example",
            "http://localhost:3000/",
            "com.bank.app://back",
            "https://b.example:65535/?a=1&b=%20",
        ] {
            assert_eq!(read(good, Environment::Sandbox).as_deref(), Some(good));
        }
        for wrong in [
            "",
            "bank.example/back",
            "https:",
            "https://",
            "https:///cb",
            "https://a b",
            "https://a/#x",
            "https://bank.example:99999/cb",
            "https://bank.example:/cb",
            "https://bank.example:080/cb",
            "https://bank.example@evil.example/",
            "https://-a.example/",
            "https://a..example/",
            "javascript://a/%0aalert(1)",
            "1a://b",
            "://x",
        ] {
            assert_eq!(read(wrong, Environment::Sandbox), None, "{wrong}");
        }
        let long = |length: usize| format!("https://a/{}", "a".repeat(length));
        assert!(read(&long(2038), Environment::Sandbox).is_some());
        assert!(read(&long(2039), Environment::Sandbox).is_none());
    }

    #[test]
    fn in_production_it_is_https_or_on_this_machine() {
        for good in ["https://bank.example/back", "http://localhost:3000/", "http://127.0.0.1/"] {
            assert!(read(good, Environment::Production).is_some(), "{good}");
        }
        for wrong in ["http://bank.example/back", "com.bank.app://back"] {
            assert!(read(wrong, Environment::Production).is_none(), "{wrong}");
        }
    }

    #[test]
    fn its_host_is_written_in_lower_case() {
        let read = read("https://Bank.EXAMPLE:8443/Back?A=B", Environment::Sandbox);
        assert_eq!(read.as_deref(), Some("https://bank.example:8443/Back?A=B"));
    }

    #[test]
    fn a_preview_shows_the_last_four_characters() {
        assert_eq!(preview("0123456789abcdef"), "****cdef");
        assert_eq!(preview("abc"), "****");
    }
}
