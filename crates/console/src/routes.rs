//! The route table of the pages.

use axum::Router;
use axum::routing::get;

use super::{docs, welcome};

/// The routes of the pages.
pub fn routes() -> Router {
    Router::new()
        .route("/", get(welcome::show))
        .route("/docs", get(docs::show))
        .route(docs::SCRIPT_PATH, get(docs::script))
        .route(docs::START_PATH, get(docs::start))
}
