//! Streams the items of a paginated list.

use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use http::HeaderMap;
use http::header::LINK;

use crate::ClientError;

/// The items of all pages from `first` on, the place of a page: its offset or its cursor. `read`
/// reads the page at a place: its items, and the place of the next page, if there is one. A page is
/// read when its first item is polled, and the stream ends after an error.
pub(crate) fn stream_pages<T, P, F>(
    first: P,
    read: impl Fn(P) -> F + Send + 'static,
) -> BoxStream<'static, Result<T, ClientError>>
where
    T: Send + 'static,
    P: Send + 'static,
    F: Future<Output = Result<(Vec<T>, Option<P>), ClientError>> + Send + 'static,
{
    let pages = stream::try_unfold(Some(first), move |place| {
        let page = place.map(&read);
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
