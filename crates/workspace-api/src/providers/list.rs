//! `GET /connect/v1/apps/{client_id}/providers` (§11)

use axum::Json;
use axum::extract::State;
use domain::ClientId;
use http_support::documentation::ServerErrors;
use http_support::error::ApiError;
use http_support::path::PathParameters;
use http_support::query::QueryParameters;
use wire::provider::Provider;

use crate::caller::{Caller, Read};
use crate::documentation::AppPath;
use crate::state::{NO_SUCH_APP, WorkspaceApi};

/// List providers
///
/// All providers of this deployment, in the catalogue's order, and whether the app can use them.
#[utoipa::path(
    get,
    path = "/connect/v1/apps/{client_id}/providers",
    operation_id = "listProviders",
    tag = "Providers",
    security(("workspace_api_key" = [])),
    params(
        AppPath,
        ("include" = Option<String>, Query,
            description = "`activation` adds `status` and `activation` to each. It may be repeated, and \
                other values are ignored",
            example = "activation"),
    ),
    responses(
        (status = 200, description = "The providers", body = [Provider]),
        Caller<Read>, AppPath, QueryParameters, ServerErrors,
    ),
)]
pub(crate) async fn list(
    State(api): State<WorkspaceApi>,
    caller: Caller<Read>,
    path: PathParameters,
    query: QueryParameters,
) -> Result<Json<Vec<Provider>>, ApiError> {
    let client_id: ClientId = path.parse("client_id", NO_SUCH_APP)?;
    let app = api.app(&caller.workspace_id, &client_id).await?;
    // Whatever else is asked for is for other versions.
    let included = query.all("include").any(|what| what == "activation");
    let offered = api
        .catalogue
        .providers()
        .iter()
        .filter(|provider| provider.environments.contains(&api.environment));
    if !included {
        return Ok(Json(offered.map(|provider| Provider::new(provider, &app)).collect()));
    }
    let times = api.store.provider_times(&app.workspace_id, &app.client_id).await?;
    let body = |provider: &domain::catalogue::Provider| {
        Provider::with_activation(provider, &app, times.get(&provider.id).copied())
    };
    Ok(Json(offered.map(body).collect()))
}
