//! The insides of fieldtest's processes: the Workspace API, the challenge service, the scheduler between them, and pages.
//!
//! [`Server::start`] puts together what the roles in [`Config`] ask for. `ARCHITECTURE.md` shows the rooms and who may call
//! whom. The numbers in brackets (§5) are sections of `docs/api-design.md`.

mod config;
mod console;
mod doctor;
mod leases;
mod lifecycle;
mod nudge;
mod openapi;
mod peer;
mod scheduler;
mod telemetry;
mod tpas;
mod web;
mod workspace_api;
mod world;

pub use config::{Background, Config, Limits, MalformedRateLimit, RateLimit, Role, Roles, UnknownRole};
pub use doctor::{Finding, Verdict, examine};
pub use lifecycle::{CopiedDeployment, Demo, Rounds, Server, StartError, copy, migrate, read_catalogue};
pub use world::World;

/// The OpenAPI 3.1 document of everything that fieldtest answers, as indented JSON (§13).
#[must_use]
pub fn openapi_json() -> String {
    openapi::json().to_owned()
}
