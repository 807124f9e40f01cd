//! The pages for people: the welcome page, the API reference, and the console of relying parties'
//! engineers.
//!
//! The console does nothing by itself: it calls the operations of the Workspace API in this process
//! (`api.rs`), as the person who is signed in (`session.rs`).
//!
//! The numbers in brackets (§14) are sections of `docs/api-design.md`.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use http_support::error::ApiError;
use maud::Markup;

mod api;
mod apps;
mod docs;
mod form;
mod keys;
mod layout;
mod origin;
mod paging;
mod production_tests;
mod providers;
mod routes;
mod session;
mod sign_in;
mod state;
mod webhooks;
mod welcome;

pub use self::routes::{CONSOLE_ROUTES, ConsoleRoute, console_routes, routes};
pub use self::state::{Console, Parts};

/// Reads the tests that people can take now, as cards. The challenge service renders them, because
/// it alone reads its tables.
pub type OpenTests = Arc<dyn Fn() -> BoxFuture<'static, Result<Markup, ApiError>> + Send + Sync>;
