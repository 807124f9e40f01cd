//! Both engines side by side. Needs PostgreSQL's programs; `cargo xtask test` brings them.

#![expect(clippy::unwrap_used, reason = "tests")]

mod postgres;
mod schemas;
