//! The wire format of every fieldtest API: request and response bodies, the error envelope,
//! pagination, events, signatures.
//!
//! Server, client and tests share these types, so that both ends agree. The `read_…` functions
//! parse request bodies and report every invalid field at once. The OpenAPI document is generated
//! from the types and their doc comments.
//!
//! Section numbers such as §5 refer to `docs/api-design.md`.

// The annotations for the OpenAPI document expand to nothing where it is not generated.
#[cfg(not(feature = "openapi"))]
extern crate openapi_off as utoipa;

pub mod api_key;
pub mod app;
pub mod challenge;
pub mod challenge_service;
pub mod error;
pub mod event;
pub mod feedback;
pub mod fields;
pub mod health;
mod moment;
pub mod outcomes;
pub mod page;
pub mod participation;
pub mod production_test;
pub mod provider;
pub mod report;
#[cfg(feature = "openapi")]
mod schema;
pub mod signature;
pub mod verification;
pub mod verifier;
pub mod webhook;
pub mod workspace;

pub use moment::Moment;
