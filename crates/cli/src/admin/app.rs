//! `fieldtest admin app` (§11, §13).

use std::collections::BTreeSet;

use clap::{Args, Subcommand};
use domain::api_key::SecretHash;
use domain::app::{App, new_client_secret, preview};
use domain::{ClientId, ProviderId, WorkspaceId};
use serde_json::{Value, json};
use store_workspace::{AppOverview, CreateApp, CreateAppOutcome};

use super::{AdminContext, CommandOutput, workspace_not_found};
use crate::failure::Failure;
use crate::table::Table;
use crate::values;

/// The provider that is enabled for every new app (§11).
const DEFAULT_PROVIDER: &str = "passport";

/// The number of random client ids to try. A collision is very unlikely.
const MAX_CLIENT_IDS: u32 = 5;

const CREATE_EXAMPLES: &str = "\
Examples:
  fieldtest admin app create --workspace org_… --name \"Acme Bank\"
  fieldtest admin app create --workspace org_… --name \"Acme Bank\" --client-id FK5b0KSM";

const LIST_EXAMPLE: &str = "\
Example:
  fieldtest admin app list --workspace org_4vQ0m2rT8yXk1ZpLw7Hc";

/// The commands for apps.
#[derive(Subcommand)]
pub(super) enum AppCommand {
    /// Create an app and print its client secret, which is not shown again
    #[command(after_help = CREATE_EXAMPLES)]
    Create(CreateArguments),
    /// List apps, oldest first, including deleted ones; without their secrets
    #[command(after_help = LIST_EXAMPLE)]
    List {
        /// Only the apps of this workspace
        #[arg(long, value_name = "ID", value_parser = values::workspace_id)]
        workspace: Option<WorkspaceId>,
    },
}

/// The arguments of `app create`.
#[derive(Args)]
pub(super) struct CreateArguments {
    /// The workspace that owns the app
    #[arg(long, value_name = "ID", value_parser = values::workspace_id)]
    workspace: WorkspaceId,

    /// The name, which testers see as the host of its challenges
    #[arg(long, value_parser = values::name)]
    name: String,

    /// The client id, 8 letters and digits that are not taken [default: random]
    #[arg(long, value_name = "ID", value_parser = values::client_id)]
    client_id: Option<ClientId>,
}

pub(super) async fn run(
    context: &AdminContext,
    command: AppCommand,
) -> Result<CommandOutput, Failure> {
    match command {
        AppCommand::Create(arguments) => create(context, arguments).await,
        AppCommand::List { workspace } => list(context, workspace).await,
    }
}

async fn create(
    context: &AdminContext,
    arguments: CreateArguments,
) -> Result<CommandOutput, Failure> {
    let CreateArguments { workspace, name, client_id } = arguments;
    let passport: ProviderId = DEFAULT_PROVIDER
        .parse()
        .map_err(|_| Failure::Other(format!("{DEFAULT_PROVIDER} is not a provider's id")))?;
    let mut app = App {
        workspace_id: workspace,
        client_id: client_id
            .clone()
            .unwrap_or_else(|| ClientId::random(context.clock_and_rng.randomness())),
        name,
        enabled_providers: [passport].into(),
        requested_providers: [].into(),
        created_at: context.clock_and_rng.now(),
    };
    let secret = new_client_secret(context.clock_and_rng.randomness());
    let attempts = if client_id.is_some() { 1 } else { MAX_CLIENT_IDS };
    for _ in 0..attempts {
        match context.store.create_app(write(&app, &secret)).await? {
            CreateAppOutcome::Created => return Ok(output(&app, &secret)),
            CreateAppOutcome::NoWorkspace => return Err(workspace_not_found(&app.workspace_id)),
            CreateAppOutcome::ClientIdTaken => {}
        }
        if client_id.is_none() {
            app.client_id = ClientId::random(context.clock_and_rng.randomness());
        }
    }
    let client_id = &app.client_id;
    Err(Failure::Other(format!(
        "the client id {client_id} is taken; choose another, or leave it out to get a free one"
    )))
}

fn write(app: &App, secret: &str) -> CreateApp {
    CreateApp {
        app: app.clone(),
        client_secret_hash: SecretHash::of(secret),
        client_secret_preview: preview(secret),
    }
}

fn output(app: &App, secret: &str) -> CommandOutput {
    let App {
        workspace_id,
        client_id,
        name,
        enabled_providers,
        requested_providers: _,
        created_at,
    } = app;
    let providers: Vec<&str> = enabled_providers.iter().map(ProviderId::as_str).collect();
    let json = json!({
        "clientId": client_id.as_str(),
        "clientSecret": secret,
        "organizationId": workspace_id.as_str(),
        "name": name,
        "enabledProviders": providers,
        "createdAt": created_at.to_string(),
    });
    let table = Table::new(["CLIENT ID", "WORKSPACE", "NAME", "PROVIDERS", "CREATED"]).row([
        client_id.to_string(),
        workspace_id.to_string(),
        name.clone(),
        providers.join(","),
        created_at.to_string(),
    ]);
    CommandOutput::new([json], table, 2)
        .with_note(&format!("Its client secret, which is not shown again:\n\n  {secret}"))
}

async fn list(
    context: &AdminContext,
    workspace: Option<WorkspaceId>,
) -> Result<CommandOutput, Failure> {
    if let Some(id) = &workspace {
        context.check_workspace(id).await?;
    }
    let apps = context.store.app_overviews(workspace.as_ref()).await?;
    let headings = ["CLIENT ID", "WORKSPACE", "NAME", "ENABLED", "WAITING", "CREATED", "DELETED"];
    let table = apps.iter().fold(Table::new(headings), |table, AppOverview { app, deleted_at }| {
        table.row([
            app.client_id.to_string(),
            app.workspace_id.to_string(),
            app.name.clone(),
            ids(&app.enabled_providers).join(","),
            ids(&app.requested_providers).join(","),
            app.created_at.to_string(),
            deleted_at.map_or_else(|| "no".to_owned(), |time| time.to_string()),
        ])
    });
    Ok(CommandOutput::new(apps.iter().map(to_json), table, 2))
}

fn ids(providers: &BTreeSet<ProviderId>) -> Vec<&str> {
    providers.iter().map(ProviderId::as_str).collect()
}

fn to_json(AppOverview { app, deleted_at }: &AppOverview) -> Value {
    json!({
        "clientId": app.client_id.as_str(),
        "organizationId": app.workspace_id.as_str(),
        "name": app.name,
        "enabledProviders": ids(&app.enabled_providers),
        "requestedProviders": ids(&app.requested_providers),
        "createdAt": app.created_at.to_string(),
        "deletedAt": deleted_at.map(|time| time.to_string()),
    })
}
