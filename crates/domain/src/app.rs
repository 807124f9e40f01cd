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

/// A redirect URI of an app: absolute, without a fragment, at most 2048 characters (§11).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedirectUri(String);

/// The text is not a valid redirect URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be an absolute URI without a fragment, at most {} characters",
    RedirectUri::MAX_LENGTH
)]
pub struct RedirectUriError;

impl RedirectUri {
    /// The greatest length, in characters.
    pub const MAX_LENGTH: usize = 2048;
    /// How many redirect URIs an app may have.
    pub const MAX_PER_APP: usize = 100;

    /// Checks a URI. Custom schemes are accepted because mobile apps use them; schemes that a
    /// browser would execute are refused.
    ///
    /// # Errors
    /// When it has no scheme, nothing after the scheme, a fragment, characters that are not allowed
    /// in a URI, or is too long.
    pub fn new(text: String) -> Result<Self, RedirectUriError> {
        let Some((scheme, rest)) = text.split_once(':') else { return Err(RedirectUriError) };
        let mut letters = scheme.chars();
        let is_scheme = letters.next().is_some_and(|first| first.is_ascii_alphabetic())
            && letters.all(|letter| letter.is_ascii_alphanumeric() || "+-.".contains(letter))
            && !["javascript", "data", "vbscript"].contains(&scheme.to_ascii_lowercase().as_str());
        let is_rest = !rest.trim_matches('/').is_empty()
            && rest
                .chars()
                .all(|letter| letter.is_ascii_graphic() && !"#\"<>\\^`{|}".contains(letter));
        if is_scheme && is_rest && text.len() <= Self::MAX_LENGTH {
            Ok(Self(text))
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

    #[test]
    fn a_redirect_uri_is_a_page_or_an_app_but_no_script() {
        for good in [
            "https://bank.example/back",
            "http://localhost:3000/",
            "com.bank.app:/back",
            "https://b.example/?a=1&b=%20",
        ] {
            assert!(RedirectUri::new(good.into()).is_ok(), "{good}");
        }
        for wrong in [
            "",
            "bank.example/back",
            "https:",
            "https://",
            "https://a b",
            "https://a/#x",
            "javascript:alert(1)",
            "1a:b",
            ":x",
        ] {
            assert!(RedirectUri::new(wrong.into()).is_err(), "{wrong}");
        }
        assert!(RedirectUri::new(format!("https://{}", "a".repeat(2040))).is_ok());
        assert!(RedirectUri::new(format!("https://{}", "a".repeat(2041))).is_err());
    }

    #[test]
    fn a_preview_shows_the_last_four_characters() {
        assert_eq!(preview("0123456789abcdef"), "****cdef");
        assert_eq!(preview("abc"), "****");
    }
}
