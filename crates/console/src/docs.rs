//! `GET /docs`: the API reference, a page that renders the OpenAPI document (§13). The binary
//! contains all of its scripts.

use std::sync::OnceLock;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use http_support::page;
use maud::{DOCTYPE, html};
use sha2::{Digest, Sha256};

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

pub(super) async fn start(headers: HeaderMap) -> Response {
    static TAG: OnceLock<String> = OnceLock::new();
    script_response(&headers, &TAG, Bytes::from_static(START.as_bytes()))
}

pub(super) async fn script(headers: HeaderMap) -> Response {
    static TAG: OnceLock<String> = OnceLock::new();
    static SCRIPT: OnceLock<Option<Bytes>> = OnceLock::new();
    match SCRIPT.get_or_init(|| scalar_api_reference::get_asset("scalar.js").map(Bytes::from)) {
        Some(script) => script_response(&headers, &TAG, script.clone()),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// A script, or 304 if the browser has it: this one is large.
fn script_response(asked: &HeaderMap, tag: &OnceLock<String>, script: Bytes) -> Response {
    let tag = tag.get_or_init(|| {
        let digest = hex::encode(Sha256::digest(&script));
        format!("\"{}\"", digest.get(..16).unwrap_or_default())
    });
    let known = asked.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let is_known = known.is_some_and(|known| known.split(',').any(|one| one.trim() == tag));
    let mut response = match is_known {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => script.into_response(),
    };
    if let Ok(value) = HeaderValue::from_str(tag) {
        response.headers_mut().insert(header::ETAG, value);
    }
    let headers = response.headers_mut();
    headers
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/javascript; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("max-age=3600"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
