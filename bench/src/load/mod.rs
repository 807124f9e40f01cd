//! Clients: many connections on one thread.

mod closed;
mod connection;
mod measured;
mod open;
mod request;

pub(crate) use closed::{Closed, each_once};
pub(crate) use connection::Connection;
pub(crate) use measured::Measured;
pub(crate) use open::Open;
pub(crate) use request::{Keys, Request, push_key};

use std::future::Future;

use anyhow::{Context, Result};

/// Runs the clients on a runtime with one thread.
pub(crate) fn on_one_thread<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("cannot start a runtime")?.block_on(work)
}
