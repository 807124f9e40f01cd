//! `GET /connect/v1/apps` (§11)

use axum::Json;
use axum::extract::State;
use http_support::documentation::ServerErrors;
use http_support::error::ApiError;
use http_support::query::{LARGEST_OFFSET, QueryParameters};
use wire::app::AppPage;
use wire::page::MAX_PAGE_SIZE;

use super::with_webhooks;
use crate::caller::{Caller, Read};
use crate::state::WorkspaceApi;

/// How many apps a page has without `limit`.
const DEFAULT_LIMIT: u32 = 20;

/// List apps
///
/// The workspace's apps, oldest first.
#[utoipa::path(
    get,
    path = "/connect/v1/apps",
    operation_id = "listApps",
    tag = "Apps",
    security(("workspace_api_key" = [])),
    params(
        ("limit" = Option<u32>, Query, description = "How many at most; 20 if left out",
            minimum = 1, maximum = 100),
        ("offset" = Option<u64>, Query, description = "How many to leave out at the beginning",
            minimum = 0, maximum = 9_007_199_254_740_991_i64),
    ),
    responses(
        (status = 200, description = "The apps", body = AppPage),
        Caller<Read>, QueryParameters, ServerErrors,
    ),
)]
pub(crate) async fn list(
    State(api): State<WorkspaceApi>,
    caller: Caller<Read>,
    mut query: QueryParameters,
) -> Result<Json<AppPage>, ApiError> {
    let limit = query.take("limit", "an integer from 1 to 100", |limit: &u32| {
        (1..=MAX_PAGE_SIZE).contains(limit)
    });
    let offset = query.take("offset", "a whole number from 0 to 9007199254740991", |offset| {
        *offset <= LARGEST_OFFSET
    });
    query.finish()?;
    let (limit, offset) = (limit.unwrap_or(DEFAULT_LIMIT), offset.unwrap_or_default());
    let page = api.store.app_records(&caller.workspace_id, limit, offset).await?;
    Ok(Json(AppPage {
        data: with_webhooks(&api, page.apps).await?,
        total: page.total,
        limit,
        offset,
    }))
}
