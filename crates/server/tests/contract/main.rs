//! The contract, clause by clause, over real HTTP against a real server and real databases.
//!
//! A file per subject; [`support`] is the language in which they are written.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod app_creation;
mod apps;
mod authentication;
mod cancel;
mod conventions;
mod create;
mod deletion;
mod documentation;
mod events;
mod hand_over;
mod idempotency;
mod lifecycle;
mod list;
mod open_challenges;
mod operations;
mod participations;
mod postgres;
mod providers;
mod rate_limit;
mod report;
mod retry;
mod service_surface;
mod show;
mod simulator;
mod sqlite;
mod stamps;
mod streams;
mod support;
mod verification_events;
mod workspace;
