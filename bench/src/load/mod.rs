//! The callers: many connections on one thread.

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

/// Runs the callers' side on a thread of its own.
pub(crate) fn on_one_thread<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("the operating system gives the callers no runtime")?.block_on(work)
}
