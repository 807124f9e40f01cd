//! The route table of the pages.

use axum::routing::get;
use axum::{Extension, Router};

use super::{OpenTests, docs, welcome};

/// The routes of the pages. `open_tests` is where the welcome page gets the tests that people can
/// take;
/// `None` if the challenge service runs elsewhere.
pub fn routes(open_tests: Option<OpenTests>) -> Router {
    Router::new()
        .route("/", get(welcome::show))
        .route("/docs", get(docs::show))
        .route(docs::SCRIPT_PATH, get(docs::script))
        .route(docs::START_PATH, get(docs::start))
        .layer(Extension(open_tests))
}
