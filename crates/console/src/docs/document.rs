//! `GET /docs/errors`, `GET /docs/api-design`: documents of this project as pages (§13).

use std::sync::LazyLock;

use http_support::page::Page;
use http_support::static_file::StaticFile;
use maud::{Markup, html};

use crate::docs::reading;

pub(super) static ERRORS: LazyLock<StaticFile> =
    LazyLock::new(|| page("Errors", include_str!("../../../../docs/errors.md")));

pub(super) static API_DESIGN: LazyLock<StaticFile> =
    LazyLock::new(|| page("API design", include_str!("../../../../docs/api-design.md")));

fn page(title: &str, document: &str) -> StaticFile {
    Page::new(title, reading::render(document)).with_navigation(bar(title)).into_file()
}

fn bar(title: &str) -> Markup {
    let link = |path: &str, name: &str| {
        html! { a href=(path) aria-current=[(name == title).then_some("page")] { (name) } }
    };
    html! {
        nav.row aria-label="Documents" {
            (link("/docs", "API reference"))
            (link("/docs/errors", "Errors"))
            (link("/docs/api-design", "API design"))
            (link("/console", "Console"))
        }
    }
}
