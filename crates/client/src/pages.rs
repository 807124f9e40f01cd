//! Streams the items of a paginated list.

use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use http::HeaderMap;
use http::header::LINK;

use crate::ClientError;

/// The items of all pages from the offset `start` on. `read` reads the page at an offset: its
/// items, and how many there are on all pages, if the server says so. A page is read when its first
/// item is polled, and the stream ends after an error.
pub(crate) fn stream_pages<T, F>(
    start: u64,
    read: impl Fn(u64) -> F + Send + 'static,
) -> BoxStream<'static, Result<T, ClientError>>
where
    T: Send + 'static,
    F: Future<Output = Result<(Vec<T>, Option<u64>), ClientError>> + Send + 'static,
{
    let pages = stream::try_unfold(Some(start), move |offset| {
        let page = offset.map(|offset| (offset, read(offset)));
        async move {
            let Some((offset, page)) = page else { return Ok(None) };
            let (items, total) = page.await?;
            let end = offset.saturating_add(u64::try_from(items.len()).unwrap_or(u64::MAX));
            let is_last = items.is_empty() || total.is_some_and(|total| end >= total);
            Ok(Some((stream::iter(items).map(Ok), (!is_last).then_some(end))))
        }
    });
    pages.try_flatten().boxed()
}

/// The items of all pages from the cursor `first` on. `read` reads the page at a cursor: its items,
/// and the cursor of the next page, if there is one. A page is read when its first item is polled,
/// and the stream ends after an error.
pub(crate) fn stream_from_cursor<T, F>(
    first: String,
    read: impl Fn(String) -> F + Send + 'static,
) -> BoxStream<'static, Result<T, ClientError>>
where
    T: Send + 'static,
    F: Future<Output = Result<(Vec<T>, Option<String>), ClientError>> + Send + 'static,
{
    let pages = stream::try_unfold(Some(first), move |cursor| {
        let page = cursor.map(&read);
        async move {
            let Some(page) = page else { return Ok(None) };
            let (items, next) = page.await?;
            Ok(Some((stream::iter(items).map(Ok), next)))
        }
    });
    pages.try_flatten().boxed()
}

/// The cursor of the page that the `Link` header (RFC 8288) calls `next`.
pub(crate) fn next_cursor(headers: &HeaderMap) -> Option<String> {
    let links = headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok());
    let mut links = links.flat_map(|value| value.split(','));
    let next = links.find(|link| link.contains("rel=\"next\""))?;
    let (_, rest) = next.split_once('<')?;
    let (target, _) = rest.split_once('>')?;
    let (_, query) = target.split_once('?')?;
    let cursor = query.split('&').find_map(|member| member.strip_prefix("cursor="))?;
    Some(cursor.to_owned())
}
