//! A route that does nothing. It measures what HTTP alone costs. Only in builds with the feature
//! `bench`.

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;

/// As long as the response to a create.
const ANSWER: &str = match str::from_utf8(&[b'x'; 330]) {
    Ok(answer) => answer,
    Err(_) => "",
};

async fn no_op(_body: Bytes) -> &'static str {
    ANSWER
}

pub(super) fn routes() -> Router {
    Router::new().route("/bench/no-op", post(no_op))
}
