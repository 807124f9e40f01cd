//! The process: configuration, lifecycle, telemetry, doctor. It puts the other crates together.
//!
//! [`Server::start`] puts together what the roles in [`Config`] ask for. `ARCHITECTURE.md` shows
//! the rooms and who may call whom. The numbers in brackets (§5) are sections of
//! `docs/api-design.md`.

mod config;
mod doctor;
mod lifecycle;
mod openapi;
mod telemetry;

pub use http_support::rate_limit::{MalformedRateLimit, RateLimit};

pub use config::{Background, Config, Limits, Role, Roles, UnknownRole};
pub use doctor::{Finding, Verdict, examine};
pub use lifecycle::{
    CopiedDeployment, Demo, Rounds, Server, StartError, copy, migrate, read_catalogue,
};

/// The OpenAPI 3.1 document of everything that fieldtest answers, as indented JSON (§13).
#[must_use]
pub fn openapi_json() -> String {
    openapi::json().to_owned()
}
