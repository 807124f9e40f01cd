//! `GET /docs`: the API reference, a page that renders the OpenAPI document (§13). The binary
//! contains all of its scripts.

use std::sync::OnceLock;

use axum::body::Bytes;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use http_support::page;
use maud::{DOCTYPE, html};

pub(super) const SCRIPT_PATH: &str = "/docs/reference.js";
pub(super) const START_PATH: &str = "/docs/start.js";

/// The reference's script adds inline styles. It can load nothing from other origins.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                      connect-src 'self'; img-src 'self' data: blob:; font-src 'self' data:; \
                      form-action 'none'; frame-ancestors 'none'; base-uri 'none'";

const START: &str = include_str!("docs.js");

pub(super) async fn show() -> Response {
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

pub(super) async fn start() -> Response {
    script_response(Bytes::from_static(START.as_bytes()))
}

pub(super) async fn script() -> Response {
    static SCRIPT: OnceLock<Option<Bytes>> = OnceLock::new();
    match SCRIPT.get_or_init(|| scalar_api_reference::get_asset("scalar.js").map(Bytes::from)) {
        Some(script) => script_response(script.clone()),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn script_response(script: Bytes) -> Response {
    let mut response = script.into_response();
    let headers = response.headers_mut();
    headers
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/javascript; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("max-age=3600"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
