//! `fieldtest admin key` (§2, §13).

use clap::{Args, Subcommand};
use domain::api_key::{self, Access, ApiKey, SecretHash};
use domain::{ApiKeyId, Environment, Timestamp, WorkspaceId};
use serde_json::{Value, json};
use store_workspace::{CreateApiKey, RevokeApiKey};

use super::expiry::Expiry;
use super::{AdminContext, Answer, no_workspace};
use crate::choice::{ENVIRONMENTS, one_of};
use crate::failure::Failure;
use crate::options::Options;
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

/// What can be done with keys.
#[derive(Subcommand)]
pub(super) enum KeyCommand {
    /// Make a key and print its secret, which cannot be shown again
    #[command(after_help = CREATE_EXAMPLES)]
    Create(CreateArguments),
    /// List keys, oldest first; never their secrets
    #[command(after_help = LIST_EXAMPLE)]
    List {
        /// Only the keys of this workspace
        #[arg(long, value_name = "ID", value_parser = values::workspace_id)]
        workspace: Option<WorkspaceId>,
    },
    /// Take a key back, for good; servers refuse it within 5 seconds
    #[command(after_help = REVOKE_EXAMPLE)]
    Revoke {
        /// The key's id, not its secret
        #[arg(value_parser = values::key_id)]
        id: ApiKeyId,
    },
}

/// What a new key is to be.
#[derive(Args)]
pub(super) struct CreateArguments {
    /// The workspace whose data it opens
    #[arg(long, value_name = "ID", value_parser = values::workspace_id)]
    workspace: WorkspaceId,

    /// What it is for, in your words
    #[arg(long, value_parser = values::name)]
    name: String,

    /// Let its bearer read, but not create or change
    #[arg(long)]
    read_only: bool,

    /// When it ends: a day (2027-01-31), a moment (2027-01-31T12:00:00Z), or how long from now
    /// (12h, 90d, 8w) [default: never]
    #[arg(long, value_name = "WHEN")]
    expires: Option<Expiry>,

    /// The kind of deployment that it is for: sandbox or production [default: sandbox]
    #[arg(long, env = "FIELDTEST_ENVIRONMENT", value_parser = one_of::<Environment>(ENVIRONMENTS), hide_possible_values = true)]
    environment: Option<Environment>,
}

pub(super) async fn run(desk: &AdminContext, command: KeyCommand) -> Result<Answer, Failure> {
    match command {
        KeyCommand::Create(arguments) => create(desk, arguments).await,
        KeyCommand::List { workspace } => list(desk, workspace).await,
        KeyCommand::Revoke { id } => revoke(desk, id).await,
    }
}

async fn create(desk: &AdminContext, arguments: CreateArguments) -> Result<Answer, Failure> {
    let CreateArguments { workspace, name, read_only, expires, environment } = arguments;
    let environment = desk.config(Options { environment, ..Options::default() })?.environment;
    let now = desk.clock_and_rng.now();
    let ends = |expiry: Expiry| {
        expiry.end(now).ok_or_else(|| {
            Failure::Input("--expires is not in the future: the key would be dead".into())
        })
    };
    let key = ApiKey {
        id: desk.clock_and_rng.ids().api_key(),
        workspace_id: workspace.clone(),
        name,
        access: if read_only { Access::ReadOnly } else { Access::Full },
        created_at: now,
        expires_at: expires.map(ends).transpose()?,
        revoked_at: None,
        last_used_at: None,
    };
    let secret = api_key::new_secret(environment, desk.clock_and_rng.randomness());
    let write = CreateApiKey { key: key.clone(), secret_hash: SecretHash::of(&secret) };
    if !desk.store.create_api_key(write).await? {
        return Err(no_workspace(&workspace));
    }
    let mut json = json_of(&key, now);
    if let Value::Object(members) = &mut json {
        members.insert("environment".into(), environment.as_str().into());
        members.insert("secret".into(), secret.as_str().into());
    }
    let note =
        format!("Its secret, for {environment} deployments, shown only this once:\n\n  {secret}");
    Ok(Answer::new([json], table(&[key], now), NAME).with_note(&note))
}

async fn list(desk: &AdminContext, workspace: Option<WorkspaceId>) -> Result<Answer, Failure> {
    if let Some(id) = &workspace {
        desk.need_workspace(id).await?;
    }
    let keys = desk.store.api_keys(workspace).await?;
    let now = desk.clock_and_rng.now();
    Ok(Answer::new(keys.iter().map(|key| json_of(key, now)), table(&keys, now), NAME))
}

/// To revoke a key twice changes nothing, and is no failure: what was wanted is so.
async fn revoke(desk: &AdminContext, id: ApiKeyId) -> Result<Answer, Failure> {
    let now = desk.clock_and_rng.now();
    desk.store.revoke_api_key(RevokeApiKey { id, now }).await?;
    let keys = desk.store.api_keys(None).await?;
    let Some(key) = keys.into_iter().find(|key| key.id == id) else {
        return Err(Failure::Other(format!(
            "there is no such key: {id}; `fieldtest admin key list` shows all"
        )));
    };
    Ok(Answer::new([json_of(&key, now)], table(&[key], now), NAME))
}

/// The column that gives way to a narrow terminal.
const NAME: usize = 2;

/// How a key stands at `now`.
fn state(key: &ApiKey, now: Timestamp) -> &'static str {
    if key.revoked_at.is_some() {
        "revoked"
    } else if key.is_valid_at(now) {
        "valid"
    } else {
        "expired"
    }
}

fn json_of(key: &ApiKey, now: Timestamp) -> Value {
    let ApiKey { id, workspace_id, name, access, created_at, expires_at, revoked_at, last_used_at } =
        key;
    json!({
        "id": id.to_string(),
        "workspaceId": workspace_id.as_str(),
        "name": name,
        "access": access.as_str(),
        "state": state(key, now),
        "createdAt": created_at.to_string(),
        "expiresAt": expires_at.map(|moment| moment.to_string()),
        "revokedAt": revoked_at.map(|moment| moment.to_string()),
        "lastUsedAt": last_used_at.map(|moment| moment.to_string()),
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
            expires_at.map_or_else(|| "never".to_owned(), |moment| moment.to_string()),
            last_used_at.map_or_else(|| "never".to_owned(), |moment| moment.to_string()),
        ])
    })
}
