//! `fieldtest admin`: workspaces, keys, apps and providers, directly in the database, and the
//! verifiers (§13).

mod app;
mod command_output;
mod copy;
mod expiry;
mod key;
mod production_test;
mod provider;
mod verifier;
mod workspace;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use db::WriterMetrics;
use domain::{ClockAndRng, WorkspaceId};
use server::Config;
use store_workspace::WorkspaceStore;

use self::app::AppCommand;
use self::command_output::CommandOutput;
use self::copy::CopyArguments;
use self::key::KeyCommand;
use self::production_test::ProductionTestCommand;
use self::provider::ProviderCommand;
use self::verifier::VerifierCommand;
use self::workspace::WorkspaceCommand;
use crate::failure::Failure;
use crate::options::{DatabaseOptions, Options};
use crate::output;

const NOTES: &str = "\
These commands work directly on the database, also while a server runs on it. If there is no \
database yet, they create it.

Example:
  fieldtest admin workspace list --json";

const WORKSPACE_EXAMPLE: &str = "\
Example:
  fieldtest admin workspace create --name \"Acme\"";

const KEY_EXAMPLE: &str = "\
Example:
  fieldtest admin key create --workspace org_4vQ0m2rT8yXk1ZpLw7Hc --name \"nightly tests\"";

const APP_EXAMPLE: &str = "\
Example:
  fieldtest admin app create --workspace org_4vQ0m2rT8yXk1ZpLw7Hc --name \"Acme Bank\"";

const PROVIDER_EXAMPLE: &str = "\
Example:
  fieldtest admin provider enable --app FK5b0KSM --provider bankidse";

const PRODUCTION_TEST_EXAMPLE: &str = "\
Example:
  fieldtest admin production-test list --app FK5b0KSM";

const VERIFIER_EXAMPLE: &str = "\
Example:
  fieldtest admin verifier check --config /etc/fieldtest.toml";

/// The arguments of `admin`.
#[derive(Args)]
#[command(after_help = NOTES)]
pub(crate) struct AdminArguments {
    #[command(flatten)]
    database: DatabaseOptions,

    /// Print JSON instead of a table
    #[arg(long, global = true)]
    json: bool,

    #[command(subcommand)]
    command: AdminCommand,
}

/// The commands by what they manage.
#[derive(Subcommand)]
enum AdminCommand {
    /// Manage workspaces, which own keys, apps and production tests
    #[command(subcommand, after_help = WORKSPACE_EXAMPLE)]
    Workspace(WorkspaceCommand),
    /// Manage API keys
    #[command(subcommand, after_help = KEY_EXAMPLE)]
    Key(KeyCommand),
    /// Manage apps, for which production tests are ordered
    #[command(subcommand, after_help = APP_EXAMPLE)]
    App(AppCommand),
    /// Manage the providers that an app can have tested
    #[command(subcommand, after_help = PROVIDER_EXAMPLE)]
    Provider(ProviderCommand),
    /// Show and check who verifies the testers of each provider
    #[command(subcommand, after_help = VERIFIER_EXAMPLE)]
    Verifier(VerifierCommand),
    /// Show production tests, including those of deleted apps
    #[command(subcommand, after_help = PRODUCTION_TEST_EXAMPLE)]
    ProductionTest(ProductionTestCommand),
    /// Copy the embedded databases to PostgreSQL
    Copy(CopyArguments),
}

/// What the commands share.
struct AdminContext {
    options: Options,
    store: WorkspaceStore,
    clock_and_rng: ClockAndRng,
}

/// Runs a command, and prints its output.
pub(crate) async fn run(arguments: AdminArguments) -> Result<ExitCode, Failure> {
    let AdminArguments { database, json, command } = arguments;
    let options = database.options()?;
    let output = match command {
        AdminCommand::Workspace(command) => {
            with_context(options, async |context| workspace::run(context, command).await).await
        }
        AdminCommand::Key(command) => {
            with_context(options, async |context| key::run(context, command).await).await
        }
        AdminCommand::App(command) => {
            with_context(options, async |context| app::run(context, command).await).await
        }
        AdminCommand::Provider(command) => {
            with_context(options, async |context| provider::run(context, command).await).await
        }
        AdminCommand::ProductionTest(command) => {
            with_context(options, async |context| production_test::run(context, command).await)
                .await
        }
        AdminCommand::Verifier(command) => return verifier::run(options, command, json).await,
        AdminCommand::Copy(arguments) => copy::run(options, arguments).await,
    };
    output::print(&output?.render(json))?;
    Ok(ExitCode::SUCCESS)
}

/// Opens the database, runs a command and closes the database.
async fn with_context(
    options: Options,
    run: impl AsyncFnOnce(&AdminContext) -> Result<CommandOutput, Failure>,
) -> Result<CommandOutput, Failure> {
    let context = AdminContext::open(options).await?;
    let output = run(&context).await;
    context.store.database().close().await;
    output
}

impl AdminContext {
    /// Opens the database. An embedded database is created if it does not exist.
    async fn open(options: Options) -> Result<Self, Failure> {
        let config = options.clone().config()?;
        if !config.data_dir.join("connect.sqlite3").exists()
            && !config.workspace_location().is_shared()
        {
            server::migrate(&config).await?;
        }
        let store =
            WorkspaceStore::open(&config.workspace_location(), WriterMetrics::default()).await?;
        Ok(Self { options, store, clock_and_rng: ClockAndRng::system()? })
    }

    /// The configuration of a server with these options in addition.
    fn config(&self, more: Options) -> Result<Config, Failure> {
        more.or(self.options.clone()).config()
    }

    /// Fails if the workspace does not exist.
    async fn check_workspace(&self, id: &WorkspaceId) -> Result<(), Failure> {
        let workspaces = self.store.workspaces().await?;
        if workspaces.iter().any(|workspace| workspace.id == *id) {
            Ok(())
        } else {
            Err(workspace_not_found(id))
        }
    }
}

fn workspace_not_found(id: &WorkspaceId) -> Failure {
    Failure::Other(format!(
        "there is no workspace {id}; `fieldtest admin workspace list` shows them"
    ))
}
