//! `PATCH /connect/v1/apps/{client_id}/providers/{provider_id}/activation` (§11)
//!
//! What can go wrong, in this order: the credentials (401), the right to change things (403), the
//! body (415, 413, 400), the app or the provider (404), the database (503).

use axum::Json;
use axum::extract::State;
use domain::ClientId;
use domain::app::ProviderState;
use http_support::body::JsonObject;
use http_support::error::ApiError;
use http_support::path::PathParameters;
use store_workspace::SetProvider;
use wire::error::ErrorEnvelope;
use wire::provider::{ActivationResult, SetActivation, read_activation};

use crate::caller::{Caller, Write};
use crate::{NO_SUCH_APP, WorkspaceApi};

const NO_SUCH_PROVIDER: &str = "This deployment offers no such provider. Check the id in the path; the list of providers has all of them.";

/// Enable or disable a provider
///
/// In a sandbox it is enabled at once, and in production if nothing has to be done for it. Where a
/// registration or a contract is needed, it waits for the operator's approval. To disable a
/// provider keeps it out of new tests; those that are ordered already go on with it.
#[utoipa::path(
    patch,
    path = "/connect/v1/apps/{client_id}/providers/{provider_id}/activation",
    operation_id = "setProviderActivation",
    tag = "Providers",
    security(("workspace_api_key" = [])),
    params(
        ("client_id" = String, Path, description = "The app's client id", pattern = "^[0-9A-Za-z]{8}$", example = "FK5b0KSM"),
        ("provider_id" = String, Path, description = "The provider's id", example = "bankidse"),
    ),
    request_body(content = SetActivation, content_type = "application/json"),
    responses(
        (status = 200, description = "How far the provider is now", body = ActivationResult, headers(
            ("X-Request-Id" = String, description = "The request's id"))),
        (status = 400, description = "The body does not say whether it is wanted", body = ErrorEnvelope),
        (status = 401, description = "The credentials are missing or not valid here", body = ErrorEnvelope),
        (status = 403, description = "The key may only read", body = ErrorEnvelope),
        (status = 404, description = "The workspace has no such app, or this deployment no such provider", body = ErrorEnvelope),
        (status = 413, description = "The body is larger than 64 KiB", body = ErrorEnvelope),
        (status = 415, description = "The body is not declared as JSON", body = ErrorEnvelope),
        (status = 429, description = "Too many requests with this key", body = ErrorEnvelope),
        (status = 500, description = "A bug in fieldtest", body = ErrorEnvelope),
        (status = 503, description = "The database cannot be reached at the moment", body = ErrorEnvelope),
    ),
)]
pub(crate) async fn activate(
    State(api): State<WorkspaceApi>,
    caller: Caller<Write>,
    path: PathParameters,
    JsonObject(body): JsonObject,
) -> Result<Json<ActivationResult>, ApiError> {
    let client_id: ClientId = path.parse("client_id", NO_SUCH_APP)?;
    let app = api.app(&caller.workspace_id, &client_id).await?;
    let provider_id: String = path.parse("provider_id", NO_SUCH_PROVIDER)?;
    let provider = api
        .catalogue
        .get(&provider_id)
        .filter(|found| found.environments.contains(&api.environment));
    let provider = provider.ok_or_else(|| ApiError::not_found(NO_SUCH_PROVIDER))?;
    let SetActivation { enabled } = read_activation(&body).map_err(ApiError::validation)?;
    let state = enabled.then(|| ProviderState::initial(provider.activation, api.environment));
    let write = SetProvider {
        workspace_id: Some(caller.workspace_id.clone()),
        client_id,
        provider_id: provider.id.clone(),
        state,
        now: api.clock_and_rng.now(),
    };
    let is_there = api.store.set_provider(write).await?;
    api.forget_app(&caller.workspace_id, &app.client_id);
    if !is_there {
        return Err(ApiError::not_found(NO_SUCH_APP));
    }
    // What was enabled before stays so when it is asked for, so how it stands is read again.
    let app = api.app(&caller.workspace_id, &app.client_id).await?;
    Ok(Json(ActivationResult::new(provider, &app)))
}
