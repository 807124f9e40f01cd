//! A typed client of the fieldtest API.
//!
//! | client | API | used by |
//! |---|---|---|
//! | [`WorkspaceApi`] | Workspace API, `/connect/v1` | relying parties and the command line |
//! | [`ChallengeServiceClient`] | challenge service, `/tpas/v1` | the scheduler |
//! | [`Tester`] | the testers' part of `/tpas/v1` | tests and demonstrations |
//!
//! Request and response bodies are the types of the `wire` crate.
//!
//! ```no_run
//! use client::{Retries, RetryPolicy, WorkspaceApi};
//! use wire::production_test::CreateProductionTest;
//!
//! # async fn order() -> Result<(), Box<dyn std::error::Error>> {
//! let api = WorkspaceApi::new("https://fieldtest.example", "sk_workspace_prod_…")?
//!     .with_retries(Retries::new(RetryPolicy::default())?);
//! let order = CreateProductionTest {
//!     title: "BankID SE Test".into(),
//!     max_stamps: Some(3),
//!     ..CreateProductionTest::default()
//! };
//! let created = api.create_production_test("FK5b0KSM", &order, None).await?;
//! println!("{} is {:?}", created.request.id, created.request.status);
//! # Ok(())
//! # }
//! ```
//!
//! `examples/order.rs` is a complete program: it orders a production test, waits for its challenge
//! and reads the report.
//!
//! # Retries
//!
//! A call is one attempt unless [`WorkspaceApi::with_retries`] is used. With retries the client
//! repeats idempotent calls that fail with a transient error, and it adds a random idempotency key
//! to a create without one. The other clients never retry.
//!
//! # Timeouts and connections
//!
//! Calls of [`WorkspaceApi`] and [`Tester`] time out after 30 seconds. Clones share a connection
//! pool. Redirects are not followed. Secrets never appear in URLs, errors or logs.
//!
//! Section numbers such as §5 refer to `docs/api-design.md`.

mod apps;
mod challenge_service;
mod error;
mod events;
mod http;
mod pages;
mod retry;
mod tester;
mod webhooks;
mod workspace_api;

pub use challenge_service::ChallengeServiceClient;
pub use error::ClientError;
pub use events::StreamEvent;
pub use retry::{Retries, RetryPolicy};
pub use tester::Tester;
pub use workspace_api::{Created, ListQuery, ProductionTests, WorkspaceApi};
