//! `GET /connect/v1/apps/{client_id}/providers/{provider_id}/activation/steps` (§11)

use axum::Json;
use axum::extract::State;
use domain::ClientId;
use http_support::documentation::ServerErrors;
use http_support::error::ApiError;
use http_support::path::PathParameters;
use wire::error::ErrorEnvelope;
use wire::provider::Steps;

use super::offered;
use crate::caller::{Caller, Read};
use crate::documentation::AppPath;
use crate::state::{NO_SUCH_APP, WorkspaceApi};

/// Read the steps of a provider's activation
///
/// The steps in their order, and how far the activation is.
#[utoipa::path(
    get,
    path = "/connect/v1/apps/{client_id}/providers/{provider_id}/activation/steps",
    operation_id = "readActivationSteps",
    tag = "Providers",
    security(("workspace_api_key" = [])),
    params(
        AppPath,
        ("provider_id" = String, Path, description = "The provider's id", example = "bankidse"),
    ),
    responses(
        (status = 200, description = "The steps", body = Steps),
        Caller<Read>, ServerErrors,
        (status = 404, body = ErrorEnvelope,
            description = "The workspace has no such app, or this deployment no such provider"),
    ),
)]
pub(crate) async fn steps(
    State(api): State<WorkspaceApi>,
    caller: Caller<Read>,
    path: PathParameters,
) -> Result<Json<Steps>, ApiError> {
    let client_id: ClientId = path.parse("client_id", NO_SUCH_APP)?;
    let app = api.app(&caller.workspace_id, &client_id).await?;
    let provider = offered(&api, &path)?;
    Ok(Json(Steps::new(provider, &app)))
}
