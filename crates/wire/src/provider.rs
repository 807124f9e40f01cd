//! The provider catalogue from an app's point of view (§11).

use std::collections::BTreeMap;

use domain::app::App;
use domain::catalogue;
use domain::production_test::is_blank;
use domain::{ActivationId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::Moment;
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
    /// The levels of assurance that it offers: 2 is low, 3 substantial and 4 high, as eIDAS has them.
    #[schema(example = json!([3, 4]))]
    pub loa: Vec<u8>,
    /// The level that applies when none is requested.
    #[schema(minimum = 1, maximum = 5, example = 3)]
    pub default_loa: u8,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum FlowType {
    /// The browser is redirected to the provider, or to its app, and back.
    Redirect,
    /// A second device scans a QR code.
    Qr,
    /// The provider's app gets a push notification.
    Push,
    /// The browser asks a wallet for a credential.
    Dc,
}

/// The status of a provider for an app (§11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProviderStatus {
    /// It was not requested.
    NotActivated,
    /// It was requested, and awaits the operator.
    ActivationRequested,
    /// The operator works on it. fieldtest itself never answers this.
    ActivationProcessing,
    /// The operator has rejected it. fieldtest itself never answers this.
    Rejected,
    /// The app can use it.
    Activated,
}

/// The activation of a provider for an app (§11).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ProviderActivation)]
pub struct Activation {
    /// The status.
    pub status: ProviderStatus,
    /// The id: `act_` and a UUID; null while the provider is not requested.
    #[schema(required = true, example = "act_5d0c6d0e-8f3b-8a52-9d0f-3a1b6c7d8e9f")]
    pub id: Option<String>,
    /// What has to be told to activate it in production.
    pub requirements: Vec<Requirement>,
    /// When it was requested; null while it is not.
    #[schema(required = true)]
    pub requested_at: Option<Moment>,
    /// When it was activated; null while it is not.
    #[schema(required = true)]
    pub activated_at: Option<Moment>,
}

/// What has to be told to activate a provider (§11).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ActivationRequirement)]
pub struct Requirement {
    /// The name of the member.
    #[schema(example = "legalCompanyName")]
    pub id: String,
    /// The name for people.
    #[schema(example = "Legal company name")]
    pub label: String,
    /// The type of the value: `text`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it has to be told.
    pub required: bool,
}

/// The step of an activation (§11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ActivationStep {
    /// It is complete.
    Activated,
    /// The operator needs to know who asks, and has to approve.
    ActivationForm,
    /// A document has to be uploaded. fieldtest itself never answers this.
    Upload,
    /// A key of the provider has to be told. fieldtest itself never answers this.
    ApiKey,
    /// The provider is off.
    Enable,
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
    /// The current step of the activation.
    pub current_step: ActivationStep,
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
            Self::Activated
        } else if app.requested_providers.contains(&provider.id) {
            Self::ActivationRequested
        } else {
            Self::NotActivated
        }
    }

    fn step(self) -> ActivationStep {
        match self {
            Self::Activated => ActivationStep::Activated,
            Self::NotActivated => ActivationStep::Enable,
            Self::ActivationRequested | Self::ActivationProcessing | Self::Rejected => {
                ActivationStep::ActivationForm
            }
        }
    }
}

/// What a provider that needs a registration wants to know.
fn requirements(activation: catalogue::Activation) -> Vec<Requirement> {
    match activation {
        catalogue::Activation::Registration => vec![Requirement {
            id: LEGAL_COMPANY_NAME.into(),
            label: "Legal company name".into(),
            kind: "text".into(),
            required: true,
        }],
        catalogue::Activation::Direct | catalogue::Activation::Contract => Vec::new(),
    }
}

/// The member that a registration needs.
const LEGAL_COMPANY_NAME: &str = "legalCompanyName";

impl Provider {
    /// The body for this provider and app. `set_at` is when the provider got its state.
    #[must_use]
    pub fn with_activation(
        provider: &catalogue::Provider,
        app: &App,
        set_at: Option<Timestamp>,
    ) -> Self {
        let status = ProviderStatus::of(app, provider);
        let is_requested = status != ProviderStatus::NotActivated;
        let id = || ActivationId::of(&app.client_id, &provider.id).to_string();
        let set_at = set_at.map(Moment::from);
        let activation = Activation {
            status,
            id: is_requested.then(id),
            requirements: requirements(provider.activation),
            requested_at: set_at.filter(|_| is_requested),
            activated_at: set_at.filter(|_| status == ProviderStatus::Activated),
        };
        Self { status: Some(status), activation: Some(activation), ..Self::new(provider, app) }
    }

    /// The body for this provider and app, without the activation.
    #[must_use]
    pub fn new(provider: &catalogue::Provider, app: &App) -> Self {
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
            activation: _,
        } = provider;
        let mut flows: Vec<FlowType> = Vec::new();
        for flow in flow_types {
            let flow = (*flow).into();
            if !flows.contains(&flow) {
                flows.push(flow);
            }
        }
        Self {
            id: id.as_str().to_owned(),
            name: name.clone(),
            description: description.clone(),
            logo_url: logo_url.clone(),
            countries: countries.clone(),
            flow_types: flows,
            scopes: scopes.clone(),
            loa: assurance_levels.iter().map(|level| number(*level)).collect(),
            default_loa: number(*default_assurance_level),
            kind: kind.number(),
            is_active: status == ProviderStatus::Activated,
            need_action: status == ProviderStatus::ActivationRequested,
            status: None,
            activation: None,
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
            enabled: status == ProviderStatus::Activated,
            current_step: status.step(),
        }
    }
}

impl From<catalogue::FlowType> for FlowType {
    fn from(flow: catalogue::FlowType) -> Self {
        match flow {
            // An app is opened by a redirect as well.
            catalogue::FlowType::Redirect | catalogue::FlowType::App2app => Self::Redirect,
            catalogue::FlowType::Qr => Self::Qr,
            catalogue::FlowType::Push => Self::Push,
            catalogue::FlowType::Dc => Self::Dc,
        }
    }
}

/// A level of assurance as the published API numbers it.
fn number(level: catalogue::AssuranceLevel) -> u8 {
    match level {
        catalogue::AssuranceLevel::Low => 2,
        catalogue::AssuranceLevel::Substantial => 3,
        catalogue::AssuranceLevel::High => 4,
    }
}

/// Providers to activate, each with what it wants to know (§11).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(
    as = ActivateProviders,
    example = json!({ "providers": { "passport": {}, "mitid": { "legalCompanyName": "Acme AB" } } })
)]
pub struct ActivateProviders {
    /// By the providers' ids: at most 100 of them.
    #[schema(value_type = BTreeMap<String, BTreeMap<String, String>>)]
    pub providers: BTreeMap<String, Map<String, Value>>,
}

/// What came of the activation of one provider: the activation, or why there is none (§11).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ProviderActivationOutcome)]
pub struct ActivationOutcome {
    /// The activation's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub id: Option<String>,
    /// Its status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub status: Option<ProviderStatus>,
    /// When it got it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub updated_at: Option<Moment>,
    /// `contract_activation_required`, `unknown_provider` or `missing_requirement`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub error: Option<String>,
    /// What is wrong and what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub message: Option<String>,
    /// Whom to write to about a contract; null if the operator does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub contact: Option<String>,
}

impl ActivationOutcome {
    /// Why there is no activation.
    #[must_use]
    pub fn refused(error: &str, message: &str, contact: Option<&str>) -> Self {
        Self {
            id: None,
            status: None,
            updated_at: None,
            error: Some(error.to_owned()),
            message: Some(message.to_owned()),
            contact: contact.map(str::to_owned),
        }
    }

    /// The activation of a provider.
    #[must_use]
    pub fn of(provider: &Provider) -> Self {
        let activation = provider.activation.as_ref();
        Self {
            id: activation.and_then(|it| it.id.clone()),
            status: provider.status,
            updated_at: activation.and_then(|it| it.activated_at.or(it.requested_at)),
            error: None,
            message: None,
            contact: None,
        }
    }
}

/// The name of a member that a provider needs and that is missing or blank.
#[must_use]
pub fn missing_requirement(
    provider: &catalogue::Provider,
    told: &Map<String, Value>,
) -> Option<String> {
    let is_told = |id: &str| {
        told.get(id)
            .and_then(Value::as_str)
            .is_some_and(|text| !is_blank(text) && text.len() <= 400)
    };
    requirements(provider.activation).into_iter().map(|it| it.id).find(|id| !is_told(id))
}

/// Reads the providers to activate.
///
/// # Errors
/// One error per invalid field.
pub fn read_activations(body: &Map<String, Value>) -> Result<ActivateProviders, Vec<FieldError>> {
    let mut fields = Fields::of(body);
    let rule = "an object with an object of texts for each of at most 100 provider ids";
    let providers = fields.required("providers", "providers", rule, |value| {
        let members = value.as_object().filter(|it| it.len() <= 100)?;
        let member = |(id, told): (&String, &Value)| {
            let told = told.as_object().filter(|told| told.values().all(Value::is_string))?;
            Some((id.clone(), told.clone()))
        };
        members.iter().map(member).collect::<Option<_>>()
    });
    fields.finish(providers.map(|providers| ActivateProviders { providers }))
}

/// The steps of an activation (§11).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ActivationSteps)]
pub struct Steps {
    /// The provider's id.
    pub provider_id: String,
    /// How far it is.
    pub state: StepsState,
    /// The index of the current step, from 0; the number of steps once all are done.
    pub current_step_index: u32,
    /// The steps, in their order.
    pub steps: Vec<Step>,
}

/// How far an activation is (§11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ActivationState)]
pub enum StepsState {
    /// It was not requested.
    NotStarted,
    /// It awaits the operator.
    InProgress,
    /// It is complete.
    Completed,
}

/// A step of an activation (§11).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ActivationStepDescription)]
pub struct Step {
    /// The type.
    #[serde(rename = "type")]
    pub kind: ActivationStep,
    /// The name for people.
    pub title: String,
    /// What happens in it.
    pub description: String,
}

impl Steps {
    /// The steps of the activation of this provider for this app.
    #[must_use]
    pub fn new(provider: &catalogue::Provider, app: &App) -> Self {
        let step = |kind, title: &str, description: &str| Step {
            kind,
            title: title.into(),
            description: description.into(),
        };
        let mut steps =
            vec![step(ActivationStep::Enable, "Enable", "Enable the provider for the app.")];
        if provider.activation != catalogue::Activation::Direct {
            let description =
                "In production, tell the operator who asks, and wait for the approval.";
            steps.push(step(ActivationStep::ActivationForm, "Approval", description));
        }
        let (state, current) = match ProviderStatus::of(app, provider) {
            ProviderStatus::NotActivated => (StepsState::NotStarted, 0),
            ProviderStatus::Activated => (StepsState::Completed, steps.len()),
            _ => (StepsState::InProgress, 1),
        };
        Self {
            provider_id: provider.id.to_string(),
            state,
            current_step_index: u32::try_from(current).unwrap_or(u32::MAX),
            steps,
        }
    }
}
