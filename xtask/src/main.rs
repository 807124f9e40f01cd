//! What people and CI do to this workspace, in Rust: test it, check it, write the files that are
//! generated from its code.

mod bench;
mod browser;
mod check;
mod clients;
mod command;
mod deny;
mod generate;
mod packages;
mod postgres;
mod schemathesis;
mod server;
mod steps;
mod test;
mod tools;

use std::process::ExitCode;

use anyhow::{Result, bail};

const USAGE: &str = "\
Usage: cargo xtask <command>

  test      Run every test: the Rust ones, the borders between the crates, the API against its document, clients
            generated from that, a browser
  check     Formatting, lints, documentation, dependencies, generated files
  generate  Write the files that are generated from the code
  bench     Measure the program, and write the figures to docs/performance.md

Of `bench`:
  --quick        Two minutes, and nothing is written
  --rounds <n>   So many rounds instead of 4
  --only <case>  The cases whose names begin like this; may be given more than once
  --list         Show the cases, measure none

Of `test` and `check`:
  --list         Show the steps, run none
  --only <step>  Run this step only; may be given more than once";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Does what the command line says; `false` if it was done and found something wrong.
fn dispatch(arguments: &[String]) -> Result<bool> {
    match arguments.split_first() {
        Some((command, rest)) if command == "test" => {
            steps::run(test::STEPS, &steps::Choice::parse(rest)?)
        }
        Some((command, rest)) if command == "check" => {
            steps::run(check::STEPS, &steps::Choice::parse(rest)?)
        }
        Some((command, rest)) if command == "bench" => bench::bench(rest).map(|()| true),
        Some((command, [])) if command == "generate" => generate::write().map(|()| true),
        Some((command, [])) if ["help", "--help", "-h"].contains(&command.as_str()) => {
            println!("{USAGE}");
            Ok(true)
        }
        _ => bail!("this is not a command it knows\n\n{USAGE}"),
    }
}
