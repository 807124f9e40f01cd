//! The OpenAPI document (§13): `docs/openapi.json`, which `cargo xtask generate` writes.

use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::{Router, routing};

/// The document as indented JSON.
pub(crate) const JSON: &str = include_str!("../../../docs/openapi.json");

/// The route `/openapi.json`.
pub(crate) fn routes() -> Router {
    Router::new().route("/openapi.json", routing::get(show))
}

async fn show() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], JSON)
}
