//! A list as a whole (§6), however long: it is read and sent part by part, as fast as the caller
//! takes it. So it costs no more memory than a short one, and the first byte is on its way when the
//! first part is read. Each part is of its own moment; as one begins behind the other's last id,
//! nothing is missed and nothing comes twice.

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

use crate::WorkspaceApi;

/// Where the sending of a list has got to.
struct Progress {
    api: WorkspaceApi,
    workspace_id: WorkspaceId,
    client_id: ClientId,
    filter: ListFilter,
    /// The last id that was sent.
    behind: Option<RequestId>,
    is_over: bool,
}

pub(super) async fn answer(
    api: WorkspaceApi,
    workspace_id: WorkspaceId,
    client_id: ClientId,
    filter: ListFilter,
) -> Result<Response, ApiError> {
    let mut progress =
        Progress { api, workspace_id, client_id, filter, behind: None, is_over: false };
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
                Err(error) => Err(broken_off(&error)),
            }
        });
        Body::from_stream(stream::StreamExt::chain(stream::iter([Ok::<_, io::Error>(first)]), rest))
    };
    let json = HeaderValue::from_static("application/json");
    Ok(([(header::CONTENT_TYPE, json)], body).into_response())
}

/// The status has been sent, so all that can be done is not to end the body: callers see that it is
/// not whole.
fn broken_off(error: &StoreError) -> io::Error {
    tracing::warn!(%error, "a list was broken off");
    io::Error::other("the list cannot be read to its end")
}

impl Progress {
    /// The next piece of the JSON array.
    async fn next(&mut self) -> Result<Bytes, StoreError> {
        let Self { api, workspace_id, client_id, filter, behind, .. } = &*self;
        let offset = if behind.is_none() { filter.offset } else { 0 };
        let part = api
            .store
            .challenge_requests_after(workspace_id, client_id, filter, *behind, offset)
            .await?;
        self.is_over = u32::try_from(part.len()).unwrap_or(u32::MAX) < LIST_BATCH;
        let bytes = self.json(&part)?;
        self.behind = part.last().map(|request| request.id).or(self.behind);
        Ok(bytes.into())
    }

    fn json(&self, part: &[ChallengeRequest]) -> Result<Vec<u8>, StoreError> {
        let now = self.api.clock_and_rng.now();
        let mut bytes = Vec::with_capacity(512 * part.len() + 2);
        let mut separator = if self.behind.is_none() { b'[' } else { b',' };
        for request in part {
            bytes.push(separator);
            serde_json::to_writer(&mut bytes, &ListItem::at(now, request)).map_err(|error| {
                StoreError::Internal(format!("an item that is no JSON: {error}"))
            })?;
            separator = b',';
        }
        if self.behind.is_none() && part.is_empty() {
            bytes.push(b'[');
        }
        if self.is_over {
            bytes.push(b']');
        }
        Ok(bytes)
    }
}
