//! The pages for people: the welcome page and the API reference.
//!
//! The numbers in brackets (§14) are sections of `docs/api-design.md`.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use http_support::error::ApiError;
use maud::Markup;

mod docs;
mod routes;
mod welcome;

pub use self::routes::routes;

/// Reads the tests that people can take now, as cards. The challenge service renders them, because
/// it alone reads its tables.
pub type OpenTests = Arc<dyn Fn() -> BoxFuture<'static, Result<Markup, ApiError>> + Send + Sync>;
