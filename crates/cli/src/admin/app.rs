//! `fieldtest admin app` (§11, §13).

use std::collections::BTreeSet;

use clap::{Args, Subcommand};
use domain::api_key::SecretHash;
use domain::app::{App, new_client_secret, preview};
use domain::{ClientId, ProviderId, WorkspaceId};
use serde_json::{Value, json};
use store_workspace::{AppOverview, CreateApp, CreateAppOutcome};

use super::{AdminContext, Answer, no_workspace};
use crate::failure::Failure;
use crate::table::Table;
use crate::values;

/// What every new app can be used with (§11).
const FIRST_PROVIDER: &str = "passport";

/// How often another random client id is tried. Even the second is as good as never needed.
const ATTEMPTS: u32 = 5;

const CREATE_EXAMPLES: &str = "\
Examples:
  fieldtest admin app create --workspace org_… --name \"Acme Bank\"
  fieldtest admin app create --workspace org_… --name \"Acme Bank\" --client-id FK5b0KSM";

const LIST_EXAMPLE: &str = "\
Example:
  fieldtest admin app list --workspace org_4vQ0m2rT8yXk1ZpLw7Hc";

/// What can be done with apps.
#[derive(Subcommand)]
pub(super) enum AppCommand {
    /// Make an app and print its client secret, which cannot be shown again
    #[command(after_help = CREATE_EXAMPLES)]
    Create(CreateArguments),
    /// List apps, oldest first, the deleted ones too; never their secrets
    #[command(after_help = LIST_EXAMPLE)]
    List {
        /// Only the apps of this workspace
        #[arg(long, value_name = "ID", value_parser = values::workspace_id)]
        workspace: Option<WorkspaceId>,
    },
}

/// What a new app is to be.
#[derive(Args)]
pub(super) struct CreateArguments {
    /// The workspace that it belongs to
    #[arg(long, value_name = "ID", value_parser = values::workspace_id)]
    workspace: WorkspaceId,

    /// What testers see as the host of its challenges
    #[arg(long, value_parser = values::name)]
    name: String,

    /// What the API calls it: 8 letters and digits that no app has yet [default: random]
    #[arg(long, value_name = "ID", value_parser = values::client_id)]
    client_id: Option<ClientId>,
}

pub(super) async fn run(desk: &AdminContext, command: AppCommand) -> Result<Answer, Failure> {
    match command {
        AppCommand::Create(arguments) => create(desk, arguments).await,
        AppCommand::List { workspace } => list(desk, workspace).await,
    }
}

async fn create(desk: &AdminContext, arguments: CreateArguments) -> Result<Answer, Failure> {
    let CreateArguments { workspace, name, client_id } = arguments;
    let passport: ProviderId = FIRST_PROVIDER
        .parse()
        .map_err(|_| Failure::Other(format!("{FIRST_PROVIDER} is no provider's id")))?;
    let mut app = App {
        workspace_id: workspace,
        client_id: client_id
            .clone()
            .unwrap_or_else(|| ClientId::random(desk.clock_and_rng.randomness())),
        name,
        enabled_providers: [passport].into(),
        requested_providers: [].into(),
        created_at: desk.clock_and_rng.now(),
    };
    let secret = new_client_secret(desk.clock_and_rng.randomness());
    let attempts = if client_id.is_some() { 1 } else { ATTEMPTS };
    for _ in 0..attempts {
        match desk.store.create_app(write(&app, &secret)).await? {
            CreateAppOutcome::Created => return Ok(answer(&app, &secret)),
            CreateAppOutcome::NoWorkspace => return Err(no_workspace(&app.workspace_id)),
            CreateAppOutcome::ClientIdTaken => {}
        }
        if client_id.is_none() {
            app.client_id = ClientId::random(desk.clock_and_rng.randomness());
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

fn answer(app: &App, secret: &str) -> Answer {
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
    Answer::new([json], table, 2)
        .with_note(&format!("Its client secret, shown only this once:\n\n  {secret}"))
}

async fn list(desk: &AdminContext, workspace: Option<WorkspaceId>) -> Result<Answer, Failure> {
    if let Some(id) = &workspace {
        desk.need_workspace(id).await?;
    }
    let apps = desk.store.app_overviews(workspace.as_ref()).await?;
    let headings = ["CLIENT ID", "WORKSPACE", "NAME", "ENABLED", "WAITING", "CREATED", "DELETED"];
    let table = apps.iter().fold(Table::new(headings), |table, AppOverview { app, deleted_at }| {
        table.row([
            app.client_id.to_string(),
            app.workspace_id.to_string(),
            app.name.clone(),
            listed(&app.enabled_providers).join(","),
            listed(&app.requested_providers).join(","),
            app.created_at.to_string(),
            deleted_at.map_or_else(|| "no".to_owned(), |moment| moment.to_string()),
        ])
    });
    Ok(Answer::new(apps.iter().map(json_of), table, 2))
}

fn listed(providers: &BTreeSet<ProviderId>) -> Vec<&str> {
    providers.iter().map(ProviderId::as_str).collect()
}

fn json_of(AppOverview { app, deleted_at }: &AppOverview) -> Value {
    json!({
        "clientId": app.client_id.as_str(),
        "organizationId": app.workspace_id.as_str(),
        "name": app.name,
        "enabledProviders": listed(&app.enabled_providers),
        "requestedProviders": listed(&app.requested_providers),
        "createdAt": app.created_at.to_string(),
        "deletedAt": deleted_at.map(|moment| moment.to_string()),
    })
}
