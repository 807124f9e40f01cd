//! Both engines side by side. Needs PostgreSQL's programs; `cargo xtask test` brings them.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod postgres;
mod schemas;
