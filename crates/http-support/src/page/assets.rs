//! The files that pages load: one style sheet and one script. Their paths contain a hash of their
//! content, so that a browser keeps them and never uses an old one.

use std::sync::LazyLock;

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sha2::{Digest, Sha256};

/// A file that pages load.
pub struct Asset {
    path: String,
    content_type: &'static str,
    content: &'static str,
}

/// The style sheet of the design system.
pub static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("style", "css", "text/css; charset=utf-8", include_str!("style.css"))
});

/// The script, which adds comfort to pages that work without it.
pub static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("script", "js", "text/javascript; charset=utf-8", include_str!("script.js"))
});

impl Asset {
    fn new(name: &str, ending: &str, content_type: &'static str, content: &'static str) -> Self {
        let digest = hex::encode(Sha256::digest(content));
        let version = digest.get(..16).unwrap_or_default();
        Self { path: format!("/assets/{name}-{version}.{ending}"), content_type, content }
    }

    /// The path at which [`routes`] serves the file.
    pub fn path(&self) -> &str {
        &self.path
    }

    fn respond(&self) -> Response {
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static(self.content_type)),
            (
                header::CACHE_CONTROL,
                HeaderValue::from_static("public, max-age=31536000, immutable"),
            ),
            (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        ];
        (headers, self.content).into_response()
    }
}

/// The routes of the files.
pub fn routes() -> Router {
    Router::new()
        .route(STYLE.path(), get(|| async { STYLE.respond() }))
        .route(SCRIPT.path(), get(|| async { SCRIPT.respond() }))
}
