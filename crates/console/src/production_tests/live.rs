//! `GET /console/apps/{client_id}/events`: the event stream of §7 for a page that is open.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, Method};
use axum::response::Response;
use http_support::error::ApiError;

use crate::session::Session;
use crate::state::Console;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

pub(crate) async fn follow(
    State(console): State<Console>,
    Path(client_id): Path<String>,
    headers: HeaderMap,
    session: Session,
) -> Result<Response, ApiError> {
    let path = format!("/apps/{client_id}/production-tests/events");
    let mut passed_on = HeaderMap::new();
    if let Some(last) = headers.get(LAST_EVENT_ID) {
        passed_on.insert(LAST_EVENT_ID, last.clone());
    }
    console.api(&session).respond(Method::GET, &path, None, passed_on).await
}
