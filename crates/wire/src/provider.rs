//! The provider catalogue, as an app sees it (§11).

use domain::app::App;
use domain::catalogue::{self, Activation as Way};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::error::FieldError;
use crate::fields::Fields;

/// A provider of electronic identities, and how far an app has come with it (§11).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Provider {
    /// What the API calls it.
    #[schema(example = "bankidse")]
    pub id: String,
    /// What people call it.
    #[schema(example = "BankID SE")]
    pub name: String,
    /// What it is, in a sentence.
    pub description: String,
    /// Where its picture is; possibly empty.
    pub logo_url: String,
    /// Where it is issued: ISO 3166-1 alpha-2 codes; empty if it is not tied to countries.
    #[schema(example = json!(["SE"]))]
    pub countries: Vec<String>,
    /// How people get from the app to it.
    pub flow_types: Vec<FlowType>,
    /// What it can be asked for, as OpenID Connect calls it.
    pub scopes: Vec<String>,
    /// The levels of assurance that it offers.
    pub loa: Vec<AssuranceLevel>,
    /// The level that counts when none is asked for.
    pub default_loa: AssuranceLevel,
    /// 1 a centralized identity provider, 2 chip-based, 3 a wallet.
    #[serde(rename = "type")]
    pub kind: u8,
    /// Whether the app can use it.
    pub is_active: bool,
    /// Whether somebody has to do something before the app can use it: it waits for the operator's
    /// approval.
    pub need_action: bool,
    /// Only with `include=activation`: how far it has come.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    pub status: Option<ProviderStatus>,
    /// Only with `include=activation`: what stands between wanting it and using it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    pub activation: Option<Activation>,
}

/// How people get from an app to a provider (§11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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

/// A level of assurance: how sure a provider is of who somebody is (§11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AssuranceLevel {
    /// Some confidence.
    Low,
    /// Much confidence.
    Substantial,
    /// The most there is.
    High,
}

/// What can be added to a provider where it is asked for (§11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum ProviderInclude {
    /// Its status and its activation.
    Activation,
}

/// How far an app has come with a provider (§11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ProviderStatus {
    /// It can be used.
    Active,
    /// It waits for the operator's approval.
    Pending,
    /// It is not enabled.
    Inactive,
}

/// What stands between wanting a provider and using it (§11).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ProviderActivation)]
pub struct Activation {
    /// What has to be done in production.
    #[serde(rename = "type")]
    pub kind: ActivationType,
    /// Where it stands; null while the provider is not enabled.
    #[schema(required = true)]
    pub current_step: Option<ActivationStep>,
}

/// What has to be done before a provider works for an app in production (§11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ActivationType {
    /// Nothing.
    Direct,
    /// The app has to be registered with the provider.
    Registration,
    /// Somebody has to have a contract with the provider.
    Contract,
}

/// Where an activation stands (§11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ActivationStep {
    /// The operator has to approve it.
    Approval,
    /// Nothing is left to do.
    Completed,
}

/// What became of enabling or disabling a provider (§11).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ProviderActivationResult)]
pub struct ActivationResult {
    /// The provider.
    #[schema(example = "bankidse")]
    pub provider_id: String,
    /// Whether the app can use it now.
    pub enabled: bool,
    /// Where the activation stands; null when it is disabled.
    #[schema(required = true)]
    pub current_step: Option<ActivationStep>,
}

/// Whether a provider is wanted (§11).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = SetProviderActivation)]
pub struct SetActivation {
    /// Whether the app wants it.
    pub enabled: bool,
}

/// Reads whether a provider is wanted.
///
/// # Errors
/// Every offending field.
pub fn read_activation(body: &Map<String, Value>) -> Result<SetActivation, Vec<FieldError>> {
    let mut fields = Fields::of(body);
    let enabled = fields.required("enabled", "enabled", "true or false", Value::as_bool);
    fields.finish(enabled.map(|enabled| SetActivation { enabled }))
}

impl ProviderStatus {
    fn of(app: &App, provider: &catalogue::Provider) -> Self {
        if app.enabled_providers.contains(&provider.id) {
            Self::Active
        } else if app.requested_providers.contains(&provider.id) {
            Self::Pending
        } else {
            Self::Inactive
        }
    }

    fn step(self) -> Option<ActivationStep> {
        match self {
            Self::Active => Some(ActivationStep::Completed),
            Self::Pending => Some(ActivationStep::Approval),
            Self::Inactive => None,
        }
    }
}

impl Provider {
    /// A provider as this app sees it, with its activation if that is wanted.
    #[must_use]
    pub fn new(provider: &catalogue::Provider, app: &App, with_activation: bool) -> Self {
        let status = ProviderStatus::of(app, provider);
        let catalogue::Provider {
            id,
            name,
            description,
            logo_url,
            countries,
            flow_types,
            scopes,
            assurance_levels,
            default_assurance_level,
            kind,
            environments: _,
            activation,
        } = provider;
        Self {
            id: id.as_str().to_owned(),
            name: name.clone(),
            description: description.clone(),
            logo_url: logo_url.clone(),
            countries: countries.clone(),
            flow_types: flow_types.iter().map(|flow| (*flow).into()).collect(),
            scopes: scopes.clone(),
            loa: assurance_levels.iter().map(|level| (*level).into()).collect(),
            default_loa: (*default_assurance_level).into(),
            kind: kind.number(),
            is_active: status == ProviderStatus::Active,
            need_action: status == ProviderStatus::Pending,
            status: with_activation.then_some(status),
            activation: with_activation
                .then(|| Activation { kind: (*activation).into(), current_step: status.step() }),
        }
    }
}

impl ActivationResult {
    /// How an app stands with a provider.
    #[must_use]
    pub fn new(provider: &catalogue::Provider, app: &App) -> Self {
        let status = ProviderStatus::of(app, provider);
        Self {
            provider_id: provider.id.as_str().to_owned(),
            enabled: status == ProviderStatus::Active,
            current_step: status.step(),
        }
    }
}

impl From<Way> for ActivationType {
    fn from(way: Way) -> Self {
        match way {
            Way::Direct => Self::Direct,
            Way::Registration => Self::Registration,
            Way::Contract => Self::Contract,
        }
    }
}

impl From<catalogue::FlowType> for FlowType {
    fn from(flow: catalogue::FlowType) -> Self {
        match flow {
            catalogue::FlowType::Redirect => Self::Redirect,
            catalogue::FlowType::Qr => Self::Qr,
            catalogue::FlowType::App2app => Self::App2app,
            catalogue::FlowType::Push => Self::Push,
        }
    }
}

impl From<catalogue::AssuranceLevel> for AssuranceLevel {
    fn from(level: catalogue::AssuranceLevel) -> Self {
        match level {
            catalogue::AssuranceLevel::Low => Self::Low,
            catalogue::AssuranceLevel::Substantial => Self::Substantial,
            catalogue::AssuranceLevel::High => Self::High,
        }
    }
}
