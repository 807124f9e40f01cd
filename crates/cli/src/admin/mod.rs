//! `fieldtest admin`: what an operator does to workspaces, keys, apps and providers, directly in
//! the database (§13).

mod answer;
mod app;
mod copy;
mod expiry;
mod key;
mod production_test;
mod provider;
mod workspace;

use clap::{Args, Subcommand};
use db::WriterMetrics;
use domain::{ClockAndRng, WorkspaceId};
use server::Config;
use store_workspace::WorkspaceStore;

use self::answer::Answer;
use self::app::AppCommand;
use self::copy::CopyArguments;
use self::key::KeyCommand;
use self::production_test::ProductionTestCommand;
use self::provider::ProviderCommand;
use self::workspace::WorkspaceCommand;
use crate::failure::Failure;
use crate::options::{Options, Place};
use crate::output;

const NOTES: &str = "\
These commands work on the database in the data directory itself, also while a server runs on it. If there is no \
database yet, they make it.

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

/// What `admin` can be told.
#[derive(Args)]
#[command(after_help = NOTES)]
pub(crate) struct AdminArguments {
    #[command(flatten)]
    place: Place,

    /// Print JSON instead of a table
    #[arg(long, global = true)]
    json: bool,

    #[command(subcommand)]
    noun: Noun,
}

/// What can be managed.
#[derive(Subcommand)]
enum Noun {
    /// Who owns keys, apps and production tests
    #[command(subcommand, after_help = WORKSPACE_EXAMPLE)]
    Workspace(WorkspaceCommand),
    /// The secrets with which the API is called
    #[command(subcommand, after_help = KEY_EXAMPLE)]
    Key(KeyCommand),
    /// What production tests are ordered for
    #[command(subcommand, after_help = APP_EXAMPLE)]
    App(AppCommand),
    /// Which electronic identities an app can have tested
    #[command(subcommand, after_help = PROVIDER_EXAMPLE)]
    Provider(ProviderCommand),
    /// What was ordered, also for apps that are deleted
    #[command(subcommand, after_help = PRODUCTION_TEST_EXAMPLE)]
    ProductionTest(ProductionTestCommand),
    /// Copy the embedded databases to PostgreSQL
    Copy(CopyArguments),
}

/// What the commands work with.
struct AdminContext {
    options: Options,
    store: WorkspaceStore,
    clock_and_rng: ClockAndRng,
}

/// Does what was asked, and prints what came of it.
pub(crate) async fn run(arguments: AdminArguments) -> Result<(), Failure> {
    let AdminArguments { place, json, noun } = arguments;
    let options = place.options()?;
    let answer = match noun {
        Noun::Workspace(command) => {
            at_desk(options, async |desk| workspace::run(desk, command).await).await
        }
        Noun::Key(command) => at_desk(options, async |desk| key::run(desk, command).await).await,
        Noun::App(command) => at_desk(options, async |desk| app::run(desk, command).await).await,
        Noun::Provider(command) => {
            at_desk(options, async |desk| provider::run(desk, command).await).await
        }
        Noun::ProductionTest(command) => {
            at_desk(options, async |desk| production_test::run(desk, command).await).await
        }
        Noun::Copy(arguments) => copy::run(options, arguments).await,
    };
    output::print(&answer?.render(json))
}

/// Opens the database for what is to be done there.
async fn at_desk(
    options: Options,
    work: impl AsyncFnOnce(&AdminContext) -> Result<Answer, Failure>,
) -> Result<Answer, Failure> {
    let desk = AdminContext::open(options).await?;
    let answer = work(&desk).await;
    desk.store.database().close().await;
    answer
}

impl AdminContext {
    /// Opens the database, and makes it if there is none.
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

    /// What a server would be told that was started with these options in addition.
    fn config(&self, typed: Options) -> Result<Config, Failure> {
        typed.or(self.options.clone()).config()
    }

    /// Fails if there is no such workspace.
    async fn need_workspace(&self, id: &WorkspaceId) -> Result<(), Failure> {
        let workspaces = self.store.workspaces().await?;
        if workspaces.iter().any(|workspace| workspace.id == *id) {
            Ok(())
        } else {
            Err(no_workspace(id))
        }
    }
}

fn no_workspace(id: &WorkspaceId) -> Failure {
    Failure::Other(format!(
        "there is no workspace {id}; `fieldtest admin workspace list` shows all"
    ))
}
