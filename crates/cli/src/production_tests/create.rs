//! `fieldtest tests create` (§5).

use std::process::ExitCode;

use clap::{Args, ValueHint};
use serde_json::{Map, Value};
use wire::production_test::CreateProductionTest;

use super::watch::{self, Pace};
use super::{Session, order};
use crate::choice::{PLATFORMS, one_of};
use crate::failure::Failure;
use crate::table::printable;
use crate::terminal::Tone;

const EXAMPLES: &str = "\
Examples:
  fieldtest tests create --title \"BankID SE Test\" --provider-ids bankidse,mitid --target-platform ios --max-stamps 3
  fieldtest tests create --file order.json --watch
  echo '{\"title\":\"BankID SE Test\"}' | fieldtest tests create --file -";

/// What to order.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct CreateArguments {
    /// What the test is called: at most 200 characters
    #[arg(long, required_unless_present = "file")]
    title: Option<String>,

    /// What testers should know: at most 1000 characters
    #[arg(long)]
    description: Option<String>,

    /// The providers to test, separated by commas [default: all that the app has enabled]
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    provider_ids: Option<Vec<String>>,

    /// The only platform that may take part: ios or android [default: both]
    #[arg(long, value_name = "PLATFORM", value_parser = one_of::<String>(PLATFORMS), hide_possible_values = true)]
    target_platform: Option<String>,

    /// How many stamps there are, first come, first served [default: 3]
    #[arg(long, value_name = "NUMBER")]
    max_stamps: Option<u32>,

    /// Let the same person take part several times with the same provider
    #[arg(long)]
    allow_duplicate_participation: bool,

    /// The order as JSON, as the API takes it; - reads standard input
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with_all = [
        "title", "description", "provider_ids", "target_platform", "max_stamps", "allow_duplicate_participation",
    ])]
    file: Option<String>,

    /// Orders with the same key within 24 hours are one order [default: a new key for each command]
    #[arg(long, value_name = "KEY", value_parser = idempotency_key)]
    idempotency_key: Option<String>,

    /// Watch it, as `fieldtest tests watch` does
    #[arg(long)]
    watch: bool,
}

/// A key that a header can carry.
fn idempotency_key(text: &str) -> Result<String, &'static str> {
    if (1..=255).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
    {
        Ok(text.to_owned())
    } else {
        Err("it must have 1 to 255 characters, letters, digits and signs of ASCII")
    }
}

impl CreateArguments {
    /// The order, judged as the server would judge it.
    pub(super) fn order(&self) -> Result<CreateProductionTest, Failure> {
        if let Some(file) = &self.file {
            return order::read(file);
        }
        let given = [
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
        let members = given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        order::judge(&members.collect::<Map<_, _>>()).map_err(|errors| {
            Failure::Input(format!(
                "this is no order; nothing was sent\n  - {}",
                errors.join("\n  - ")
            ))
        })
    }
}

/// Orders, and prints the challenge request.
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
            let advice =
                format!("It may have been ordered all the same. To be sure, order again with --idempotency-key {key}");
            return Failure::Other(format!("{failure}\n  {advice}"));
        }
        failure
    })?;
    let request = created.request;
    if arguments.watch && session.as_json {
        return watch::follow(session, &app, &request.id, Pace::default()).await;
    }
    session.print(&request, |terminal| {
        let title = printable(&request.payload.title);
        let (when, tone) = if created.is_replay {
            ("was ordered before", Tone::Busy)
        } else {
            ("is ordered", Tone::Good)
        };
        let hint = format!("Watch it with: fieldtest tests watch {}", request.id);
        let hint = if arguments.watch {
            String::new()
        } else {
            format!("{}\n", terminal.paint(Tone::Quiet, &hint))
        };
        format!("{} {}: {title}\n{hint}", request.id, terminal.paint(tone, when))
    })?;
    if arguments.watch {
        return watch::follow(session, &app, &request.id, Pace::default()).await;
    }
    Ok(ExitCode::SUCCESS)
}
