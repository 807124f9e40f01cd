//! `GET /connect/v1/apps/{client_id}/production-tests/events` (§7)

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use db::StoreError;
use domain::ClientId;
use domain::event::{Event, EventRange, Sequence};
use futures_util::stream;
use http_support::documentation::ServerErrors;
use http_support::error::ApiError;
use http_support::path::PathParameters;
use serde_json::Value;
use store_workspace::WorkspaceStore;
use wire::error::{ErrorEnvelope, FieldError};
use wire::event::{HEARTBEAT, LAST_EVENT_ID_HEADER, frame, opening};

use crate::caller::{Caller, Read};
use crate::documentation::AppPath;
use crate::state::{NO_SUCH_APP, WorkspaceApi};
use crate::streams::{Follower, OpenStream, StreamState};

/// How many events are read at once. It bounds the memory that a slow follower costs.
const PAGE: u32 = 100;

/// The pause before the next read when the database is unavailable.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// Tells proxies not to buffer the stream.
const UNBUFFERED: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Follow an app's production tests
///
/// A stream of server-sent events that does not end by itself. Each event has a number as its `id`,
/// its name as `event`, and this object on one line as `data`. The stream begins with the next
/// event, or with the one after `Last-Event-ID`; browsers' `EventSource` and most libraries send
/// that header by themselves when they reconnect.
#[utoipa::path(
    get,
    path = "/connect/v1/apps/{client_id}/production-tests/events",
    operation_id = "followProductionTests",
    tag = "Production tests",
    security(("workspace_api_key" = [])),
    params(
        AppPath,
        ("Last-Event-ID" = Option<String>, Header,
            description = "The `id` of the last event that arrived: the stream continues after it",
            pattern = "^(0|[1-9][0-9]{0,18})$", example = "41"),
    ),
    responses(
        (status = 200, description = "The stream", body = wire::event::Event,
            content_type = "text/event-stream"),
        Caller<Read>, AppPath, ServerErrors,
        (status = 400, body = ErrorEnvelope,
            description = "`Last-Event-ID` is not the id of an event"),
        (status = 409, body = ErrorEnvelope,
            description = "Events after `Last-Event-ID` were deleted, or it is in the future: \
                `details.resumeAfter` is the id after which the stored events begin"),
        (status = 429, body = ErrorEnvelope,
            description = "Too many requests, or too many open streams, with this key"),
    ),
)]
pub(crate) async fn follow(
    State(api): State<WorkspaceApi>,
    caller: Caller<Read>,
    path: PathParameters,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let client_id: ClientId = path.parse("client_id", NO_SUCH_APP)?;
    let app = api.app(&caller.workspace_id, &client_id).await?;
    let resume_after = last_event_id(&headers)?;
    let stored = api.store.event_range(&app.workspace_id, &app.client_id).await?;
    let last = match resume_after {
        None => stored.newest,
        Some(last) if stored.has_all_after(last) => last,
        Some(_) => return Err(has_a_gap(stored)),
    };
    let follower = Follower {
        workspace_id: app.workspace_id,
        client_id: app.client_id,
        key_id: caller.key_id,
    };
    let stream = api.streams.open(follower.clone(), stored.newest)?;
    Ok(respond(Tail {
        store: api.store.clone(),
        follower,
        stream,
        last,
        is_begun: false,
        heartbeat: api.heartbeat,
    }))
}

/// The last event that the follower received, if it says so.
fn last_event_id(headers: &HeaderMap) -> Result<Option<Sequence>, ApiError> {
    let mut given = headers.get_all(LAST_EVENT_ID_HEADER).iter();
    let Some(first) = given.next() else { return Ok(None) };
    let parsed =
        first.to_str().ok().filter(|_| given.next().is_none()).and_then(|text| text.parse().ok());
    parsed.map(Some).ok_or_else(|| {
        let message = "Last-Event-ID must be the id of an event of this stream, and stand once. \
                       Leave it out to begin with what happens from now on.";
        let value = Value::from(String::from_utf8_lossy(first.as_bytes()));
        ApiError::validation(vec![FieldError::invalid(LAST_EVENT_ID_HEADER, message, &value)])
    })
}

fn has_a_gap(stored: EventRange) -> ApiError {
    let message = "The stream cannot go on after this event: some that came after it are no longer \
                   kept, or it has not come yet. List the production tests to see how they stand, \
                   and go on after details.resumeAfter.";
    ApiError::conflict(message).with_detail("resumeAfter", stored.oldest.previous().to_string())
}

fn respond(tail: Tail) -> Response {
    let chunks = stream::unfold(tail, async |mut tail| {
        let chunk = tail.next().await?;
        Some((Ok::<_, Infallible>(chunk), tail))
    });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (UNBUFFERED, HeaderValue::from_static("no")),
    ];
    (headers, Body::from_stream(chunks)).into_response()
}

/// The rest of a stream. The connection polls it for the next chunk once the previous one is sent.
struct Tail {
    store: WorkspaceStore,
    follower: Follower,
    stream: OpenStream,
    /// The last event that was sent.
    last: Sequence,
    is_begun: bool,
    heartbeat: Duration,
}

impl Tail {
    /// The next chunk; `None` at the end.
    async fn next(&mut self) -> Option<String> {
        if !std::mem::replace(&mut self.is_begun, true) {
            return Some(opening(self.last));
        }
        loop {
            let StreamState { newest, is_over } = self.stream.state();
            if is_over {
                return None;
            }
            let mut pause = self.heartbeat;
            if newest > self.last {
                match self.read().await {
                    Ok(events) => return self.write(&events),
                    // A retry would fail in the same way.
                    Err(error @ StoreError::Internal(_)) => {
                        tracing::error!(%error, "a stream of events was ended");
                        return None;
                    }
                    Err(error) => {
                        tracing::debug!(%error, "events could not be read at the moment");
                        pause = pause.min(RETRY_PAUSE);
                    }
                }
            }
            tokio::select! {
                () = self.stream.changed() => {}
                () = tokio::time::sleep(pause) => return Some(HEARTBEAT.to_owned()),
            }
        }
    }

    async fn read(&self) -> Result<Vec<Event>, StoreError> {
        let Follower { workspace_id, client_id, .. } = &self.follower;
        self.store.events_after(workspace_id, client_id, self.last, PAGE).await
    }

    /// These events as a chunk of the stream. If an event is missing, because it was deleted before
    /// a slow follower took it, the stream ends, and a reconnect is answered with the gap.
    fn write(&mut self, events: &[Event]) -> Option<String> {
        let mut chunk = String::new();
        for event in events {
            if event.sequence != self.last.next() {
                break;
            }
            match frame(event) {
                Ok(frame) => chunk.push_str(&frame),
                Err(error) => {
                    tracing::error!(%error, "an event could not be written");
                    return None;
                }
            }
            self.last = event.sequence;
        }
        (!chunk.is_empty()).then_some(chunk)
    }
}
