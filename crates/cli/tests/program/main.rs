//! Tests of the real program from outside.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod admin;
mod client;
mod completions;
mod doctor;
mod help;
mod keys;
mod kill;
mod layers;
mod log;
mod man;
mod output;
mod play;
mod postgres;
mod production_tests;
mod program;
mod serve;
mod server;
mod tls;
mod verifiers;
