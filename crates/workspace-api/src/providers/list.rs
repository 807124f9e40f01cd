//! `GET /connect/v1/apps/{client_id}/providers` (§11)

use axum::Json;
use axum::extract::State;
use domain::ClientId;
use http_support::error::ApiError;
use http_support::path::PathParameters;
use http_support::query::QueryMembers;
use wire::error::ErrorEnvelope;
use wire::provider::{Provider, ProviderInclude};

use crate::caller::{Caller, Read};
use crate::{NO_SUCH_APP, WorkspaceApi};

/// List providers
///
/// All that this deployment offers, in the catalogue's order, and whether the app can use them.
#[utoipa::path(
    get,
    path = "/connect/v1/apps/{client_id}/providers",
    operation_id = "listProviders",
    tag = "Providers",
    security(("workspace_api_key" = [])),
    params(
        ("client_id" = String, Path, description = "The app's client id", pattern = "^[0-9A-Za-z]{8}$", example = "FK5b0KSM"),
        ("include" = Option<ProviderInclude>, Query, description = "`activation` adds `status` and `activation` to each",
            example = "activation"),
    ),
    responses(
        (status = 200, description = "The providers", body = [Provider], headers(
            ("X-Request-Id" = String, description = "The request's id"))),
        (status = 400, description = "A query member cannot be understood", body = ErrorEnvelope),
        (status = 401, description = "The credentials are missing or not valid here", body = ErrorEnvelope),
        (status = 404, description = "The workspace has no such app", body = ErrorEnvelope),
        (status = 429, description = "Too many requests with this key", body = ErrorEnvelope),
        (status = 500, description = "A bug in fieldtest", body = ErrorEnvelope),
        (status = 503, description = "The database cannot be reached at the moment", body = ErrorEnvelope),
    ),
)]
pub(crate) async fn list(
    State(api): State<WorkspaceApi>,
    caller: Caller<Read>,
    path: PathParameters,
    mut query: QueryMembers,
) -> Result<Json<Vec<Provider>>, ApiError> {
    let client_id: ClientId = path.parse("client_id", NO_SUCH_APP)?;
    let app = api.app(&caller.workspace_id, &client_id).await?;
    let included = query.take("include", "activation", |what: &String| what == "activation");
    query.finish()?;
    let offered = api
        .catalogue
        .providers()
        .iter()
        .filter(|provider| provider.environments.contains(&api.environment));
    Ok(Json(offered.map(|provider| Provider::new(provider, &app, included.is_some())).collect()))
}
