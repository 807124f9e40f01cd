//! `fieldtest admin key` (§2, §13).

use clap::{Args, Subcommand};
use domain::api_key::{self, Access, ApiKey, SecretHash};
use domain::{ApiKeyId, Environment, Timestamp, WorkspaceId};
use serde_json::{Value, json};
use store_workspace::{CreateApiKey, RevokeApiKey};

use super::expiry::Expiry;
use super::{AdminContext, CommandOutput, workspace_not_found};
use crate::failure::Failure;
use crate::options::Options;
use crate::possible_values::{ENVIRONMENTS, one_of};
use crate::table::Table;
use crate::values;

const CREATE_EXAMPLES: &str = "\
Examples:
  fieldtest admin key create --workspace org_… --name \"nightly tests\"
  fieldtest admin key create --workspace org_… --name reader --read-only --expires 90d";

const LIST_EXAMPLE: &str = "\
Example:
  fieldtest admin key list --workspace org_4vQ0m2rT8yXk1ZpLw7Hc";

const REVOKE_EXAMPLE: &str = "\
Example:
  fieldtest admin key revoke key_019d6c80-1f00-7a10-8c22-2b7d9e0f4a6c";

/// The commands for keys.
#[derive(Subcommand)]
pub(super) enum KeyCommand {
    /// Create a key and print its secret, which is not shown again
    #[command(after_help = CREATE_EXAMPLES)]
    Create(CreateArguments),
    /// List keys, oldest first; without their secrets
    #[command(after_help = LIST_EXAMPLE)]
    List {
        /// Only the keys of this workspace
        #[arg(long, value_name = "ID", value_parser = values::workspace_id)]
        workspace: Option<WorkspaceId>,
    },
    /// Revoke a key for good; servers refuse it within 5 seconds
    #[command(after_help = REVOKE_EXAMPLE)]
    Revoke {
        /// The key's id, not its secret
        #[arg(value_parser = values::key_id)]
        id: ApiKeyId,
    },
}

/// The arguments of `key create`.
#[derive(Args)]
pub(super) struct CreateArguments {
    /// The workspace that the key has access to
    #[arg(long, value_name = "ID", value_parser = values::workspace_id)]
    workspace: WorkspaceId,

    /// A name that says what the key is for
    #[arg(long, value_parser = values::name)]
    name: String,

    /// Allow reads only
    #[arg(long)]
    read_only: bool,

    /// When it expires: a day (2027-01-31), a time (2027-01-31T12:00:00Z), or a duration from now
    /// (12h, 90d, 8w) [default: never]
    #[arg(long, value_name = "WHEN")]
    expires: Option<Expiry>,

    /// The environment of the deployment: sandbox or production [default: sandbox]
    #[arg(
        long,
        env = "FIELDTEST_ENVIRONMENT",
        value_parser = one_of::<Environment>(ENVIRONMENTS),
        hide_possible_values = true
    )]
    environment: Option<Environment>,
}

pub(super) async fn run(
    context: &AdminContext,
    command: KeyCommand,
) -> Result<CommandOutput, Failure> {
    match command {
        KeyCommand::Create(arguments) => create(context, arguments).await,
        KeyCommand::List { workspace } => list(context, workspace).await,
        KeyCommand::Revoke { id } => revoke(context, id).await,
    }
}

async fn create(
    context: &AdminContext,
    arguments: CreateArguments,
) -> Result<CommandOutput, Failure> {
    let CreateArguments { workspace, name, read_only, expires, environment } = arguments;
    let environment = context.config(Options { environment, ..Options::default() })?.environment;
    let now = context.clock_and_rng.now();
    let expiry_time = |expiry: Expiry| {
        let past = || Failure::Input("--expires is not in the future".into());
        expiry.time(now).ok_or_else(past)
    };
    let key = ApiKey {
        id: context.clock_and_rng.ids().api_key(),
        workspace_id: workspace.clone(),
        name,
        access: if read_only { Access::ReadOnly } else { Access::Full },
        created_at: now,
        expires_at: expires.map(expiry_time).transpose()?,
        revoked_at: None,
        last_used_at: None,
    };
    let secret = api_key::new_secret(environment, context.clock_and_rng.randomness());
    let write = CreateApiKey { key: key.clone(), secret_hash: SecretHash::of(&secret) };
    if !context.store.create_api_key(write).await? {
        return Err(workspace_not_found(&workspace));
    }
    let mut json = to_json(&key, now);
    if let Value::Object(members) = &mut json {
        members.insert("environment".into(), environment.as_str().into());
        members.insert("secret".into(), secret.as_str().into());
    }
    let note = format!(
        "Its secret, for {environment} deployments, which is not shown again:\n\n  {secret}"
    );
    Ok(CommandOutput::new([json], table(&[key], now), NAME).with_note(&note))
}

async fn list(
    context: &AdminContext,
    workspace: Option<WorkspaceId>,
) -> Result<CommandOutput, Failure> {
    if let Some(id) = &workspace {
        context.check_workspace(id).await?;
    }
    let keys = context.store.api_keys(workspace).await?;
    let now = context.clock_and_rng.now();
    Ok(CommandOutput::new(keys.iter().map(|key| to_json(key, now)), table(&keys, now), NAME))
}

/// Revoking is idempotent.
async fn revoke(context: &AdminContext, id: ApiKeyId) -> Result<CommandOutput, Failure> {
    let now = context.clock_and_rng.now();
    context.store.revoke_api_key(RevokeApiKey { id, now }).await?;
    let keys = context.store.api_keys(None).await?;
    let Some(key) = keys.into_iter().find(|key| key.id == id) else {
        return Err(Failure::Other(format!(
            "there is no such key: {id}; `fieldtest admin key list` shows them"
        )));
    };
    Ok(CommandOutput::new([to_json(&key, now)], table(&[key], now), NAME))
}

/// The column that shrinks in a narrow terminal.
const NAME: usize = 2;

/// The state of a key at `now`.
fn state(key: &ApiKey, now: Timestamp) -> &'static str {
    if key.revoked_at.is_some() {
        "revoked"
    } else if key.is_valid_at(now) {
        "valid"
    } else {
        "expired"
    }
}

fn to_json(key: &ApiKey, now: Timestamp) -> Value {
    let ApiKey {
        id,
        workspace_id,
        name,
        access,
        created_at,
        expires_at,
        revoked_at: revoked,
        last_used_at,
    } = key;
    json!({
        "id": id.to_string(),
        "workspaceId": workspace_id.as_str(),
        "name": name,
        "access": access.as_str(),
        "state": state(key, now),
        "createdAt": created_at.to_string(),
        "expiresAt": expires_at.map(|time| time.to_string()),
        "revokedAt": revoked.map(|time| time.to_string()),
        "lastUsedAt": last_used_at.map(|time| time.to_string()),
    })
}

fn table(keys: &[ApiKey], now: Timestamp) -> Table<8> {
    let headings =
        ["KEY", "WORKSPACE", "NAME", "ACCESS", "STATE", "CREATED", "EXPIRES", "LAST USED"];
    keys.iter().fold(Table::new(headings), |table, key| {
        let ApiKey {
            id,
            workspace_id,
            name,
            access,
            created_at,
            expires_at,
            revoked_at: _,
            last_used_at,
        } = key;
        table.row([
            id.to_string(),
            workspace_id.to_string(),
            name.clone(),
            access.as_str().to_owned(),
            state(key, now).to_owned(),
            created_at.to_string(),
            expires_at.map_or_else(|| "never".to_owned(), |time| time.to_string()),
            last_used_at.map_or_else(|| "never".to_owned(), |time| time.to_string()),
        ])
    })
}
