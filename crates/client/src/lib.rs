//! A typed client of the fieldtest API: for relying parties' engineers ([`WorkspaceApi`]), for the
//! scheduler ([`ChallengeServiceClient`]) and for testers ([`Tester`]).
//!
//! Nothing here follows redirects or puts a secret into a URL, an error or a log. [`WorkspaceApi`]
//! tries again what is safe to repeat if it is given [`Retries`]; the others never do. The numbers
//! in brackets (§5) are sections of `docs/api-design.md`.
//!
//! `examples/order.rs` orders a production test and waits for its challenge.

mod apps;
mod challenge_service;
mod error;
mod events;
mod http;
mod retry;
mod tester;
mod workspace_api;

pub use challenge_service::ChallengeServiceClient;
pub use error::ClientError;
pub use events::Followed;
pub use retry::{Retries, RetryPolicy, Surroundings, Wait};
pub use tester::Tester;
pub use workspace_api::{Created, ListQuery, ProductionTests, WorkspaceApi};
