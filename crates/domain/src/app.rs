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

    /// How far a provider is as soon as an app asks for it: at its end in a sandbox, and where nothing stands in between.
    #[must_use]
    pub fn when_asked_for(activation: Activation, environment: Environment) -> Self {
        match (environment, activation) {
            (Environment::Sandbox, _) | (Environment::Production, Activation::Direct) => Self::Enabled,
            (Environment::Production, Activation::Registration | Activation::Contract) => Self::Requested,
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
