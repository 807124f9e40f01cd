//! `fieldtest admin production-test`: what the API no longer shows once an app is deleted (§11,
//! §13).

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

use super::{AdminContext, Answer};
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

/// The challenge service's answer does not take longer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What can be done with production tests.
#[derive(Subcommand)]
pub(super) enum ProductionTestCommand {
    /// List an app's production tests, oldest first, also if the app is deleted
    #[command(after_help = LIST_EXAMPLE)]
    List(Which),
    /// Show a challenge's report, also if its app is deleted
    #[command(after_help = REPORT_EXAMPLE)]
    Report(ReportArguments),
}

/// Which app's.
#[derive(Args)]
pub(super) struct Which {
    /// The app's client id
    #[arg(long, value_name = "CLIENT ID", value_parser = values::client_id)]
    app: ClientId,
}

/// Which report, and who has it.
#[derive(Args)]
pub(super) struct ReportArguments {
    /// The challenge's id
    #[arg(value_parser = values::challenge_id)]
    id: ChallengeId,

    /// Where the challenge service runs, if its tables are not here; needs its token
    #[arg(long, env = "FIELDTEST_TPAS_URL", value_name = "URL")]
    tpas_url: Option<BaseUrl>,

    /// The token of the challenge service's service surface; better in the environment, as for
    /// `serve`
    #[arg(long, env = "FIELDTEST_TPAS_TOKEN", value_name = "SECRET", hide_env_values = true)]
    tpas_token: Option<Secret>,

    /// A provider catalogue of your own, a TOML file [default: the shipped one]
    #[arg(long, env = "FIELDTEST_CATALOGUE", value_name = "FILE")]
    catalogue: Option<PathBuf>,
}

pub(super) async fn run(
    desk: &AdminContext,
    command: ProductionTestCommand,
) -> Result<Answer, Failure> {
    match command {
        ProductionTestCommand::List(Which { app }) => list(desk, &app).await,
        ProductionTestCommand::Report(arguments) => report(desk, arguments).await,
    }
}

async fn list(desk: &AdminContext, app: &ClientId) -> Result<Answer, Failure> {
    let apps = desk.store.app_overviews(None).await?;
    let Some(overview) = apps.into_iter().find(|overview| overview.app.client_id == *app) else {
        return Err(Failure::Other(format!(
            "there is no app {app}; `fieldtest admin app list` shows all"
        )));
    };
    let page = desk
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
    let now = desk.clock_and_rng.now();
    let items: Result<Vec<Value>, _> = page
        .requests
        .iter()
        .map(|request| serde_json::to_value(ListItem::at(now, request)))
        .collect();
    Ok(Answer::new(items.map_err(unprintable)?, table, 4))
}

async fn report(desk: &AdminContext, arguments: ReportArguments) -> Result<Answer, Failure> {
    let report = read_report(desk, arguments).await?;
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
    Ok(Answer::new([serde_json::to_value(&report).map_err(unprintable)?], table, 0)
        .with_note(&note))
}

/// The report, from the challenge service if that is elsewhere, or else from its tables.
async fn read_report(desk: &AdminContext, arguments: ReportArguments) -> Result<Report, Failure> {
    let ReportArguments { id, tpas_url, tpas_token, catalogue } = arguments;
    let config = desk.config(Options { tpas_url, tpas_token, catalogue, ..Options::default() })?;
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
            "the challenge service has no challenge {id}; `fieldtest admin production-test list` shows them"
        ))
    })?;
    let catalogue = server::read_catalogue(&config)?;
    let names = catalogue
        .providers()
        .iter()
        .map(|provider| (provider.id.as_str(), provider.name.as_str()))
        .collect();
    Ok(Report::at(desk.clock_and_rng.now(), &report, &names))
}

fn unprintable(error: serde_json::Error) -> Failure {
    Failure::Other(format!("the answer cannot be printed: {error}"))
}
