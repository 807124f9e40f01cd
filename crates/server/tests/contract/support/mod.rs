//! The language of the contract tests.
//!
//! A [`TestServer`] is a real server on a free port. Its clock stands still until a test advances
//! it, its randomness is seeded, and its background tasks run when a test asks for them. Every
//! response is checked for what holds for all responses.

mod challenge_service;
mod event_stream;
mod eventually;
pub(crate) mod fake_challenge_service;
pub(crate) mod fault_proxy;
pub(crate) mod openid_provider;
mod orders;
pub(crate) mod person;
mod raw_request;
pub(crate) mod receiver;
pub(crate) mod schemas;
mod test_database;
mod test_request;
mod test_response;
mod test_server;
mod testers;
mod workspaces;

pub(crate) use challenge_service::{SERVICE_TOKEN, VERIFICATION_SECRET};
pub(crate) use event_stream::EventStream;
pub(crate) use eventually::eventually;
pub(crate) use orders::{APP, APPS, TESTS, id_of, tests_of};
pub(crate) use raw_request::RawRequest;
pub(crate) use test_database::{Store, TestDatabase};
pub(crate) use test_request::TestRequest;
pub(crate) use test_response::TestResponse;
pub(crate) use test_server::{TestServer, VERIFIERS};
pub(crate) use testers::{completed, failed};
