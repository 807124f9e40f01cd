//! `GET /docs`: the API reference, a page that renders the OpenAPI document (§13), and beside it
//! what this project's documents say about the API. The binary contains all of it.

mod document;
mod reading;

use std::sync::LazyLock;

use axum::Router;
use axum::http::HeaderMap;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use http_support::page;
use http_support::static_file::StaticFile;
use maud::{DOCTYPE, html};

const SCRIPT_PATH: &str = "/docs/reference.js";
const START_PATH: &str = "/docs/start.js";

/// The reference's script adds inline styles. It can load nothing from other origins.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                      connect-src 'self'; img-src 'self' data: blob:; font-src 'self' data:; \
                      form-action 'none'; frame-ancestors 'none'; base-uri 'none'";

const SCRIPT_TYPE: &str = "text/javascript; charset=utf-8";

static START: LazyLock<StaticFile> =
    LazyLock::new(|| StaticFile::new(include_str!("start.js"), SCRIPT_TYPE, "max-age=3600"));

/// Several megabytes. Empty if the library does not have it any more, which a test notices.
static SCRIPT: LazyLock<StaticFile> = LazyLock::new(|| {
    let script = scalar_api_reference::get_asset("scalar.js").unwrap_or_default();
    StaticFile::new(script, SCRIPT_TYPE, "max-age=3600")
});

/// The routes of the reference and of the documents.
pub(super) fn routes() -> Router {
    let file = |file: &'static LazyLock<StaticFile>| {
        get(async move |asked: HeaderMap| file.respond(&asked).await)
    };
    Router::new()
        .route("/docs", get(show))
        .route(SCRIPT_PATH, file(&SCRIPT))
        .route(START_PATH, file(&START))
        .route("/docs/errors", file(&document::ERRORS))
        .route("/docs/api-design", file(&document::API_DESIGN))
}

async fn show() -> Response {
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "API reference · fieldtest" }
            }
            body {
                div #reference {}
                script src=(SCRIPT_PATH) {}
                script src=(START_PATH) {}
            }
        }
    };
    let mut response = Html(document.into_string()).into_response();
    page::secure(response.headers_mut(), POLICY);
    response
}
