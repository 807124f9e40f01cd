//! The command line of fieldtest (§13).
//!
//! References such as §5 are to sections of `docs/api-design.md`.

mod admin;
mod arguments;
mod completions;
mod console;
mod deployment;
mod doctor;
mod failure;
mod logging;
mod login;
mod logout;
mod man;
mod openapi;
mod options;
mod output;
mod possible_values;
mod production_tests;
mod serve;
mod signals;
mod startup_message;
mod table;
mod terminal;
mod values;
mod webhooks;

use std::process::ExitCode;

use clap::CommandFactory;

use self::arguments::{Arguments, Command};
use self::failure::Failure;

fn main() -> ExitCode {
    match run(Arguments::read()) {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}

fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Runtime::new()
        .map_err(|error| Failure::Other(format!("cannot start threads: {error}")))?;
    match arguments.command {
        Command::Serve(arguments) => runtime.block_on(serve::run(arguments)),
        Command::Migrate(options) => runtime.block_on(migrate(options)),
        Command::Doctor(arguments) => {
            let result = runtime.block_on(doctor::run(arguments));
            // Does not wait for calls of the operating system that hang.
            runtime.shutdown_background();
            return result;
        }
        Command::Openapi(arguments) => openapi::run(&arguments),
        Command::Login(arguments) => runtime.block_on(login::run(arguments)),
        Command::Logout(arguments) => logout::run(arguments),
        Command::Webhooks(arguments) => runtime.block_on(webhooks::run(arguments)),
        Command::Console(arguments) => runtime.block_on(console::run(arguments)),
        Command::Completions(arguments) => completions::run(arguments, Arguments::command()),
        Command::Man(arguments) => man::run(arguments, Arguments::command()),
        Command::Admin(arguments) => return runtime.block_on(admin::run(arguments)),
        Command::Tests(arguments) => return runtime.block_on(production_tests::run(arguments)),
    }
    .map(|()| ExitCode::SUCCESS)
}

async fn migrate(options: options::DatabaseOptions) -> Result<(), Failure> {
    let databases = server::migrate(&options.options()?.config()?).await?;
    let lines = databases.iter().map(|database| format!("{database} is up to date\n"));
    output::print(&lines.collect::<String>())
}
