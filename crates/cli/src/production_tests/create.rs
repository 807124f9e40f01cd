//! `fieldtest tests create` (§5).

use std::process::ExitCode;

use clap::{Args, ValueHint};
use serde_json::{Map, Value};
use wire::production_test::CreateProductionTest;

use super::watch::{self, PollInterval};
use super::{Session, order};
use crate::failure::Failure;
use crate::possible_values::{PLATFORMS, one_of};
use crate::table::printable;
use crate::terminal::Style;

const EXAMPLES: &str = "\
Examples:
  fieldtest tests create --title \"BankID SE Test\" --provider-ids bankidse,mitid --max-stamps 3
  fieldtest tests create --file order.json --watch
  echo '{\"title\":\"BankID SE Test\"}' | fieldtest tests create --file -";

/// The arguments of `tests create`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct CreateArguments {
    /// The title, at most 200 characters
    #[arg(long, required_unless_present = "file", allow_hyphen_values = true)]
    title: Option<String>,

    /// A description for testers, at most 1000 characters
    #[arg(long, allow_hyphen_values = true)]
    description: Option<String>,

    /// The providers to test, separated by commas [default: all that are enabled for the app]
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    provider_ids: Option<Vec<String>>,

    /// Limit the test to one platform: ios or android [default: both]
    #[arg(
        long,
        value_name = "PLATFORM",
        value_parser = one_of::<String>(PLATFORMS),
        hide_possible_values = true
    )]
    target_platform: Option<String>,

    /// The number of stamps: first come, first served [default: 3]
    #[arg(long, value_name = "NUMBER", value_parser = max_stamps, allow_negative_numbers = true)]
    max_stamps: Option<u32>,

    /// Let a person take part several times with the same provider
    #[arg(long)]
    allow_duplicate_participation: bool,

    /// A JSON file with the body of the API request; - reads standard input
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with_all = [
        "title", "description", "provider_ids", "target_platform", "max_stamps",
        "allow_duplicate_participation",
    ])]
    file: Option<String>,

    /// The idempotency key: requests with the same key within 24 hours are one order [default: a
    /// new key]
    #[arg(long, value_name = "KEY", value_parser = idempotency_key)]
    idempotency_key: Option<String>,

    /// Watch the test, as `fieldtest tests watch` does
    #[arg(long)]
    watch: bool,
}

/// Parses a number of stamps. What is out of the order's bounds stays out of them, so that the error
/// is the one of the order, beside those of its other members.
fn max_stamps(text: &str) -> Result<u32, &'static str> {
    let number: i128 = text.parse().map_err(|_| "it must be an integer from 1 to 2147483647")?;
    Ok(u32::try_from(number.max(0)).unwrap_or(u32::MAX))
}

/// Parses an idempotency key, which must fit into a header.
fn idempotency_key(text: &str) -> Result<String, &'static str> {
    if (1..=255).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
    {
        Ok(text.to_owned())
    } else {
        Err("it must have 1 to 255 printable ASCII characters")
    }
}

impl CreateArguments {
    /// The body of the request, validated as the server does it.
    pub(super) fn order(&self) -> Result<CreateProductionTest, Failure> {
        if let Some(file) = &self.file {
            return order::read(file);
        }
        let fields = [
            ("title", self.title.clone().map(Value::from)),
            ("description", self.description.clone().map(Value::from)),
            ("providerIds", self.provider_ids.clone().map(Value::from)),
            ("targetPlatform", self.target_platform.clone().map(Value::from)),
            ("maxStamps", self.max_stamps.map(Value::from)),
            (
                "allowDuplicateParticipation",
                self.allow_duplicate_participation.then_some(Value::Bool(true)),
            ),
        ];
        let fields = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        order::validate(&fields.collect::<Map<_, _>>()).map_err(|errors| {
            Failure::Input(format!(
                "the order is not valid; nothing was sent\n  - {}",
                errors.join("\n  - ")
            ))
        })
    }
}

/// Orders a production test, and prints the challenge request.
pub(super) async fn run(
    session: &Session,
    arguments: CreateArguments,
    order: CreateProductionTest,
) -> Result<ExitCode, Failure> {
    let deployment = &session.deployment;
    let app = deployment.app().await?;
    let key = arguments.idempotency_key.unwrap_or_else(|| deployment.retries.idempotency_key());
    let created = deployment.api.create_production_test(&app, &order, Some(&key)).await;
    let created = created.map_err(|error| {
        let failure = deployment.explain(&error);
        if error.is_transient() {
            return Failure::Other(format!(
                "{failure}\n  The order may have been made. To be sure, repeat the command with \
                 --idempotency-key {key}"
            ));
        }
        failure
    })?;
    let request = created.request;
    if arguments.watch && session.as_json {
        return watch::follow(session, &app, &request.id, PollInterval::default()).await;
    }
    session.print(&request, |terminal| {
        let title = printable(&request.payload.title);
        let (result, style) = if created.is_replay {
            ("was ordered before", Style::Warning)
        } else {
            ("is ordered", Style::Success)
        };
        let hint = format!("Watch it with: fieldtest tests watch {}", request.id);
        let hint = if arguments.watch {
            String::new()
        } else {
            format!("{}\n", terminal.paint(Style::Dim, &hint))
        };
        format!("{} {}: {title}\n{hint}", request.id, terminal.paint(style, result))
    })?;
    if arguments.watch {
        return watch::follow(session, &app, &request.id, PollInterval::default()).await;
    }
    Ok(ExitCode::SUCCESS)
}
