//! The files that pages load: one style sheet and one script. Their paths contain a hash of their
//! content, so that a browser keeps them and never uses an old one.

use std::sync::LazyLock;

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::get;

use crate::static_file::StaticFile;

/// A file that pages load.
pub struct Asset {
    path: String,
    file: StaticFile,
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
        let file = StaticFile::new(content, content_type, "public, max-age=31536000, immutable");
        Self { path: format!("/assets/{name}-{}.{ending}", file.version()), file }
    }

    /// The path at which [`routes`] serves the file.
    pub fn path(&self) -> &str {
        &self.path
    }
}

/// The routes of the files.
pub fn routes() -> Router {
    Router::new()
        .route(STYLE.path(), get(async |headers: HeaderMap| STYLE.file.respond(&headers).await))
        .route(SCRIPT.path(), get(async |headers: HeaderMap| SCRIPT.file.respond(&headers).await))
}
