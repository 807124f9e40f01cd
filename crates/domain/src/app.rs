//! Apps: what a workspace lets people log in to (§11).

use std::collections::BTreeSet;

use crate::catalogue::Activation;
use crate::{ClientId, Environment, ProviderId, Randomness, Timestamp, WorkspaceId};

/// An app, as far as a production test needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct App {
    /// Whose it is.
    pub workspace_id: WorkspaceId,
    /// Its public name in the API.
    pub client_id: ClientId,
    /// Its name for people; testers see it as the challenge's host.
    pub name: String,
    /// The providers that are enabled for it.
    pub enabled_providers: BTreeSet<ProviderId>,
    /// The providers that wait for the operator's approval.
    pub requested_providers: BTreeSet<ProviderId>,
    /// When it was registered.
    pub created_at: Timestamp,
}

/// How far a provider that an app wants has come (§11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderState {
    /// It can be used.
    Enabled,
    /// The operator has to approve it.
    Requested,
}

impl ProviderState {
    /// The name used in the tables.
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

    /// How far a provider is as soon as an app asks for it: at its end in a sandbox, and where
    /// nothing stands in between.
    #[must_use]
    pub fn when_asked_for(activation: Activation, environment: Environment) -> Self {
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

/// A new app's secret: 64 hexadecimal digits, shown once; only its hash is stored.
#[must_use]
pub fn new_client_secret(randomness: &dyn Randomness) -> String {
    let mut bytes = [0; 32];
    randomness.fill(&mut bytes);
    hex::encode(bytes)
}

/// What may still be shown of a secret: `****1a2b`.
#[must_use]
pub fn preview(secret: &str) -> String {
    let shown = secret.len().checked_sub(4).and_then(|start| secret.get(start..));
    format!("****{}", shown.unwrap_or_default())
}

/// Where an app's users may be sent back to: an absolute URI without a fragment, 1 to 2048
/// characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedirectUri(String);

/// The text is no URI to which people can be sent back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be an absolute URI without a fragment, at most {} characters", RedirectUri::LONGEST)]
pub struct RedirectUriError;

impl RedirectUri {
    /// The greatest length, in characters.
    pub const LONGEST: usize = 2048;
    /// How many an app may have.
    pub const MOST: usize = 100;

    /// Checks a URI. Apps on phones have schemes of their own; those that would run in a page are
    /// refused.
    ///
    /// # Errors
    /// When it has no scheme, nothing behind it, a fragment, characters that no URI has, or is too
    /// long.
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
        if is_scheme && is_rest && text.len() <= Self::LONGEST {
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

/// An app's name: what stands in front of testers, so it must say something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppName(String);

/// Why a text cannot be an app's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppNameError {
    /// Nothing a tester could read.
    #[error("must not be blank")]
    Blank,
    /// Contains U+0000, which not every database can keep.
    #[error("must not contain the character U+0000")]
    Null,
    /// More than [`AppName::LONGEST`] characters.
    #[error("must have at most {} characters", AppName::LONGEST)]
    TooLong,
}

impl AppName {
    /// The greatest length, in characters.
    pub const LONGEST: usize = 100;

    /// Checks a name.
    ///
    /// # Errors
    /// When it is blank, too long or contains U+0000.
    pub fn new(name: String) -> Result<Self, AppNameError> {
        if crate::production_test::is_blank(&name) {
            Err(AppNameError::Blank)
        } else if name.chars().count() > Self::LONGEST {
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
    fn people_can_be_sent_back_to_pages_and_to_apps_and_to_nothing_that_runs() {
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
    fn of_a_secret_the_end_is_shown() {
        assert_eq!(preview("0123456789abcdef"), "****cdef");
        assert_eq!(preview("abc"), "****");
    }
}
