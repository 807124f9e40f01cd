//! The rules of production tests: what may be ordered, who may claim a stamp, when to retry.
//!
//! Every rule is a pure function or a method on plain data. Time is an argument ([`Timestamp`],
//! [`Clock`]) and so is randomness ([`Randomness`]). Only [`SystemClock`] and
//! [`SeededRandomness::from_system`] ask the operating system.
//!
//! Section numbers such as §5 refer to `docs/api-design.md`.

pub mod api_key;
pub mod app;
pub mod base62;
pub mod catalogue;
pub mod challenge;
pub mod challenge_request;
pub mod challenge_update;
pub mod claim;
mod clock;
mod clock_and_rng;
pub mod eligibility;
mod environment;
pub mod event;
pub mod feedback;
pub mod idempotency;
mod ids;
pub mod logo;
pub mod new_stamps;
pub mod observation;
pub mod outcomes;
pub mod participation;
mod platform;
pub mod production_test;
mod randomness;
pub mod report;
pub mod retry;
pub mod sealed_secret;
pub mod secret_key;
#[cfg(test)]
mod test_data;
pub mod text;
mod timestamp;
pub mod verification;
pub mod webhook;

pub use clock::{Clock, ManualClock, SystemClock};
pub use clock_and_rng::ClockAndRng;
pub use environment::{Environment, UnknownEnvironment};
pub use ids::{
    ActivationId, ApiKeyId, ChallengeId, ClientId, EventId, IdGenerator, MalformedId,
    ParticipationId, ProviderId, RequestId, WorkspaceId,
};
pub use platform::{Platform, UnknownPlatform};
pub use randomness::{NoRandomness, Randomness, SeededRandomness};
pub use timestamp::{MalformedTimestamp, Timestamp};
