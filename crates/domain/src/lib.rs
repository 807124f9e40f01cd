//! The rules of production tests: what may be ordered, who may claim a stamp, what happens next.
//!
//! Everything here is pure. Nothing reads a clock, a file or a socket of its own accord: time comes
//! in as a [`Timestamp`], chance through [`Randomness`]. The only two exceptions, [`SystemClock`]
//! and [`SeededRandomness::from_system`], exist so that there is exactly one place which touches
//! the real world.
//!
//! The numbers in brackets (§5) are sections of `docs/api-design.md`.

pub mod api_key;
pub mod app;
pub mod base62;
pub mod catalogue;
pub mod challenge;
pub mod challenge_request;
pub mod claim;
mod clock;
mod clock_and_rng;
pub mod eligibility;
mod environment;
pub mod event;
pub mod idempotency;
mod ids;
pub mod observation;
pub mod participation;
mod platform;
pub mod production_test;
mod randomness;
pub mod report;
pub mod retry;
pub mod sealed_secret;
pub mod secret_key;
pub mod stamp_news;
#[cfg(test)]
mod test_data;
mod timestamp;
pub mod verification;

pub use clock::{Clock, ManualClock, SystemClock};
pub use clock_and_rng::ClockAndRng;
pub use environment::Environment;
pub use ids::{
    ApiKeyId, ChallengeId, ClientId, EventId, Ids, MalformedId, ParticipationId, ProviderId,
    RequestId, WorkspaceId,
};
pub use platform::Platform;
pub use randomness::{NoRandomness, Randomness, SeededRandomness};
pub use timestamp::Timestamp;
