//! The provider catalogue: the electronic identities that an app can enable (§11).

mod file;

use serde::Deserialize;

pub use self::file::CatalogueError;
use crate::{Environment, ProviderId};

/// The type of a provider, numbered as in the catalogue file and in the API (§11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderType {
    /// 1: a central service that users log in to.
    Centralized,
    /// 2: a chip in a document, read by the phone. Production tests do not cover these.
    ChipBased,
    /// 3: a wallet on the phone.
    Wallet,
}

impl ProviderType {
    /// The number in the catalogue file and in the API.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Centralized => 1,
            Self::ChipBased => 2,
            Self::Wallet => 3,
        }
    }
}

/// A level of assurance of the user's identity (eIDAS), from low to high (§11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AssuranceLevel {
    /// Limited confidence.
    Low,
    /// Substantial confidence.
    Substantial,
    /// The highest confidence.
    High,
}

/// What an app has to do before it can use a provider in production (§11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    /// Nothing.
    Direct,
    /// Register with the provider.
    Registration,
    /// Sign a contract with the provider.
    Contract,
}

/// How a user gets from the app to the provider (§11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FlowType {
    /// The browser is redirected to the provider and back.
    Redirect,
    /// A second device scans a QR code.
    Qr,
    /// The provider's app is opened on the same device.
    App2app,
    /// The provider's app gets a push notification.
    Push,
    /// The browser asks a wallet for a credential (Digital Credentials API).
    Dc,
}

/// A provider of electronic identities (§11).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// The provider's id in the API.
    pub id: ProviderId,
    /// The display name.
    pub name: String,
    /// A description in one sentence.
    pub description: String,
    /// The URL of the logo; possibly empty.
    pub logo_url: String,
    /// The countries where it is used: ISO 3166-1 alpha-2 codes.
    pub countries: Vec<String>,
    /// How users reach it.
    pub flow_types: Vec<FlowType>,
    /// The OpenID Connect scopes that it supports.
    pub scopes: Vec<String>,
    /// The levels of assurance that it offers.
    pub assurance_levels: Vec<AssuranceLevel>,
    /// The level that applies when none is requested; one of [`Provider::assurance_levels`].
    pub default_assurance_level: AssuranceLevel,
    /// The type of the provider.
    pub kind: ProviderType,
    /// The environments in which it is available.
    pub environments: Vec<Environment>,
    /// What an app has to do before it can use the provider in production.
    pub activation: Activation,
}

/// All providers in the order of the catalogue file. Ids are unique.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalogue(Vec<Provider>);

impl Catalogue {
    /// The catalogue that is compiled into fieldtest.
    #[expect(clippy::expect_used, reason = "a constant of this crate that a test parses")]
    #[must_use]
    pub fn built_in() -> Self {
        Self::parse(include_str!("../catalogue.toml")).expect("the built-in catalogue is valid")
    }

    /// Parses a catalogue file (TOML). `catalogue.toml` of this crate documents the format.
    ///
    /// # Errors
    /// When the text is not a valid catalogue; the error names the line.
    pub fn parse(text: &str) -> Result<Self, CatalogueError> {
        file::parse(text).map(Self)
    }

    /// This catalogue, in which the providers that nobody can verify here are available nowhere
    /// (§5): what nobody could take must not be ordered.
    #[must_use]
    pub fn limited_to(mut self, is_verifiable: impl Fn(&ProviderId) -> bool) -> Self {
        for provider in &mut self.0 {
            if !is_verifiable(&provider.id) {
                provider.environments.clear();
            }
        }
        self
    }

    /// The provider with this id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Provider> {
        self.0.iter().find(|provider| provider.id.as_str() == id)
    }

    /// All providers, in the order of the file.
    #[must_use]
    pub fn providers(&self) -> &[Provider] {
        &self.0
    }
}
