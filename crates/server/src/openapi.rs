//! The OpenAPI documents (§13): `docs/openapi.json` and `docs/openapi-3.0.json`, which
//! `cargo xtask generate` writes.

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};

use axum::http::HeaderMap;
use axum::{Router, routing};
use http_support::static_file::StaticFile;

use crate::config::Config;

/// The document as indented JSON.
pub(crate) const JSON: &str = include_str!("../../../docs/openapi.json");

/// The document for programs that read only OpenAPI 3.0, as indented JSON.
pub(crate) const JSON_3_0: &str = include_str!("../../../docs/openapi-3.0.json");

/// The base URL in the files: that of a server with the default options.
pub(crate) const BASE_URL: &str = "http://127.0.0.1:8080";

/// The routes `/openapi.json` and `/openapi-3.0.json`. The documents name the base URL of this
/// server, so that what a program makes of them works at once.
pub(crate) fn routes(base_url: &str) -> Router {
    Router::new()
        .route("/openapi.json", document(JSON, base_url))
        .route("/openapi-3.0.json", document(JSON_3_0, base_url))
}

fn document(json: &'static str, base_url: &str) -> routing::MethodRouter {
    let url = |url: &str| format!("\"url\": \"{url}\"");
    let (written, actual) = (url(BASE_URL), url(base_url));
    let file = Arc::new(LazyLock::new(move || {
        StaticFile::new(json.replacen(&written, &actual, 1), "application/json", "no-cache")
    }));
    routing::get(async move |asked: HeaderMap| file.respond(&asked).await)
}

/// Where clients reach the server: the operator's public URL, or else the address that it listens
/// on; this machine's, if it listens on all.
pub(crate) fn base_url(config: &Config, address: SocketAddr) -> String {
    let here = if address.ip().is_unspecified() { [127, 0, 0, 1].into() } else { address.ip() };
    let url = || config.url_at(SocketAddr::new(here, address.port()));
    config.public_url.clone().unwrap_or_else(url)
}
