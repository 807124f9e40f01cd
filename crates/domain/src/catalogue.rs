//! The provider catalogue: which electronic identities there are (§11).

mod file;

use serde::Deserialize;

pub use self::file::CatalogueError;
use crate::{Environment, ProviderId};

/// The catalogue's own kinds of provider, numbered as in its file and in the API (§11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderType {
    /// 1: a central service that people log in to.
    Centralized,
    /// 2: a chip in a document, read by the phone. Production tests do not cover these.
    ChipBased,
    /// 3: a wallet on the phone.
    Wallet,
}

impl ProviderType {
    /// The number used in the catalogue's file and in the API.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Centralized => 1,
            Self::ChipBased => 2,
            Self::Wallet => 3,
        }
    }
}

/// How sure a provider can be of who somebody is, from less to more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AssuranceLevel {
    /// Some confidence.
    Low,
    /// Much confidence.
    Substantial,
    /// The most there is.
    High,
}

/// What an app has to do before a provider works for it in production.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    /// Nothing.
    Direct,
    /// Be registered with the provider.
    Registration,
    /// Have a contract with the provider.
    Contract,
}

/// How a person reaches the provider from the app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FlowType {
    /// The browser is sent there and back.
    Redirect,
    /// A second device scans a code.
    Qr,
    /// The provider's app is opened on the same device.
    App2app,
    /// The provider's app is notified.
    Push,
}

/// One provider of electronic identities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// What the API calls it.
    pub id: ProviderId,
    /// What people call it.
    pub name: String,
    /// What it is, in a sentence.
    pub description: String,
    /// Where its picture is; possibly empty.
    pub logo_url: String,
    /// Where it is used: ISO 3166-1 alpha-2 codes.
    pub countries: Vec<String>,
    /// How people reach it.
    pub flow_types: Vec<FlowType>,
    /// What it can be asked for.
    pub scopes: Vec<String>,
    /// The levels of assurance that it offers.
    pub assurance_levels: Vec<AssuranceLevel>,
    /// The level that it gives when none is asked for; one of [`Provider::assurance_levels`].
    pub default_assurance_level: AssuranceLevel,
    /// What kind of provider it is.
    pub kind: ProviderType,
    /// In which deployments it works.
    pub environments: Vec<Environment>,
    /// What an app has to do before it works in production.
    pub activation: Activation,
}

/// All known providers, each id once, in the order of their file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalogue(Vec<Provider>);

impl Catalogue {
    /// The catalogue that fieldtest ships with.
    #[expect(clippy::expect_used, reason = "a constant of this crate; a test reads it")]
    #[must_use]
    pub fn built_in() -> Self {
        Self::parse(include_str!("../catalogue.toml")).expect("the shipped catalogue is valid")
    }

    /// Reads a catalogue from the text of a TOML file. The shipped `catalogue.toml` explains the
    /// form.
    ///
    /// # Errors
    /// When the text is no valid catalogue; the error names the line.
    pub fn parse(text: &str) -> Result<Self, CatalogueError> {
        file::parse(text).map(Self)
    }

    /// The provider of this id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Provider> {
        self.0.iter().find(|provider| provider.id.as_str() == id)
    }

    /// All providers, in their order.
    #[must_use]
    pub fn providers(&self) -> &[Provider] {
        &self.0
    }
}
