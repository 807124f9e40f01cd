//! Tasks of developers and CI: test the workspace, check it, write its generated files, measure it.

mod alerts;
mod bench;
mod browser;
mod check;
mod clients;
mod command;
mod deny;
mod generate;
mod openapi_lint;
mod openid;
mod packages;
mod postgres;
mod production;
mod replicas;
mod schemathesis;
mod screenshots;
mod server;
mod steps;
mod test;
mod tools;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use self::bench::BenchArguments;
use self::steps::Selection;

#[derive(Parser)]
#[command(bin_name = "cargo xtask", about = env!("CARGO_PKG_DESCRIPTION"))]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run every test: the Rust ones, the borders between the crates, the API against its document,
    /// clients generated from that, a browser
    Test(Selection),
    /// Check formatting, lints, documentation, dependencies and generated files
    Check(Selection),
    /// Write the files that are generated from the code
    Generate,
    /// Take the pictures of docs/screenshots anew
    Screenshots,
    /// Measure the program: --quick, --only CASE, --list; without options, write the figures to
    /// docs/performance.md
    Bench(BenchArguments),
}

fn main() -> ExitCode {
    match run(Arguments::parse().task) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs a task. The result is `false` if the task ran and a step of it failed.
fn run(task: Task) -> Result<bool> {
    match task {
        Task::Test(selection) => steps::run(test::STEPS, &selection),
        Task::Check(selection) => steps::run(check::STEPS, &selection),
        Task::Generate => generate::write().map(|()| true),
        Task::Screenshots => screenshots::run().map(|()| true),
        Task::Bench(arguments) => bench::run(&arguments).map(|()| true),
    }
}
