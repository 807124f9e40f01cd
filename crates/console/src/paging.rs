//! Pages of lists: their number is in the URL, and no page loads what it does not show (§14).

use maud::{Markup, html};

/// How many items a page shows.
pub(crate) const PAGE: u64 = 20;

/// The parameter `page`: 1, 2, …
#[derive(Clone, Copy, Debug, Default, serde::Deserialize)]
pub(crate) struct PageNumber {
    page: Option<u32>,
}

impl PageNumber {
    /// How many items precede the page.
    pub(crate) fn offset(self) -> u64 {
        u64::from(self.number() - 1) * PAGE
    }

    fn number(self) -> u32 {
        self.page.unwrap_or(1).max(1)
    }
}

/// Links to the pages before and after this one. `path` may have a query.
pub(crate) fn links(path: &str, page: PageNumber, total: u64) -> Markup {
    let number = page.number();
    let pages = total.div_ceil(PAGE).max(1);
    let separator = if path.contains('?') { '&' } else { '?' };
    let to = |number: u32| format!("{path}{separator}page={number}");
    html! {
        @if pages > 1 {
            nav.row aria-label="Pages" {
                @if number > 1 { a href=(to(number - 1)) rel="prev" { "Previous" } }
                span { "Page " (number) " of " (pages) }
                @if u64::from(number) < pages { a href=(to(number + 1)) rel="next" { "Next" } }
            }
        }
    }
}
