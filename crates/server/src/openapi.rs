//! The OpenAPI document (§13): `docs/openapi.json`, which `cargo xtask generate` writes.

use std::sync::LazyLock;

use axum::http::HeaderMap;
use axum::{Router, routing};
use http_support::static_file::StaticFile;

/// The document as indented JSON.
pub(crate) const JSON: &str = include_str!("../../../docs/openapi.json");

static FILE: LazyLock<StaticFile> =
    LazyLock::new(|| StaticFile::new(JSON, "application/json", "no-cache"));

/// The route `/openapi.json`.
pub(crate) fn routes() -> Router {
    let show = async |asked: HeaderMap| FILE.respond(&asked).await;
    Router::new().route("/openapi.json", routing::get(show))
}
