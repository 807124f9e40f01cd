//! The command line (§13).

use std::ffi::{OsStr, OsString};

use clap::{Parser, Subcommand};

use crate::admin::AdminArguments;
use crate::completions::CompletionsArguments;
use crate::console::ConsoleArguments;
use crate::doctor::DoctorArguments;
use crate::login::LoginArguments;
use crate::logout::LogoutArguments;
use crate::man::ManArguments;
use crate::openapi::OpenapiArguments;
use crate::options::DatabaseOptions;
use crate::production_tests::TestsArguments;
use crate::serve::ServeArguments;
use crate::webhooks::WebhooksArguments;

/// The name of the program.
pub(crate) const PROGRAM: &str = "fieldtest";

/// What `--version` prints; `-V` prints its first line.
const LONG_VERSION: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    "\ncommit    ",
    env!("COMMIT"),
    "\nfeatures  ",
    env!("FEATURES"),
);

const USAGE: &str = "fieldtest [OPTIONS OF SERVE]\n       fieldtest <COMMAND> [OPTIONS]";

const NOTES: &str = "\
Without a command, fieldtest serves.

Options on the command line take precedence over environment variables, and those over the TOML \
file that --config names. The keys of the file are the options of `fieldtest serve` without the \
leading dashes:

  listen = \"0.0.0.0:8080\"
  roles = [\"api\", \"scheduler\", \"tpas\"]

Exit codes:
  0  done
  1  not done; the error says why
  2  the arguments, the environment or the configuration file are not valid

Examples:
  fieldtest
  fieldtest serve --data-dir /var/lib/fieldtest
  fieldtest tests create --help";

const MIGRATE_EXAMPLE: &str = "\
Example:
  fieldtest migrate --data-dir /var/lib/fieldtest";

/// Order production tests of electronic identities, run them with real people, read the report
#[derive(Parser)]
#[command(name = PROGRAM, version, long_version = LONG_VERSION, override_usage = USAGE, after_help = NOTES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Serve the API, the challenge service and the pages
    Serve(ServeArguments),
    /// Migrate the databases to this version, and print where they are
    #[command(after_help = MIGRATE_EXAMPLE)]
    Migrate(DatabaseOptions),
    /// Check whether a server can run here, and say how to fix what is wrong; changes nothing
    Doctor(DoctorArguments),
    /// Print the OpenAPI document
    Openapi(OpenapiArguments),
    /// Manage workspaces, keys, apps and providers, directly in the database
    Admin(AdminArguments),
    /// Order, watch and manage production tests with the API of a deployment
    Tests(TestsArguments),
    /// Configure an app's webhook, see deliveries, and bring events to this machine
    Webhooks(WebhooksArguments),
    /// Store the URL of a deployment and an API key for it
    Login(LoginArguments),
    /// Forget a stored URL and its API key
    Logout(LogoutArguments),
    /// Open the console in the browser, signed in
    Console(ConsoleArguments),
    /// Print a completion script for a shell
    Completions(CompletionsArguments),
    /// Print a manual page, or write all manual pages
    Man(ManArguments),
}

impl Arguments {
    /// Parses the command line. The program exits with code 2 if that fails, and with 0 after
    /// `--help` and `--version`.
    pub(crate) fn read() -> Self {
        Self::parse_from(with_command(std::env::args_os().collect()))
    }
}

/// Inserts `serve` if the arguments name no command.
fn with_command(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let needs_no_command = |first: &OsString| {
        let is_option = first.as_encoded_bytes().starts_with(b"-");
        !is_option
            || ["-h", "--help", "-V", "--version"].map(OsStr::new).contains(&first.as_os_str())
    };
    if !arguments.get(1).is_some_and(needs_no_command) {
        arguments.insert(arguments.len().min(1), "serve".into());
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_declarations_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn the_default_command_is_serve() {
        let parsed = |typed: &[&str]| with_command(typed.iter().map(OsString::from).collect());
        assert_eq!(parsed(&["fieldtest"]), ["fieldtest", "serve"]);
        assert_eq!(parsed(&["fieldtest", "--no-demo"]), ["fieldtest", "serve", "--no-demo"]);
        assert_eq!(parsed(&["fieldtest", "--help"]), ["fieldtest", "--help"]);
        assert_eq!(parsed(&["fieldtest", "openapi"]), ["fieldtest", "openapi"]);
        assert_eq!(parsed(&["fieldtest", "serv"]), ["fieldtest", "serv"]);
    }
}
