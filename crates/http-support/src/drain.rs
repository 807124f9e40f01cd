//! Reads the rest of a large body that nobody wants (§1). A connection that is closed while the client is
//! still sending is reset, and the client never sees why it was refused.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use futures_util::{Stream, StreamExt};

use crate::body::LIMIT;

/// How much of a body is read and thrown away at most, in bytes.
const LONGEST: usize = 16 * 1024 * 1024;

/// How long that takes at most.
const PATIENCE: Duration = Duration::from_secs(5);

/// The request, whose body is read to its end even if nobody wants it. A small body stays as it is: the
/// server reads what is left of it.
pub(crate) fn to_the_end(request: Request) -> Request {
    if is_small(request.headers()) {
        return request;
    }
    request.map(|body| Body::from_stream(Drained { inner: Some(body.into_data_stream()), read: 0 }))
}

fn is_small(headers: &HeaderMap) -> bool {
    if headers.contains_key(header::TRANSFER_ENCODING) {
        return false;
    }
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    length.is_none_or(|length| length.parse().is_ok_and(|length: usize| length <= LIMIT))
}

struct Drained {
    inner: Option<BodyDataStream>,
    read: usize,
}

impl Stream for Drained {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(inner) = &mut self.inner else { return Poll::Ready(None) };
        let item = std::task::ready!(inner.poll_next_unpin(context));
        match &item {
            Some(Ok(bytes)) => self.read = self.read.saturating_add(bytes.len()),
            // At its end there is nothing to drain.
            Some(Err(_)) | None => self.inner = None,
        }
        Poll::Ready(item)
    }
}

impl Drop for Drained {
    fn drop(&mut self) {
        let Some(mut rest) = self.inner.take() else { return };
        let mut left = LONGEST.saturating_sub(self.read);
        // Outside of a runtime nobody is connected.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(tokio::time::timeout(PATIENCE, async move {
            while let Some(Ok(bytes)) = rest.next().await
                && bytes.len() <= left
            {
                left -= bytes.len();
            }
        }));
    }
}
