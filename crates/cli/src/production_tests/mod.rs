//! `fieldtest tests`: ordering, watching and managing production tests of any deployment, over its
//! API (§13).

mod create;
mod duration;
mod list;
mod order;
mod progress;
mod report;
mod show;
mod stage;
mod watch;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Serialize;

use self::create::CreateArguments;
use self::list::ListArguments;
use self::watch::WatchArguments;
use crate::deployment::{Access, Deployment};
use crate::failure::Failure;
use crate::output;
use crate::terminal::Terminal;

const NOTES: &str = "\
Which deployment, and with which key: from the options, or else from the environment, or else from the profile that `fieldtest \
login` has stored. What is safe to repeat is tried again by itself if there is no answer; an order is repeated under one \
idempotency key, so it is one order however often it is sent.

Example:
  fieldtest tests create --title \"BankID SE Test\" --provider-ids bankidse --watch";

const SHOW_EXAMPLE: &str = "\
Example:
  fieldtest tests show req_019d6c8b-6c00-7b1e-8f1a-0c3d5b6e7f8a";

const REPORT_EXAMPLE: &str = "\
Example:
  fieldtest tests report ch_019d6c8b-6c00-7b1e-8f1a-0c3d5b6e7f8a --json";

const CANCEL_EXAMPLE: &str = "\
Example:
  fieldtest tests cancel req_019d6c8b-6c00-7b1e-8f1a-0c3d5b6e7f8a";

const RETRY_EXAMPLE: &str = "\
Example:
  fieldtest tests retry req_019d6c8b-6c00-7b1e-8f1a-0c3d5b6e7f8a";

/// What `tests` can be told.
#[derive(Args)]
#[command(after_help = NOTES)]
pub(crate) struct TestsArguments {
    #[command(flatten)]
    access: Access,

    /// Print JSON, as the API gives it
    #[arg(long, global = true)]
    json: bool,

    #[command(subcommand)]
    command: TestsCommand,
}

/// What can be done with production tests.
#[derive(Subcommand)]
enum TestsCommand {
    /// Order a production test
    Create(CreateArguments),
    /// List the app's production tests
    List(ListArguments),
    /// Show one production test, with all that is known of it
    #[command(after_help = SHOW_EXAMPLE)]
    Show(TestId),
    /// Watch stamps being granted, until the test is over
    Watch(WatchArguments),
    /// Show how a production test went, provider by provider
    #[command(after_help = REPORT_EXAMPLE)]
    Report(TestId),
    /// Call a production test off: one that waits is not scheduled, one that runs is closed
    #[command(after_help = CANCEL_EXAMPLE)]
    Cancel(TestId),
    /// Have a production test that has failed tried again
    #[command(after_help = RETRY_EXAMPLE)]
    Retry(TestId),
}

/// Which production test.
#[derive(Args)]
struct TestId {
    /// The id of its request (req_…) or of its challenge (ch_…)
    #[arg(value_parser = test_id)]
    id: String,
}

/// An id as it was typed, without a request for what cannot be one.
fn test_id(text: &str) -> Result<String, &'static str> {
    if text.parse::<domain::RequestId>().is_ok() || text.parse::<domain::ChallengeId>().is_ok() {
        Ok(text.to_owned())
    } else {
        Err(
            "not a valid id: it begins with req_ or ch_, and a UUID follows; `fieldtest tests list` shows them",
        )
    }
}

/// What every command needs: the deployment, and how to print.
struct Session {
    deployment: Deployment,
    as_json: bool,
    terminal: Terminal,
}

impl Session {
    /// Prints what the API gave, or what people want to read of it.
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

/// The API's own JSON, on many lines or on one.
fn json<T: Serialize>(answer: &T, is_pretty: bool) -> Result<String, Failure> {
    let text = if is_pretty {
        serde_json::to_string_pretty(answer)
    } else {
        serde_json::to_string(answer)
    };
    text.map(|text| format!("{text}\n"))
        .map_err(|error| Failure::Other(format!("the answer cannot be printed: {error}")))
}

/// Does what was asked, and says how it ended.
pub(crate) async fn run(arguments: TestsArguments) -> Result<ExitCode, Failure> {
    let TestsArguments { access, json, command } = arguments;
    // What was typed is judged before anything is sent.
    let order = match &command {
        TestsCommand::Create(arguments) => Some(arguments.order()?),
        _ => None,
    };
    let session = Session {
        deployment: access.deployment()?,
        as_json: json,
        terminal: Terminal::of_output(),
    };
    match (command, order) {
        (TestsCommand::Create(arguments), Some(order)) => {
            return create::run(&session, arguments, order).await;
        }
        (TestsCommand::Watch(arguments), _) => return watch::run(&session, arguments).await,
        (TestsCommand::List(arguments), _) => list::run(&session, arguments).await,
        (TestsCommand::Show(TestId { id }), _) => show::run(&session, &id).await,
        (TestsCommand::Report(TestId { id }), _) => report::run(&session, &id).await,
        (TestsCommand::Cancel(TestId { id }), _) => show::cancel(&session, &id).await,
        (TestsCommand::Retry(TestId { id }), _) => show::retry(&session, &id).await,
        (TestsCommand::Create(_), None) => Ok(()),
    }
    .map(|()| ExitCode::SUCCESS)
}
