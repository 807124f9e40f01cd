//! What all HTTP surfaces share: the request layer with its access log and metrics, the error
//! envelope, extractors for bodies, queries, paths and idempotency keys, rate limits, pages.
//!
//! The numbers in brackets (§3) are sections of `docs/api-design.md`.

// The annotations for the OpenAPI document expand to nothing where it is not generated.
#[cfg(not(feature = "openapi"))]
extern crate openapi_off as utoipa;

mod access_log;
pub mod bearer;
pub mod body;
pub mod client_address;
pub mod documentation;
mod drain;
pub mod error;
pub mod idempotency;
pub mod in_flight;
pub mod metrics;
pub mod page;
pub mod path;
pub mod public_url;
pub mod query;
pub mod rate_limit;
pub mod request_id;
pub mod request_layer;
pub mod response;
pub mod signed_in;
pub mod static_file;
