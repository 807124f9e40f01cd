//! Pagination of lists (§6).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The response header with the number of items on all pages.
pub const TOTAL_COUNT_HEADER: &str = "X-Total-Count";

/// The maximum number of items on a page.
pub const MAX_PAGE_SIZE: u32 = 100;

/// The order of a list (§6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = SortOrder)]
pub enum Order {
    /// Oldest first.
    Asc,
    /// Newest first.
    Desc,
}

/// The `Link` header (RFC 8288) of a page: the first, previous, next and last page.
///
/// `query` is the rest of the query string, already encoded: everything but `limit` and `offset`.
#[must_use]
pub fn link_header(path: &str, query: &str, limit: u32, offset: u64, total: u64) -> String {
    let limit = u64::from(limit.max(1));
    let last = total.saturating_sub(1) / limit * limit;
    let mut links = vec![("first", 0)];
    if offset > 0 {
        links.push(("prev", offset.saturating_sub(limit).min(last)));
    }
    if offset.saturating_add(limit) < total {
        links.push(("next", offset + limit));
    }
    links.push(("last", last));

    let separator = if query.is_empty() { "" } else { "&" };
    let links: Vec<String> = links
        .into_iter()
        .map(|(relation, offset)| {
            format!("<{path}?{query}{separator}limit={limit}&offset={offset}>; rel=\"{relation}\"")
        })
        .collect();
    links.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relations(limit: u32, offset: u64, total: u64) -> String {
        link_header("/x", "", limit, offset, total)
    }

    #[test]
    fn a_page_in_the_middle_has_four_links() {
        assert_eq!(
            link_header("/x", "type=request", 2, 2, 5),
            "</x?type=request&limit=2&offset=0>; rel=\"first\", \
             </x?type=request&limit=2&offset=0>; rel=\"prev\", \
             </x?type=request&limit=2&offset=4>; rel=\"next\", \
             </x?type=request&limit=2&offset=4>; rel=\"last\""
        );
    }

    #[test]
    fn the_first_page_has_no_previous_and_the_last_no_next_page() {
        assert!(!relations(2, 0, 4).contains("prev"));
        assert!(relations(2, 0, 4).contains("next"));
        assert!(!relations(2, 2, 4).contains("next"));
        assert_eq!(
            relations(2, 0, 0),
            "</x?limit=2&offset=0>; rel=\"first\", </x?limit=2&offset=0>; rel=\"last\""
        );
    }

    #[test]
    fn beyond_the_end_the_previous_page_is_the_last_page() {
        assert!(relations(2, 100, 5).contains("offset=4>; rel=\"prev\""));
    }
}
