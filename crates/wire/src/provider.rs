//! The provider catalogue from an app's point of view (§11).

use domain::app::App;
use domain::catalogue;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::error::FieldError;
use crate::fields::Fields;

/// A provider of electronic identities, with the state of its activation for an app (§11).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Provider {
    /// The provider's id.
    #[schema(example = "bankidse")]
    pub id: String,
    /// The display name.
    #[schema(example = "BankID SE")]
    pub name: String,
    /// A description in one sentence.
    pub description: String,
    /// The URL of the logo; possibly empty.
    pub logo_url: String,
    /// The countries that issue it: ISO 3166-1 alpha-2 codes; empty if there are none.
    #[schema(example = json!(["SE"]))]
    pub countries: Vec<String>,
    /// How users get from the app to the provider.
    pub flow_types: Vec<FlowType>,
    /// The OpenID Connect scopes that it supports.
    pub scopes: Vec<String>,
    /// The levels of assurance that it offers.
    pub loa: Vec<AssuranceLevel>,
    /// The level that applies when none is requested.
    pub default_loa: AssuranceLevel,
    /// The type: 1 for a centralized identity provider, 2 for chip-based, 3 for a wallet.
    #[serde(rename = "type")]
    pub kind: u8,
    /// Whether the app can use it.
    pub is_active: bool,
    /// Whether it awaits the operator's approval.
    pub need_action: bool,
    /// The status; only with `include=activation`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    pub status: Option<ProviderStatus>,
    /// The activation; only with `include=activation`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    pub activation: Option<Activation>,
}

/// How users get from an app to a provider (§11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
}

/// A level of assurance of the user's identity (eIDAS) (§11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AssuranceLevel {
    /// Limited confidence.
    Low,
    /// Substantial confidence.
    Substantial,
    /// The highest confidence.
    High,
}

/// Optional parts of a provider in a response (§11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum ProviderInclude {
    /// The status and the activation.
    Activation,
}

/// The status of a provider for an app (§11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ProviderStatus {
    /// The app can use it.
    Active,
    /// It awaits the operator's approval.
    Pending,
    /// It is not enabled.
    Inactive,
}

/// The activation of a provider for an app (§11).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ProviderActivation)]
pub struct Activation {
    /// What the activation requires in production.
    #[serde(rename = "type")]
    pub kind: ActivationType,
    /// The current step; null while the provider is not requested.
    #[schema(required = true)]
    pub current_step: Option<ActivationStep>,
}

/// What an app has to do before it can use a provider in production (§11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ActivationType {
    /// Nothing.
    Direct,
    /// The app has to be registered with the provider.
    Registration,
    /// A contract with the provider has to be signed.
    Contract,
}

/// The step of an activation (§11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ActivationStep {
    /// The operator has to approve the provider.
    Approval,
    /// The activation is complete.
    Completed,
}

/// The result of enabling or disabling a provider (§11).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ProviderActivationResult)]
pub struct ActivationResult {
    /// The provider's id.
    #[schema(example = "bankidse")]
    pub provider_id: String,
    /// Whether the app can use the provider.
    pub enabled: bool,
    /// The current step of the activation; null if the provider is disabled.
    #[schema(required = true)]
    pub current_step: Option<ActivationStep>,
}

/// A request to enable or disable a provider (§11).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = SetProviderActivation)]
pub struct SetActivation {
    /// Whether to enable the provider.
    pub enabled: bool,
}

/// Reads a request to enable or disable a provider.
///
/// # Errors
/// One error per invalid field.
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
    /// The body for this provider and app, with status and activation if `with_activation` is set.
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
    /// The result for this provider and app.
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

impl From<catalogue::Activation> for ActivationType {
    fn from(activation: catalogue::Activation) -> Self {
        match activation {
            catalogue::Activation::Direct => Self::Direct,
            catalogue::Activation::Registration => Self::Registration,
            catalogue::Activation::Contract => Self::Contract,
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
