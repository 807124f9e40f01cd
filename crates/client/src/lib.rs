//! A typed client of the fieldtest API: for relying parties' engineers ([`WorkspaceApi`]), for the scheduler
//! ([`ChallengeService`]) and for testers ([`Tester`]).
//!
//! Nothing here retries, follows redirects or puts a secret into a URL, an error or a log. The numbers in brackets (§5) are
//! sections of `docs/api-design.md`.

mod challenge_service;
mod error;
mod http;
mod tester;
mod workspace_api;

pub use challenge_service::ChallengeService;
pub use error::ClientError;
pub use tester::Tester;
pub use workspace_api::{Created, ListQuery, ProductionTests, WorkspaceApi};
