//! `GET /connect/v1/apps/{client_id}/production-tests` (§6)

use std::str::FromStr;

use axum::Json;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use domain::challenge_request::{ChallengeRequest, Status};
use domain::{ClientId, RequestId};
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

/// What the value of `cursor` must be.
const CURSOR: &str = "empty or the cursor of the Link header of the page before";

/// List an app's production tests
///
/// All of them, oldest first. With `limit` one page of them, with links to the other pages in
/// `Link` and the number of all items in `X-Total-Count`. With `cursor` pages that show each test
/// once, while others order: `Link` has the next one. An item is a `request` until it is
/// scheduled, and a `challenge` from then on.
#[utoipa::path(
    get,
    path = "/connect/v1/apps/{client_id}/production-tests",
    operation_id = "listProductionTests",
    tag = "Production tests",
    security(("workspace_api_key" = [])),
    params(
        AppPath,
        ("limit" = Option<u32>, Query,
            description = "The maximum number of items. Default: all; with `cursor` 100",
            minimum = 1, maximum = 100),
        ("cursor" = Option<String>, Query,
            pattern = r"^(req_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?$",
            description = "Where the page begins: empty for the first page, then as `next` in \
                `Link` says"),
        ("offset" = Option<u64>, Query, description = "How many items to skip, with `cursor` after it",
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
                description = "With `cursor`: the next page. With `limit` alone: the first, \
                    previous, next and last page (RFC 8288)"),
            ("X-Total-Count" = i64,
                description = "With `limit` and without `cursor`: the number of all items"))),
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
    let (filter, cursor) = read_filter(query)?;
    if let Some(Cursor(after)) = cursor {
        let limit = filter.limit.unwrap_or(MAX_PAGE_SIZE);
        // One more than the page tells whether there is a next page.
        let mut requests = api
            .store
            .challenge_requests_after(
                &caller.workspace_id,
                &client_id,
                &filter,
                after,
                limit + 1,
                filter.offset,
            )
            .await?;
        let has_next = requests.len() > limit as usize;
        requests.truncate(limit as usize);
        return Ok(cursor_page(&api, uri.path(), &filter, limit, &requests, has_next));
    }
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

/// The query parameter `cursor`: the id of the last request of the page before; empty for the first
/// page.
struct Cursor(Option<RequestId>);

impl FromStr for Cursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if text.is_empty() {
            return Ok(Self(None));
        }
        text.parse().map(|id| Self(Some(id))).map_err(|_| ())
    }
}

fn read_filter(mut query: QueryParameters) -> Result<(ListFilter, Option<Cursor>), ApiError> {
    let cursor = query.take("cursor", CURSOR, |_: &Cursor| true);
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
    let filter = ListFilter {
        scheduled: scheduled.map(|Scheduled(scheduled)| scheduled),
        status: status.map(|InStatus(status)| status),
        descending: descending.unwrap_or(false),
        limit,
        offset: offset.unwrap_or(0),
    };
    Ok((filter, cursor))
}

/// A page that begins at a cursor.
fn cursor_page(
    api: &WorkspaceApi,
    path: &str,
    filter: &ListFilter,
    limit: u32,
    requests: &[ChallengeRequest],
    has_next: bool,
) -> Response {
    let mut response = items(api, requests);
    if let Some(last) = requests.last().filter(|_| has_next) {
        let others = other_members(filter);
        let separator = if others.is_empty() { "" } else { "&" };
        let link =
            format!("<{path}?{others}{separator}limit={limit}&cursor={}>; rel=\"next\"", last.id);
        if let Ok(link) = HeaderValue::from_str(&link) {
            response.headers_mut().insert(header::LINK, link);
        }
    }
    response
}

fn items(api: &WorkspaceApi, requests: &[ChallengeRequest]) -> Response {
    let now = api.clock_and_rng.now();
    let items: Vec<ListItem> = requests.iter().map(|request| ListItem::at(now, request)).collect();
    Json(items).into_response()
}

fn answer(api: &WorkspaceApi, path: &str, filter: &ListFilter, page: &Page) -> Response {
    let mut response = items(api, &page.requests);
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
