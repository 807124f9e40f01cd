//! The client against a server that sends exactly the bytes that a test specifies.

#![expect(clippy::unwrap_used, reason = "tests")]

mod responses;
mod retries;
mod server;
