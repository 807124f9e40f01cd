//! `GET /connect/v1/apps/{client_id}/production-tests` (§6)

use std::str::FromStr;

use axum::Json;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use domain::ClientId;
use domain::challenge_request::Status;
use http_support::documentation::ServerErrors;
use http_support::error::ApiError;
use http_support::path::PathParameters;
use http_support::query::{LARGEST_OFFSET, QueryParameters};
use store_workspace::{ListFilter, Page};
use wire::page::{self, MAX_PAGE_SIZE};
use wire::production_test::ListItem;

use super::streamed_list;
use crate::caller::{Caller, Read};
use crate::documentation::AppPath;
use crate::state::{NO_SUCH_APP, WorkspaceApi};

/// List an app's production tests
///
/// All of them, oldest first. With `limit` one page of them, with links to the other pages in
/// `Link` and the number of all items in `X-Total-Count`. An item is a `request` until it is
/// scheduled, and a `challenge` from then on.
#[utoipa::path(
    get,
    path = "/connect/v1/apps/{client_id}/production-tests",
    operation_id = "listProductionTests",
    tag = "Production tests",
    security(("workspace_api_key" = [])),
    params(
        AppPath,
        ("limit" = Option<u32>, Query, description = "The maximum number of items",
            minimum = 1, maximum = 100),
        ("offset" = Option<u64>, Query, description = "How many items to skip",
            minimum = 0, maximum = 9_007_199_254_740_991_i64),
        ("type" = Option<wire::production_test::ItemType>, Query,
            description = "Only items of this type"),
        ("status" = Option<wire::production_test::RequestStatus>, Query,
            description = "Only items whose request has this status"),
        ("order" = Option<wire::page::Order>, Query,
            description = "Oldest first (`asc`, the default) or newest first (`desc`)"),
    ),
    responses(
        (status = 200, description = "The production tests", body = Vec<ListItem>, headers(
            ("Link" = String,
                description = "With `limit`: the first, previous, next and last page (RFC 8288)"),
            ("X-Total-Count" = i64, description = "With `limit`: the number of all items"))),
        Caller<Read>, AppPath, QueryParameters, ServerErrors,
    ),
)]
pub(crate) async fn list(
    State(api): State<WorkspaceApi>,
    caller: Caller<Read>,
    path: PathParameters,
    OriginalUri(uri): OriginalUri,
    query: QueryParameters,
) -> Result<Response, ApiError> {
    let client_id: ClientId = path.parse("client_id", NO_SUCH_APP)?;
    api.cached_app(&caller.workspace_id, &client_id).await?;
    let filter = read_filter(query)?;
    if filter.limit.is_none() {
        return streamed_list::answer(api, caller.workspace_id, client_id, filter).await;
    }
    let page =
        api.store.challenge_requests(&caller.workspace_id, &client_id, filter.clone()).await?;
    Ok(answer(&api, uri.path(), &filter, &page))
}

/// The query parameter `type`: whether the item has become a challenge.
struct Scheduled(bool);

impl FromStr for Scheduled {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "challenge" => Ok(Self(true)),
            "request" => Ok(Self(false)),
            _ => Err(()),
        }
    }
}

/// The query parameter `order`: whether the newest item comes first.
struct Descending(bool);

impl FromStr for Descending {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "asc" => Ok(Self(false)),
            "desc" => Ok(Self(true)),
            _ => Err(()),
        }
    }
}

/// The query parameter `status`.
struct InStatus(Status);

impl FromStr for InStatus {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Status::from_name(text).map(Self).ok_or(())
    }
}

fn read_filter(mut query: QueryParameters) -> Result<ListFilter, ApiError> {
    let limit = query
        .take("limit", "a whole number from 1 to 100", |limit| (1..=MAX_PAGE_SIZE).contains(limit));
    let offset = query.take("offset", "a whole number from 0 to 9007199254740991", |offset| {
        *offset <= LARGEST_OFFSET
    });
    let scheduled = query.take("type", "request or challenge", |_: &Scheduled| true);
    let status =
        query.take("status", "pending, scheduled, failed or cancelled", |_: &InStatus| true);
    let descending = query
        .take("order", "asc or desc", |_: &Descending| true)
        .map(|Descending(descending)| descending);
    query.finish()?;
    Ok(ListFilter {
        scheduled: scheduled.map(|Scheduled(scheduled)| scheduled),
        status: status.map(|InStatus(status)| status),
        descending: descending.unwrap_or(false),
        limit,
        offset: offset.unwrap_or(0),
    })
}

fn answer(api: &WorkspaceApi, path: &str, filter: &ListFilter, page: &Page) -> Response {
    let now = api.clock_and_rng.now();
    let items: Vec<ListItem> =
        page.requests.iter().map(|request| ListItem::at(now, request)).collect();
    let mut response = Json(items).into_response();
    if let Some(limit) = filter.limit {
        let link =
            page::link_header(path, &other_members(filter), limit, filter.offset, page.total);
        let headers = response.headers_mut();
        headers.insert(page::TOTAL_COUNT_HEADER, HeaderValue::from(page.total));
        if let Ok(link) = HeaderValue::from_str(&link) {
            headers.insert(header::LINK, link);
        }
    }
    response
}

/// The query parameters that are the same for all pages.
fn other_members(filter: &ListFilter) -> String {
    let kind = filter
        .scheduled
        .map(|scheduled| if scheduled { "type=challenge" } else { "type=request" }.to_owned());
    let status = filter.status.map(|status| format!("status={status}"));
    let order = filter.descending.then(|| "order=desc".to_owned());
    let members: Vec<String> = [kind, status, order].into_iter().flatten().collect();
    members.join("&")
}
