//! The process: configuration, lifecycle, telemetry, doctor.
//!
//! [`Server::start`] builds what the roles in [`Config`] need from the other crates.
//! `ARCHITECTURE.md` shows the crates and their dependencies. The numbers in brackets (§13) are
//! sections of `docs/api-design.md`.

mod config;
mod doctor;
mod health;
mod lifecycle;
mod openapi;
mod telemetry;

pub use http_support::rate_limit::{MalformedRateLimit, RateLimit};

pub use crate::config::{Background, Config, Limits, Role, Roles, UnknownRole};
pub use crate::doctor::{CheckStatus, Finding, examine};
pub use crate::lifecycle::{
    BackgroundTrigger, CopiedDeployment, Demo, Server, StartError, copy, migrate, read_catalogue,
};

/// The OpenAPI 3.1 document of all operations, as indented JSON (§13).
#[must_use]
pub fn openapi_json() -> String {
    openapi::json().to_owned()
}
