//! `GET /connect/v1/apps` (§11)

use axum::Json;
use axum::extract::State;
use http_support::error::ApiError;
use http_support::query::{LARGEST_OFFSET, QueryMembers};
use wire::app::AppPage;
use wire::error::ErrorEnvelope;
use wire::page::MAX_PAGE_SIZE;

use super::shown;
use crate::WorkspaceApi;
use crate::caller::{Caller, Read};

/// How many apps a page has if nobody says.
const USUAL_PAGE: u32 = 20;

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
        ("limit" = Option<u32>, Query, description = "How many at most; 20 if left out", minimum = 1, maximum = 100),
        ("offset" = Option<u64>, Query, description = "How many to leave out at the beginning", minimum = 0,
            maximum = 9_007_199_254_740_991_i64),
    ),
    responses(
        (status = 200, description = "The apps", body = AppPage, headers(
            ("X-Request-Id" = String, description = "The request's id"))),
        (status = 400, description = "A value cannot be understood", body = ErrorEnvelope),
        (status = 401, description = "The credentials are missing or not valid here", body = ErrorEnvelope),
        (status = 429, description = "Too many requests with this key", body = ErrorEnvelope),
        (status = 500, description = "A bug in fieldtest", body = ErrorEnvelope),
        (status = 503, description = "The database cannot be reached at the moment", body = ErrorEnvelope),
    ),
)]
pub(crate) async fn list(
    State(api): State<WorkspaceApi>,
    caller: Caller<Read>,
    mut query: QueryMembers,
) -> Result<Json<AppPage>, ApiError> {
    let limit = query.take("limit", "an integer from 1 to 100", |limit: &u32| {
        (1..=MAX_PAGE_SIZE).contains(limit)
    });
    let offset = query.take("offset", "a whole number from 0 to 9007199254740991", |offset| {
        *offset <= LARGEST_OFFSET
    });
    query.finish()?;
    let (limit, offset) = (limit.unwrap_or(USUAL_PAGE), offset.unwrap_or_default());
    let page = api.store.app_records(&caller.workspace_id, limit, offset).await?;
    Ok(Json(AppPage {
        data: page.apps.into_iter().map(shown).collect(),
        total: page.total,
        limit,
        offset,
    }))
}
