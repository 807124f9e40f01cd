//! The language in which the contract's tests are written.
//!
//! A [`TestServer`] is a real server on a port of its own, with a clock that stands still and
//! chance that repeats itself. Its background work runs when a test says so. Every answer is
//! checked for what every answer must be.

mod answer;
mod call;
pub(crate) mod fake_service;
mod following;
mod ground;
pub(crate) mod link;
pub(crate) mod schemas;
mod site;

pub(crate) use answer::Answer;
pub(crate) use call::Call;
pub(crate) use following::Following;
pub(crate) use ground::{Ground, Tables};
pub(crate) use site::{SERVICE_TOKEN, TestServer, VERIFICATION_SECRET};

/// Where the demo's production tests are.
pub(crate) const TESTS: &str = "/connect/v1/apps/FK5b0KSM/production-tests";
