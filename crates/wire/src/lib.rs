//! What crosses the network, for every surface of fieldtest: bodies, the error envelope, pages,
//! signatures.
//!
//! Server, client and tests share these types, so the two ends cannot drift apart. What a field
//! means is said where it is declared; the OpenAPI document is generated from the same words. The
//! numbers in brackets (§5) are sections of `docs/api-design.md`.

// The annotations for the OpenAPI document expand to nothing where it is not generated.
#[cfg(not(feature = "openapi"))]
extern crate openapi_off as utoipa;

pub mod app;
pub mod challenge;
pub mod challenge_service;
pub mod error;
pub mod event;
pub mod fields;
pub mod health;
mod moment;
pub mod page;
pub mod participation;
pub mod production_test;
pub mod provider;
pub mod report;
#[cfg(feature = "openapi")]
mod schema;
pub mod signature;
pub mod verification;
pub mod workspace;

pub use moment::Moment;
