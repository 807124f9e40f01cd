//! `POST /connect/v1/apps/{client_id}/activation` (§11)
//!
//! Errors, in this order: the credentials (401), the right to write (403), the body (415, 413,
//! 400), the app (404), the database (503). What is wrong with one provider is its own result.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use domain::app::{App, ProviderState};
use domain::catalogue::{self, Activation};
use domain::{ClientId, Environment};
use http_support::body::JsonObject;
use http_support::documentation::ServerErrors;
use http_support::error::ApiError;
use http_support::path::PathParameters;
use serde_json::{Map, Value};
use store_workspace::SetProvider;
use wire::provider::{
    ActivateProviders, ActivationOutcome, Provider, missing_requirement, read_activations,
};

use crate::caller::{Caller, Write};
use crate::documentation::AppPath;
use crate::state::{NO_SUCH_APP, WorkspaceApi};

/// Activate several providers
///
/// Each has its own result, so some can succeed where others do not. In a sandbox a provider is
/// activated at once; in production one that needs nothing is, one that needs a registration awaits
/// the operator, and one under contract says whom to write to. Idempotent.
#[utoipa::path(
    post,
    path = "/connect/v1/apps/{client_id}/activation",
    operation_id = "activateProviders",
    tag = "Providers",
    security(("workspace_api_key" = [])),
    params(AppPath),
    request_body(content = ActivateProviders, content_type = "application/json"),
    responses(
        (status = 200, description = "A result for each provider, by its id",
            body = BTreeMap<String, ActivationOutcome>),
        Caller<Write>, AppPath, JsonObject, ServerErrors,
    ),
)]
pub(crate) async fn activate(
    State(api): State<WorkspaceApi>,
    caller: Caller<Write>,
    path: PathParameters,
    JsonObject(body): JsonObject,
) -> Result<Json<BTreeMap<String, ActivationOutcome>>, ApiError> {
    let client_id: ClientId = path.parse("client_id", NO_SUCH_APP)?;
    let app = api.app(&caller.workspace_id, &client_id).await?;
    let ActivateProviders { providers } = read_activations(&body).map_err(ApiError::validation)?;
    let mut outcomes = BTreeMap::new();
    for (id, told) in providers {
        outcomes.insert(id.clone(), activate_one(&api, &app, &id, &told).await?);
    }
    api.evict_app(&caller.workspace_id, &client_id);
    Ok(Json(outcomes))
}

async fn activate_one(
    api: &WorkspaceApi,
    app: &App,
    id: &str,
    told: &Map<String, Value>,
) -> Result<ActivationOutcome, ApiError> {
    let provider = api.catalogue.get(id).filter(|it| it.environments.contains(&api.environment));
    let Some(provider) = provider else {
        let message = "This deployment offers no such provider.";
        return Ok(ActivationOutcome::refused("unknown_provider", message, None));
    };
    if let Some(refused) = refusal(api, provider, told) {
        return Ok(refused);
    }
    let write = SetProvider {
        workspace_id: Some(app.workspace_id.clone()),
        client_id: app.client_id.clone(),
        provider_id: provider.id.clone(),
        state: Some(ProviderState::initial(provider.activation, api.environment)),
        now: api.clock_and_rng.now(),
    };
    if !api.store.set_provider(write).await? {
        return Err(ApiError::not_found(NO_SUCH_APP));
    }
    // A provider that is enabled stays enabled when it is requested again, so the state is read.
    let app = api.app(&app.workspace_id, &app.client_id).await?;
    let times = api.store.provider_times(&app.workspace_id, &app.client_id).await?;
    let set_at = times.get(&provider.id).copied();
    Ok(ActivationOutcome::of(&Provider::with_activation(provider, &app, set_at)))
}

/// Why a provider cannot be activated like this in production.
fn refusal(
    api: &WorkspaceApi,
    provider: &catalogue::Provider,
    told: &Map<String, Value>,
) -> Option<ActivationOutcome> {
    if api.environment == Environment::Sandbox {
        return None;
    }
    if provider.activation == Activation::Contract {
        let message = "This provider needs a contract. Write to the contact of this deployment.";
        let contact = api.contact.as_deref();
        return Some(ActivationOutcome::refused("contract_activation_required", message, contact));
    }
    let missing = missing_requirement(provider, told)?;
    let message = format!("{missing} is required: it must be a text that is not blank.");
    Some(ActivationOutcome::refused("missing_requirement", &message, None))
}
