//! What can be typed (§13).

use std::ffi::{OsStr, OsString};

use clap::{Parser, Subcommand};

use crate::admin::AdminArguments;
use crate::completions::CompletionsArguments;
use crate::doctor::DoctorArguments;
use crate::login::LoginArguments;
use crate::man::ManArguments;
use crate::options::Place;
use crate::production_tests::TestsArguments;
use crate::serve::ServeArguments;

/// What the program is called.
pub(crate) const PROGRAM: &str = "fieldtest";

const USAGE: &str = "fieldtest [OPTIONS OF SERVE]\n       fieldtest <COMMAND> [OPTIONS]";

const NOTES: &str = "\
Without a command, fieldtest serves.

Options come from the command line, or else from environment variables, or else from the TOML file that --config names. \
The file's keys are the options of `fieldtest serve` without the dashes in front:

  listen = \"0.0.0.0:8080\"
  roles = [\"api\", \"scheduler\", \"tpas\"]

Exit codes:
  0  done
  1  not done; the error says why
  2  the arguments, the environment or a configuration file are wrong

Examples:
  fieldtest
  fieldtest serve --data-dir /var/lib/fieldtest
  fieldtest tests create --help";

const MIGRATE_EXAMPLE: &str = "\
Example:
  fieldtest migrate --data-dir /var/lib/fieldtest";

const OPENAPI_EXAMPLE: &str = "\
Example:
  fieldtest openapi > openapi.json";

/// Order production tests of electronic identities, run them with real people, read the report
#[derive(Parser)]
#[command(name = PROGRAM, version, override_usage = USAGE, after_help = NOTES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What fieldtest can be told to do.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Serve the API, the challenge service and the pages
    Serve(ServeArguments),
    /// Bring the databases' tables up to date, and name the files
    #[command(after_help = MIGRATE_EXAMPLE)]
    Migrate(Place),
    /// Look whether a server can do its work here, and say how to mend what is wrong; changes
    /// nothing
    Doctor(DoctorArguments),
    /// Print the OpenAPI document
    #[command(after_help = OPENAPI_EXAMPLE)]
    Openapi,
    /// Manage workspaces, keys, apps and providers, directly in the database
    Admin(AdminArguments),
    /// Order, watch and manage production tests of a deployment, over its API
    Tests(TestsArguments),
    /// Remember where a deployment is, and the key that opens it
    Login(LoginArguments),
    /// Print a script with which a shell completes what is typed
    Completions(CompletionsArguments),
    /// Print a manual page, or write all of them
    Man(ManArguments),
}

impl Arguments {
    /// Reads what was typed. What cannot be read ends the program with exit code 2, a question for
    /// help with 0.
    pub(crate) fn read() -> Self {
        Self::parse_from(with_command(std::env::args_os().collect()))
    }
}

/// The same arguments, with `serve` put in where no command is named.
fn with_command(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let is_complete = |first: &OsString| {
        let is_option = first.as_encoded_bytes().starts_with(b"-");
        !is_option
            || ["-h", "--help", "-V", "--version"].map(OsStr::new).contains(&first.as_os_str())
    };
    if !arguments.get(1).is_some_and(is_complete) {
        arguments.insert(arguments.len().min(1), "serve".into());
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_declarations_contradict_nothing() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn without_a_command_it_serves() {
        let completed = |typed: &[&str]| with_command(typed.iter().map(OsString::from).collect());
        assert_eq!(completed(&["fieldtest"]), ["fieldtest", "serve"]);
        assert_eq!(completed(&["fieldtest", "--no-demo"]), ["fieldtest", "serve", "--no-demo"]);
        assert_eq!(completed(&["fieldtest", "--help"]), ["fieldtest", "--help"]);
        assert_eq!(completed(&["fieldtest", "openapi"]), ["fieldtest", "openapi"]);
        assert_eq!(completed(&["fieldtest", "serv"]), ["fieldtest", "serv"]);
    }
}
