//! The real program, as an operator runs it: started, stopped, killed, misused.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod admin;
mod client;
mod completions;
mod doctor;
mod help;
mod invocation;
mod keys;
mod kill;
mod layers;
mod log;
mod man;
mod output;
mod postgres;
mod process;
mod production_tests;
mod serve;
