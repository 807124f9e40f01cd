//! The list without `limit` (§6). It can be long, so it is read and sent part by part, as fast as
//! the caller takes it: memory is bounded by one part, and the first byte is sent after the first
//! read. Each part is read at a different time. A part begins after the last id of the part before
//! it, so no item is skipped and none is repeated.

use std::io;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use db::StoreError;
use domain::challenge_request::ChallengeRequest;
use domain::{ClientId, RequestId, WorkspaceId};
use futures_util::stream;
use http_support::error::ApiError;
use store_workspace::{LIST_BATCH, ListFilter};
use wire::production_test::ListItem;

use crate::state::WorkspaceApi;

/// The progress of sending a list.
struct Progress {
    api: WorkspaceApi,
    workspace_id: WorkspaceId,
    client_id: ClientId,
    filter: ListFilter,
    /// The last id that was sent.
    after: Option<RequestId>,
    is_over: bool,
}

pub(super) async fn answer(
    api: WorkspaceApi,
    workspace_id: WorkspaceId,
    client_id: ClientId,
    filter: ListFilter,
) -> Result<Response, ApiError> {
    let mut progress =
        Progress { api, workspace_id, client_id, filter, after: None, is_over: false };
    let first = progress.next().await?;
    let body = if progress.is_over {
        Body::from(first)
    } else {
        let rest = stream::try_unfold(progress, |mut progress| async move {
            if progress.is_over {
                return Ok(None);
            }
            match progress.next().await {
                Ok(bytes) => Ok(Some((bytes, progress))),
                Err(error) => Err(interrupted(&error)),
            }
        });
        Body::from_stream(stream::StreamExt::chain(stream::iter([Ok::<_, io::Error>(first)]), rest))
    };
    let json = HeaderValue::from_static("application/json");
    Ok(([(header::CONTENT_TYPE, json)], body).into_response())
}

/// The status was sent already. An error here aborts the connection before the end of the body, so
/// the caller sees that the list is incomplete.
fn interrupted(error: &StoreError) -> io::Error {
    tracing::warn!(%error, "a list was interrupted");
    io::Error::other("the list cannot be read to its end")
}

impl Progress {
    /// The next part of the JSON array.
    async fn next(&mut self) -> Result<Bytes, StoreError> {
        let Self { api, workspace_id, client_id, filter, after, .. } = &*self;
        let offset = if after.is_none() { filter.offset } else { 0 };
        let part = api
            .store
            .challenge_requests_after(workspace_id, client_id, filter, *after, LIST_BATCH, offset)
            .await?;
        self.is_over = u32::try_from(part.len()).unwrap_or(u32::MAX) < LIST_BATCH;
        let bytes = self.json(&part)?;
        self.after = part.last().map(|request| request.id).or(self.after);
        Ok(bytes.into())
    }

    fn json(&self, part: &[ChallengeRequest]) -> Result<Vec<u8>, StoreError> {
        let now = self.api.clock_and_rng.now();
        let mut bytes = Vec::with_capacity(512 * part.len() + 2);
        let mut separator = if self.after.is_none() { b'[' } else { b',' };
        for request in part {
            bytes.push(separator);
            serde_json::to_writer(&mut bytes, &ListItem::at(now, request)).map_err(|error| {
                StoreError::Internal(format!("an item cannot be written as JSON: {error}"))
            })?;
            separator = b',';
        }
        if self.after.is_none() && part.is_empty() {
            bytes.push(b'[');
        }
        if self.is_over {
            bytes.push(b']');
        }
        Ok(bytes)
    }
}
