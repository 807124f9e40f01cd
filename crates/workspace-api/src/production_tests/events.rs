//! `GET /connect/v1/apps/{client_id}/production-tests/events` (§7)

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use db::StoreError;
use domain::ClientId;
use domain::event::{Event, Kept, Sequence};
use futures_util::stream;
use http_support::error::ApiError;
use http_support::path::PathParameters;
use serde_json::Value;
use store_workspace::WorkspaceStore;
use wire::error::{ErrorEnvelope, FieldError};
use wire::event::{HEARTBEAT, LAST_EVENT_ID_HEADER, frame, opening};

use crate::caller::{Caller, Read};
use crate::streams::{Follower, OpenStream, Signal};
use crate::{NO_SUCH_APP, WorkspaceApi};

/// How many events are read at once: a follower who takes nothing costs no more memory than that.
const PAGE: u32 = 100;

/// How long a stream rests when the database could not be read.
const REST: Duration = Duration::from_secs(1);

/// Tells proxies not to collect what is to be seen at once.
const UNBUFFERED: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Follow an app's production tests
///
/// A stream of server-sent events that does not end by itself. Each has a number as its `id`, its
/// name as `event`, and as `data` this object on one line. It begins with what happens from now on,
/// or after the event that `Last-Event-ID` names; browsers' `EventSource` and most libraries send
/// that header by themselves when they come back.
#[utoipa::path(
    get,
    path = "/connect/v1/apps/{client_id}/production-tests/events",
    operation_id = "followProductionTests",
    tag = "Production tests",
    security(("workspace_api_key" = [])),
    params(
        ("client_id" = String, Path, description = "The app's client id", pattern = "^[0-9A-Za-z]{8}$", example = "FK5b0KSM"),
        ("Last-Event-ID" = Option<String>, Header, description = "The `id` of the last event that arrived: the stream goes on \
            after it", pattern = "^(0|[1-9][0-9]{0,18})$", example = "41"),
    ),
    responses(
        (status = 200, description = "The stream", body = wire::event::Event, content_type = "text/event-stream", headers(
            ("X-Request-Id" = String, description = "The request's id"))),
        (status = 400, description = "`Last-Event-ID` is not the id of an event", body = ErrorEnvelope),
        (status = 401, description = "The credentials are missing or not valid here", body = ErrorEnvelope),
        (status = 404, description = "The workspace has no such app", body = ErrorEnvelope),
        (status = 409, description = "Events after `Last-Event-ID` are no longer kept, or it has not come yet: \
            `details.resumeAfter` is the id after which all come that are there", body = ErrorEnvelope),
        (status = 429, description = "Too many requests, or too many open streams, with this key", body = ErrorEnvelope),
        (status = 500, description = "A bug in fieldtest", body = ErrorEnvelope),
        (status = 503, description = "The database cannot be reached at the moment", body = ErrorEnvelope),
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
    let asked = last_event_id(&headers)?;
    let kept = api.store.event_range(&app.workspace_id, &app.client_id).await?;
    let last = match asked {
        None => kept.newest,
        Some(last) if kept.has_all_after(last) => last,
        Some(_) => return Err(has_a_gap(kept)),
    };
    let follower = Follower {
        workspace_id: app.workspace_id,
        client_id: app.client_id,
        key_id: caller.key_id,
    };
    let stream = api.streams.open(follower.clone(), kept.newest)?;
    Ok(respond(Tail {
        store: api.store.clone(),
        follower,
        stream,
        last,
        is_begun: false,
        heartbeat: api.heartbeat,
    }))
}

/// The last event that arrived at the follower, if there was one.
fn last_event_id(headers: &HeaderMap) -> Result<Option<Sequence>, ApiError> {
    let mut given = headers.get_all(LAST_EVENT_ID_HEADER).iter();
    let Some(first) = given.next() else { return Ok(None) };
    let parsed =
        first.to_str().ok().filter(|_| given.next().is_none()).and_then(|text| text.parse().ok());
    parsed.map(Some).ok_or_else(|| {
        let message = "Last-Event-ID must be the id of an event of this stream, and stand once. Leave it out to begin with what \
                       happens from now on.";
        let value = Value::from(String::from_utf8_lossy(first.as_bytes()));
        ApiError::validation(vec![FieldError::invalid(LAST_EVENT_ID_HEADER, message, &value)])
    })
}

fn has_a_gap(kept: Kept) -> ApiError {
    let message = "The stream cannot go on after this event: some that came after it are no longer kept, or it has not come yet. \
                   List the production tests to see how they stand, and go on after details.resumeAfter.";
    ApiError::conflict(message).with_detail("resumeAfter", kept.oldest.previous().to_string())
}

fn respond(tail: Tail) -> Response {
    let pieces = stream::unfold(tail, async |mut tail| {
        let piece = tail.next().await?;
        Some((Ok::<_, Infallible>(piece), tail))
    });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (UNBUFFERED, HeaderValue::from_static("no")),
    ];
    (headers, Body::from_stream(pieces)).into_response()
}

/// What is still to come of a stream. It is asked for the next piece when the follower has taken
/// the one before.
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
    /// The next piece; `None` at the end.
    async fn next(&mut self) -> Option<String> {
        if !std::mem::replace(&mut self.is_begun, true) {
            return Some(opening(self.last));
        }
        loop {
            let Signal { newest, is_over } = self.stream.told();
            if is_over {
                return None;
            }
            let mut pause = self.heartbeat;
            if newest > self.last {
                match self.read().await {
                    Ok(events) => return self.write(&events),
                    // The same in a moment will not be better.
                    Err(error @ StoreError::Internal(_)) => {
                        tracing::error!(%error, "a stream of events was ended");
                        return None;
                    }
                    Err(error) => {
                        tracing::debug!(%error, "events could not be read at the moment");
                        pause = pause.min(REST);
                    }
                }
            }
            tokio::select! {
                () = self.stream.is_told() => {}
                () = tokio::time::sleep(pause) => return Some(HEARTBEAT.to_owned()),
            }
        }
    }

    async fn read(&self) -> Result<Vec<Event>, StoreError> {
        let Follower { workspace_id, client_id, .. } = &self.follower;
        self.store.events_after(workspace_id, client_id, self.last, PAGE).await
    }

    /// These events as a piece of the stream. Where one is missing because the follower was too
    /// slow for too long, the stream ends, and says so when the follower comes back.
    fn write(&mut self, events: &[Event]) -> Option<String> {
        let mut piece = String::new();
        for event in events {
            if event.sequence != self.last.next() {
                break;
            }
            match frame(event) {
                Ok(frame) => piece.push_str(&frame),
                Err(error) => {
                    tracing::error!(%error, "an event could not be written");
                    return None;
                }
            }
            self.last = event.sequence;
        }
        (!piece.is_empty()).then_some(piece)
    }
}
