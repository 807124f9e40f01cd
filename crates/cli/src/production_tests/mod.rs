//! `fieldtest tests`: orders, watches and manages production tests with the API of a deployment
//! (§13).

mod create;
mod duration;
mod list;
mod order;
mod outcomes;
mod play;
mod report;
mod show;
mod snapshot;
mod state;
mod tester_link;
mod update;
mod watch;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Serialize;

use self::create::CreateArguments;
use self::list::ListArguments;
use self::play::PlayArguments;
use self::update::UpdateArguments;
use self::watch::WatchArguments;
use crate::deployment::{Deployment, DeploymentOptions};
use crate::failure::Failure;
use crate::output;
use crate::terminal::Terminal;

const NOTES: &str = "\
The deployment and the API key come from the options, the environment, or the profile that \
`fieldtest login` stores. Requests without a response are repeated if that is safe. An order has \
an idempotency key, so repeating it does not order twice.

Example:
  fieldtest tests create --title \"BankID SE Test\" --provider-ids bankidse --watch";

const SHOW_EXAMPLE: &str = "\
Example:
  fieldtest tests show req_019d6c8b-6c00-7b1e-8f1a-0c3d5b6e7f8a";

const REPORT_EXAMPLE: &str = "\
Example:
  fieldtest tests report ch_019d6c8b-6c00-7b1e-8f1a-0c3d5b6e7f8a --json";

const OUTCOMES_EXAMPLE: &str = "\
Example:
  fieldtest tests outcomes ch_019d6c8b-6c00-7b1e-8f1a-0c3d5b6e7f8a";

const CANCEL_EXAMPLE: &str = "\
Example:
  fieldtest tests cancel req_019d6c8b-6c00-7b1e-8f1a-0c3d5b6e7f8a";

const UPDATE_EXAMPLE: &str = "\
Examples:
  fieldtest tests update ch_019d6c8b-6c00-7b1e-8f1a-0c3d5b6e7f8a --max-stamps 5
  fieldtest tests update ch_019d6c8b-6c00-7b1e-8f1a-0c3d5b6e7f8a --expires-at 2026-04-30T12:00:00Z";

const RETRY_EXAMPLE: &str = "\
Example:
  fieldtest tests retry req_019d6c8b-6c00-7b1e-8f1a-0c3d5b6e7f8a";

/// The arguments of `tests`.
#[derive(Args)]
#[command(after_help = NOTES)]
pub(crate) struct TestsArguments {
    #[command(flatten)]
    options: DeploymentOptions,

    /// Print the JSON of the API
    #[arg(long, global = true)]
    json: bool,

    #[command(subcommand)]
    command: TestsCommand,
}

/// The commands for production tests.
#[derive(Subcommand)]
enum TestsCommand {
    /// Order a production test
    Create(CreateArguments),
    /// List the app's production tests
    List(ListArguments),
    /// Show one production test in detail
    #[command(after_help = SHOW_EXAMPLE)]
    Show(TestId),
    /// Watch the progress of a production test until it is over
    Watch(WatchArguments),
    /// Play testers who take a production test with the simulator, in a sandbox
    Play(PlayArguments),
    /// Show the report of a production test by provider
    #[command(after_help = REPORT_EXAMPLE)]
    Report(TestId),
    /// Show why a production test went as it did: outcomes, reasons, times and feedback
    #[command(after_help = OUTCOMES_EXAMPLE)]
    Outcomes(TestId),
    /// Give a production test more room and more time; one that is complete opens again
    #[command(after_help = UPDATE_EXAMPLE)]
    Update(UpdateArguments),
    /// Cancel a production test: a pending one is not scheduled, an open one is closed
    #[command(after_help = CANCEL_EXAMPLE)]
    Cancel(TestId),
    /// Retry a failed production test
    #[command(after_help = RETRY_EXAMPLE)]
    Retry(TestId),
}

/// The argument that names a production test.
#[derive(Args)]
struct TestId {
    /// The id of the request (req_…) or of the challenge (ch_…)
    #[arg(value_parser = test_id)]
    id: String,
}

/// Checks the form of an id, so that a typo sends no request.
fn test_id(text: &str) -> Result<String, &'static str> {
    if text.parse::<domain::RequestId>().is_ok() || text.parse::<domain::ChallengeId>().is_ok() {
        Ok(text.to_owned())
    } else {
        Err("not a valid id: it is req_ or ch_ and a UUID; `fieldtest tests list` shows them")
    }
}

/// What the commands share: the deployment, and how to print.
struct Session {
    deployment: Deployment,
    as_json: bool,
    terminal: Terminal,
}

impl Session {
    /// Prints the API's response as JSON, or a text for people.
    fn print<T: Serialize>(
        &self,
        answer: &T,
        text: impl FnOnce(Terminal) -> String,
    ) -> Result<(), Failure> {
        if self.as_json {
            output::print(&json(answer, true)?)
        } else {
            output::print(&text(self.terminal))
        }
    }
}

/// The JSON of the API, on several lines or on one.
fn json<T: Serialize>(answer: &T, is_pretty: bool) -> Result<String, Failure> {
    let text = if is_pretty {
        serde_json::to_string_pretty(answer)
    } else {
        serde_json::to_string(answer)
    };
    text.map(|text| format!("{text}\n"))
        .map_err(|error| Failure::Other(format!("cannot print the response: {error}")))
}

/// Runs a command.
pub(crate) async fn run(arguments: TestsArguments) -> Result<ExitCode, Failure> {
    let TestsArguments { options, json, command } = arguments;
    // Validated before anything is sent.
    let order = match &command {
        TestsCommand::Create(arguments) => Some(arguments.order()?),
        _ => None,
    };
    let session =
        Session { deployment: options.deployment()?, as_json: json, terminal: Terminal::stdout() };
    match (command, order) {
        (TestsCommand::Create(arguments), Some(order)) => {
            return create::run(&session, arguments, order).await;
        }
        (TestsCommand::Watch(arguments), _) => return watch::run(&session, arguments).await,
        (TestsCommand::List(arguments), _) => list::run(&session, arguments).await,
        (TestsCommand::Show(TestId { id }), _) => show::run(&session, &id).await,
        (TestsCommand::Play(arguments), _) => play::run(&session, arguments).await,
        (TestsCommand::Report(TestId { id }), _) => report::run(&session, &id).await,
        (TestsCommand::Outcomes(TestId { id }), _) => outcomes::run(&session, &id).await,
        (TestsCommand::Update(arguments), _) => update::run(&session, arguments).await,
        (TestsCommand::Cancel(TestId { id }), _) => show::cancel(&session, &id).await,
        (TestsCommand::Retry(TestId { id }), _) => show::retry(&session, &id).await,
        (TestsCommand::Create(_), None) => Ok(()),
    }
    .map(|()| ExitCode::SUCCESS)
}
