//! `GET /connect/v1/apps/{client_id}/webhook-deliveries` (§12)

use axum::Json;
use axum::extract::State;
use domain::ClientId;
use http_support::documentation::ServerErrors;
use http_support::error::ApiError;
use http_support::path::PathParameters;
use http_support::query::QueryParameters;
use wire::page::MAX_PAGE_SIZE;
use wire::webhook::Delivery;

use super::{DeliveryId, delivery};
use crate::caller::{Caller, Read};
use crate::documentation::AppPath;
use crate::state::{NO_SUCH_APP, WorkspaceApi};

/// How many deliveries a page has by default.
const PAGE: u32 = 20;

/// List an app's deliveries
///
/// Those of the last seven days, the newest first. The next page is the one `before` the last id of
/// this one.
#[utoipa::path(
    get,
    path = "/connect/v1/apps/{client_id}/webhook-deliveries",
    operation_id = "listWebhookDeliveries",
    tag = "Webhooks",
    security(("workspace_api_key" = [])),
    params(
        AppPath,
        ("limit" = Option<u32>, Query, description = "The maximum number of deliveries",
            minimum = 1, maximum = 100),
        ("before" = Option<String>, Query,
            description = "Only deliveries before the one with this id",
            pattern = "^(0|[1-9][0-9]{0,18})$"),
    ),
    responses(
        (status = 200, description = "The deliveries", body = Vec<Delivery>),
        Caller<Read>, AppPath, QueryParameters, ServerErrors,
    ),
)]
pub(crate) async fn list(
    State(api): State<WorkspaceApi>,
    caller: Caller<Read>,
    path: PathParameters,
    mut query: QueryParameters,
) -> Result<Json<Vec<Delivery>>, ApiError> {
    let client_id: ClientId = path.parse("client_id", NO_SUCH_APP)?;
    api.app(&caller.workspace_id, &client_id).await?;
    let limit = query.take("limit", "an integer from 1 to 100", |limit: &u32| {
        (1..=MAX_PAGE_SIZE).contains(limit)
    });
    let before = query.take("before", "the id of a delivery", |_: &DeliveryId| true);
    query.finish()?;
    let before = before.map(|DeliveryId(sequence)| sequence);
    let limit = limit.unwrap_or(PAGE);
    let found = api.store.deliveries(&caller.workspace_id, &client_id, before, limit).await?;
    found.iter().map(delivery).collect::<Result<_, _>>().map(Json)
}
