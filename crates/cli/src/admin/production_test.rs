//! `fieldtest admin production-test`: production tests, including those that the API no longer
//! shows because their app is deleted (§11, §13).

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use client::ChallengeServiceClient;
use db::WriterMetrics;
use domain::{ChallengeId, ClientId};
use serde_json::Value;
use store_challenge::ChallengeStore;
use store_workspace::ListFilter;
use wire::production_test::ListItem;
use wire::report::Report;

use super::{AdminContext, CommandOutput};
use crate::failure::Failure;
use crate::options::Options;
use crate::table::Table;
use crate::values::{self, BaseUrl, Secret};

const LIST_EXAMPLE: &str = "\
Example:
  fieldtest admin production-test list --app FK5b0KSM";

const REPORT_EXAMPLE: &str = "\
Example:
  fieldtest admin production-test report ch_019d6c8b-6c00-7b1e-8f1a-0c3d5b6e7f8a";

/// The timeout of a request to the challenge service.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The commands for production tests.
#[derive(Subcommand)]
pub(super) enum ProductionTestCommand {
    /// List an app's production tests, oldest first; the app may be deleted
    #[command(after_help = LIST_EXAMPLE)]
    List(ListArguments),
    /// Show a challenge's report; its app may be deleted
    #[command(after_help = REPORT_EXAMPLE)]
    Report(ReportArguments),
}

/// The arguments of `production-test list`.
#[derive(Args)]
pub(super) struct ListArguments {
    /// The app's client id
    #[arg(long, value_name = "CLIENT ID", value_parser = values::client_id)]
    app: ClientId,
}

/// The arguments of `production-test report`.
#[derive(Args)]
pub(super) struct ReportArguments {
    /// The challenge's id
    #[arg(value_parser = values::challenge_id)]
    id: ChallengeId,

    /// The URL of a challenge service in another process; needs --tpas-token
    #[arg(long, env = "FIELDTEST_TPAS_URL", value_name = "URL")]
    tpas_url: Option<BaseUrl>,

    /// The token of that challenge service. Put it into the environment or the file
    #[arg(long, env = "FIELDTEST_TPAS_TOKEN", value_name = "SECRET", hide_env_values = true)]
    tpas_token: Option<Secret>,

    /// A TOML file with a provider catalogue [default: the built-in one]
    #[arg(long, env = "FIELDTEST_CATALOGUE", value_name = "FILE")]
    catalogue: Option<PathBuf>,
}

pub(super) async fn run(
    context: &AdminContext,
    command: ProductionTestCommand,
) -> Result<CommandOutput, Failure> {
    match command {
        ProductionTestCommand::List(ListArguments { app }) => list(context, &app).await,
        ProductionTestCommand::Report(arguments) => report(context, arguments).await,
    }
}

async fn list(context: &AdminContext, app: &ClientId) -> Result<CommandOutput, Failure> {
    let apps = context.store.app_overviews(None).await?;
    let Some(overview) = apps.into_iter().find(|overview| overview.app.client_id == *app) else {
        return Err(Failure::Other(format!(
            "there is no app {app}; `fieldtest admin app list` shows them"
        )));
    };
    let page = context
        .store
        .challenge_requests(&overview.app.workspace_id, app, ListFilter::default())
        .await?;
    let headings = ["REQUEST", "STATUS", "CHALLENGE", "CREATED", "TITLE"];
    let table = page.requests.iter().fold(Table::new(headings), |table, request| {
        table.row([
            request.id.to_string(),
            request.status.as_str().to_owned(),
            request
                .challenge
                .as_ref()
                .map_or_else(|| "none".to_owned(), |challenge| challenge.id.to_string()),
            request.created_at.to_string(),
            request.payload.title.clone(),
        ])
    });
    let now = context.clock_and_rng.now();
    let items: Result<Vec<Value>, _> = page
        .requests
        .iter()
        .map(|request| serde_json::to_value(ListItem::at(now, request)))
        .collect();
    Ok(CommandOutput::new(items.map_err(unprintable)?, table, 4))
}

async fn report(
    context: &AdminContext,
    arguments: ReportArguments,
) -> Result<CommandOutput, Failure> {
    let report = read_report(context, arguments).await?;
    let headings = ["PROVIDER", "STAMPS", "SECONDS ON AVERAGE"];
    let table = report.stats.provider_breakdown.iter().fold(Table::new(headings), |table, row| {
        let average = row
            .average_completion_seconds
            .map_or_else(|| "none".to_owned(), |seconds| format!("{seconds:.1}"));
        table.row([row.provider_id.clone(), row.claim_count.to_string(), average])
    });
    let note = format!(
        "{} stamps in {} participations; {}",
        report.stats.total_claims,
        report.stats.total_participations,
        if report.challenge.is_active { "the challenge is open" } else { "the challenge is over" },
    );
    Ok(CommandOutput::new([serde_json::to_value(&report).map_err(unprintable)?], table, 0)
        .with_note(&note))
}

/// Reads the report from the challenge service if it runs elsewhere, or else from its tables.
async fn read_report(
    context: &AdminContext,
    arguments: ReportArguments,
) -> Result<Report, Failure> {
    let ReportArguments { id, tpas_url, tpas_token, catalogue } = arguments;
    let tpas_token = tpas_token.map(|token| vec![token]);
    let config =
        context.config(Options { tpas_url, tpas_token, catalogue, ..Options::default() })?;
    if let Some(url) = &config.tpas_url {
        let token = config.tpas_token.as_deref().unwrap_or_default();
        let explain = |error: client::ClientError| {
            Failure::Other(format!("the challenge service at {url}: {error}"))
        };
        let service = ChallengeServiceClient::new(url, token, TIMEOUT).map_err(explain)?;
        let report = service.report(&id.to_string()).await.map_err(explain)?;
        return Ok(report);
    }
    let store =
        ChallengeStore::open(&config.challenge_location(), WriterMetrics::default()).await?;
    let report = store.report(id).await;
    store.database().close().await;
    let report = report?.ok_or_else(|| {
        Failure::Other(format!(
            "the challenge service has no challenge {id}; \
             `fieldtest admin production-test list` shows them"
        ))
    })?;
    let catalogue = server::read_catalogue(&config)?;
    let names = catalogue
        .providers()
        .iter()
        .map(|provider| (provider.id.as_str(), provider.name.as_str()))
        .collect();
    Ok(Report::at(context.clock_and_rng.now(), &report, &names))
}

fn unprintable(error: serde_json::Error) -> Failure {
    Failure::Other(format!("cannot print the result: {error}"))
}
