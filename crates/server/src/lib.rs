//! The process: configuration, lifecycle, telemetry, doctor. It puts the other crates together.
//!
//! [`Server::start`] puts together what the roles in [`Config`] ask for. `ARCHITECTURE.md` shows
//! the rooms and who may call whom. The numbers in brackets (§5) are sections of
//! `docs/api-design.md`.

#![cfg_attr(
    not(feature = "openapi"),
    expect(
        unused_imports,
        reason = "some types are named only in annotations for the OpenAPI document"
    )
)]

// The annotations for the OpenAPI document expand to nothing where it is not generated.
#[cfg(not(feature = "openapi"))]
extern crate openapi_off as utoipa;

mod config;
mod doctor;
mod lifecycle;
mod openapi;
#[cfg(feature = "openapi")]
mod openapi_document;
mod telemetry;

pub use http_support::rate_limit::{MalformedRateLimit, RateLimit};

pub use config::{Background, Config, Limits, Role, Roles, UnknownRole};
pub use doctor::{Finding, Verdict, examine};
pub use lifecycle::{
    CopiedDeployment, Demo, Rounds, Server, StartError, copy, migrate, read_catalogue,
};

/// The OpenAPI 3.1 document of everything that fieldtest answers, as indented JSON (§13). With the
/// feature `openapi` it is generated from the code.
#[must_use]
pub fn openapi_json() -> String {
    #[cfg(feature = "openapi")]
    return openapi_document::generate();
    #[cfg(not(feature = "openapi"))]
    openapi::JSON.to_owned()
}
