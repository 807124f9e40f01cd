//! `fieldtest`, the one program: arguments in, tables and exit codes out (§13).
//!
//! The numbers in brackets (§5) are sections of `docs/api-design.md`.

mod admin;
mod arguments;
mod choice;
mod completions;
mod config_file;
mod deployment;
mod doctor;
mod failure;
mod logging;
mod login;
mod man;
mod options;
mod output;
mod production_tests;
mod serve;
mod signals;
mod table;
mod terminal;
mod values;
mod welcome;

use std::process::ExitCode;

use self::arguments::{Arguments, Command};
use self::failure::Failure;

fn main() -> ExitCode {
    match run(Arguments::read()) {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}

fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Runtime::new().map_err(|error| {
        Failure::Other(format!("the operating system gives this program no threads: {error}"))
    })?;
    match arguments.command {
        Command::Serve(arguments) => runtime.block_on(serve::run(arguments)),
        Command::Migrate(place) => runtime.block_on(migrate(place)),
        Command::Doctor(arguments) => {
            let examined = runtime.block_on(doctor::run(arguments));
            // What hangs in the operating system, on a disk that does not answer, is not waited
            // for.
            runtime.shutdown_background();
            return examined;
        }
        Command::Openapi => output::print(&server::openapi_json()),
        Command::Admin(arguments) => runtime.block_on(admin::run(arguments)),
        Command::Login(arguments) => runtime.block_on(login::run(arguments)),
        Command::Completions(arguments) => completions::run(arguments),
        Command::Man(arguments) => man::run(arguments),
        Command::Tests(arguments) => return runtime.block_on(production_tests::run(arguments)),
    }
    .map(|()| ExitCode::SUCCESS)
}

async fn migrate(place: options::Place) -> Result<(), Failure> {
    let tables = server::migrate(&place.options()?.config()?).await?;
    let lines: String = tables.iter().map(|place| format!("{place} is up to date\n")).collect();
    output::print(&lines)
}
