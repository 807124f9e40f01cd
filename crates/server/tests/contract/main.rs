//! The contract of the API, tested over HTTP against a real server with real databases.
//!
//! Each file covers one subject. [`support`] is the language in which the tests are written.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod app_batches;
mod app_creation;
mod apps;
mod authentication;
mod cancel;
mod console;
mod console_access;
mod console_activation;
mod conventions;
mod create;
mod deletion;
mod documentation;
mod events;
mod external_verifier;
mod hand_over;
mod hang_ups;
mod idempotency;
mod join_limits;
mod lifecycle;
mod list;
mod open_challenges;
mod openapi_3_0;
mod openid_connect;
mod operations;
mod outcomes;
mod participations;
mod postgres;
mod providers;
mod rate_limit;
mod report;
mod restarts;
mod retry;
mod secret_rotation;
mod service_surface;
mod show;
mod simulator;
mod sqlite;
mod stamps;
mod strangers;
mod streams;
mod support;
mod tester_pages;
mod tls;
mod traces;
mod update;
mod verification_events;
mod webhooks;
mod workspace;
