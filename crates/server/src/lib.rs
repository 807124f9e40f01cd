//! The process: configuration, lifecycle, telemetry, doctor.
//!
//! [`Server::start`] builds what the roles in [`Config`] need from the other crates.
//! `ARCHITECTURE.md` shows the crates and their dependencies. The numbers in brackets (§13) are
//! sections of `docs/api-design.md`.

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
mod health;
mod lifecycle;
mod openapi;
#[cfg(feature = "openapi")]
mod openapi_3_0;
#[cfg(feature = "openapi")]
mod openapi_document;
mod telemetry;
mod tls;

pub use http_support::client_address::{MalformedNetworks, Networks, TrustedProxies};
pub use http_support::rate_limit::{MalformedRateLimit, RateLimit};

pub use crate::config::{Background, Config, Limits, Role, Roles, UnknownRole};
pub use crate::doctor::{
    CheckStatus, ConfiguredVerifier, Finding, check_verifiers, configured_verifiers, examine,
};
pub use crate::lifecycle::{
    BackgroundTrigger, CopiedDeployment, Demo, Server, StartError, copy, migrate, read_catalogue,
};

pub use crate::tls::{TlsError, TlsFiles};

/// The OpenAPI 3.1 document of all operations, as indented JSON (§13). With the feature `openapi`
/// it is generated from the code.
#[must_use]
pub fn openapi_json() -> String {
    #[cfg(feature = "openapi")]
    return openapi_document::generate();
    #[cfg(not(feature = "openapi"))]
    openapi::JSON.to_owned()
}

/// The same document for programs that read only OpenAPI 3.0, as indented JSON (§13).
#[must_use]
pub fn openapi_3_0_json() -> String {
    #[cfg(feature = "openapi")]
    return openapi_document::generate_3_0();
    #[cfg(not(feature = "openapi"))]
    openapi::JSON_3_0.to_owned()
}
