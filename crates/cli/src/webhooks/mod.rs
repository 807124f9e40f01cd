//! `fieldtest webhooks`: configures an app's webhook, shows deliveries, and brings events to this
//! machine (§12, §13).

mod deliveries;
mod listen;
mod set;

use clap::{Args, Subcommand};
use serde::Serialize;
use wire::webhook::{WebhookAttempt, WebhookConfig};

use self::listen::ListenArguments;
use self::set::SetArguments;
use crate::deployment::{Deployment, DeploymentOptions};
use crate::failure::Failure;
use crate::output;
use crate::table::printable;

const NOTES: &str = "\
Example:
  fieldtest webhooks set --webhook-url https://bank.example/hooks/fieldtest --enabled true";

const SHOW_EXAMPLE: &str = "\
Example:
  fieldtest webhooks show";

const SET_EXAMPLE: &str = "\
Example:
  fieldtest webhooks set --webhook-url https://bank.example/hooks/fieldtest --enabled true";

const TEST_EXAMPLE: &str = "\
Example:
  fieldtest webhooks test";

const DELIVERIES_EXAMPLE: &str = "\
Example:
  fieldtest webhooks deliveries";

const REDELIVER_EXAMPLE: &str = "\
Example:
  fieldtest webhooks redeliver 42";

const LISTEN_EXAMPLE: &str = "\
Example:
  fieldtest webhooks listen --forward-to http://localhost:3000/hook";

/// The arguments of `webhooks`.
#[derive(Args)]
#[command(after_help = NOTES)]
pub(crate) struct WebhooksArguments {
    #[command(flatten)]
    options: DeploymentOptions,

    /// Print the JSON of the API
    #[arg(long, global = true)]
    json: bool,

    #[command(subcommand)]
    command: WebhooksCommand,
}

/// The commands for webhooks.
#[derive(Subcommand)]
enum WebhooksCommand {
    /// Show the app's webhook, with its secret if the key has full access
    #[command(after_help = SHOW_EXAMPLE)]
    Show,
    /// Change the app's webhook
    #[command(after_help = SET_EXAMPLE)]
    Set(SetArguments),
    /// Send a signed test event, and show what the receiver said
    #[command(after_help = TEST_EXAMPLE)]
    Test,
    /// List the deliveries of the last seven days
    #[command(after_help = DELIVERIES_EXAMPLE)]
    Deliveries,
    /// Deliver an event again, under the same id
    #[command(after_help = REDELIVER_EXAMPLE)]
    Redeliver {
        /// The delivery's id, as `fieldtest webhooks deliveries` shows it
        id: String,
    },
    /// Send the app's events to a URL of this machine as they happen, signed like deliveries
    #[command(after_help = LISTEN_EXAMPLE)]
    Listen(ListenArguments),
}

/// What the commands share.
struct Session {
    deployment: Deployment,
    as_json: bool,
}

impl Session {
    /// Prints the API's response as JSON, or a text for people.
    fn print<T: Serialize>(
        &self,
        answer: &T,
        text: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        if !self.as_json {
            return output::print(&text());
        }
        let json = serde_json::to_string_pretty(answer)
            .map_err(|error| Failure::Other(format!("cannot print the response: {error}")))?;
        output::print(&format!("{json}\n"))
    }
}

/// Runs a command.
pub(crate) async fn run(arguments: WebhooksArguments) -> Result<(), Failure> {
    let WebhooksArguments { options, json, command } = arguments;
    let session = Session { deployment: options.deployment()?, as_json: json };
    let deployment = &session.deployment;
    let app = deployment.app().await?;
    let explain = |error: client::ClientError| deployment.explain(&error);
    match command {
        WebhooksCommand::Show => {
            let config = deployment.api.webhook_config(&app).await.map_err(explain)?;
            session.print(&config, || config_text(&config))
        }
        WebhooksCommand::Set(arguments) => {
            let change = arguments.change()?;
            let config =
                deployment.api.update_webhook_config(&app, &change).await.map_err(explain)?;
            session.print(&config, || config_text(&config))
        }
        WebhooksCommand::Test => {
            let attempt = deployment.api.test_webhook(&app).await.map_err(explain)?;
            session.print(&attempt, || attempt_text(&attempt))
        }
        WebhooksCommand::Deliveries => deliveries::list(&session, &app).await,
        WebhooksCommand::Redeliver { id } => deliveries::redeliver(&session, &app, &id).await,
        WebhooksCommand::Listen(arguments) => listen::run(&session, &app, arguments).await,
    }
}

fn config_text(config: &WebhookConfig) -> String {
    let WebhookConfig {
        url,
        enabled,
        retry_attempts,
        timeout_seconds,
        events,
        failing_since,
        secret,
    } = config;
    let name = |event| serde_json::to_value(event).ok()?.as_str().map(str::to_owned);
    let names: Vec<String> = events.iter().filter_map(name).collect();
    let lines = [
        ("URL", url.clone()),
        ("Enabled", Some(if *enabled { "yes" } else { "no" }.to_owned())),
        ("Events", Some(if names.is_empty() { "all".to_owned() } else { names.join(", ") })),
        ("Timeout", Some(format!("{timeout_seconds} s"))),
        ("Quick retries", Some(retry_attempts.to_string())),
        ("Failing since", failing_since.map(|since| since.to_string())),
        ("Secret", secret.clone()),
    ];
    let lines = lines.into_iter().filter_map(|(name, value)| Some((name, printable(&value?))));
    lines.map(|(name, value)| format!("{name:<14}{value}\n")).collect()
}

fn attempt_text(attempt: &WebhookAttempt) -> String {
    let WebhookAttempt { at: _, status, error, duration_milliseconds, answer } = attempt;
    let said = match (status, error) {
        (Some(status), _) => format!("{status} {}", printable(answer)),
        (None, error) => error.clone().unwrap_or_else(|| "no answer".into()),
    };
    format!("{} after {duration_milliseconds} ms\n", said.trim())
}
