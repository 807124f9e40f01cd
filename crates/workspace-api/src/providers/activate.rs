//! `PATCH /connect/v1/apps/{client_id}/providers/{provider_id}/activation` (§11)
//!
//! Errors, in this order: the credentials (401), the right to write (403), the body (415, 413,
//! 400), the app or the provider (404), the database (503).

use axum::Json;
use axum::extract::State;
use domain::ClientId;
use domain::app::ProviderState;
use http_support::body::JsonObject;
use http_support::documentation::ServerErrors;
use http_support::error::ApiError;
use http_support::path::PathParameters;
use store_workspace::SetProvider;
use wire::error::ErrorEnvelope;
use wire::provider::{ActivationResult, SetActivation, read_activation};

use super::offered;
use crate::caller::{Caller, Write};
use crate::documentation::AppPath;
use crate::state::{NO_SUCH_APP, WorkspaceApi};

/// Enable or disable a provider
///
/// In a sandbox the provider is enabled at once, and so it is in production if it needs no
/// registration or contract. Otherwise it waits for the operator's approval. A disabled provider is
/// not part of new tests; existing tests continue with it.
#[utoipa::path(
    patch,
    path = "/connect/v1/apps/{client_id}/providers/{provider_id}/activation",
    operation_id = "setProviderActivation",
    tag = "Providers",
    security(("workspace_api_key" = [])),
    params(
        AppPath,
        ("provider_id" = String, Path, description = "The provider's id", example = "bankidse"),
    ),
    request_body(content = SetActivation, content_type = "application/json"),
    responses(
        (status = 200, description = "The provider's activation now", body = ActivationResult),
        Caller<Write>, AppPath, JsonObject, ServerErrors,
        (status = 404, body = ErrorEnvelope,
            description = "The workspace has no such app, or this deployment no such provider"),
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
    let provider = offered(&api, &path)?;
    let SetActivation { enabled } = read_activation(&body).map_err(ApiError::validation)?;
    let state = enabled.then(|| ProviderState::initial(provider.activation, api.environment));
    let write = SetProvider {
        workspace_id: Some(caller.workspace_id.clone()),
        client_id,
        provider_id: provider.id.clone(),
        state,
        now: api.clock_and_rng.now(),
    };
    let is_set = api.store.set_provider(write).await?;
    api.evict_app(&caller.workspace_id, &app.client_id);
    if !is_set {
        return Err(ApiError::not_found(NO_SUCH_APP));
    }
    // A provider that is enabled stays enabled when it is requested again, so the state is read.
    let app = api.app(&caller.workspace_id, &app.client_id).await?;
    Ok(Json(ActivationResult::new(provider, &app)))
}
