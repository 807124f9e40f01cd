//! The demo workspace, so that the first call works right after the first start (§13).

use std::collections::BTreeSet;

use db::StoreError;
use domain::api_key::{self, Access, ApiKey, SecretHash};
use domain::app::{App, new_client_secret};
use domain::{ClockAndRng, Environment, WorkspaceId, base62};
use store_workspace::{
    CONSOLE_LINK_VALIDITY, ConsoleTokenKind, CreateApiKey, CreateApp, CreateConsoleToken,
    CreateDemo, CreateWorkspace, Workspace, WorkspaceStore,
};

use super::data_directory::DataDirectory;
use super::start_error::StartError;

/// The client id of the demo's app.
const CLIENT_ID: &str = "FK5b0KSM";
/// The length of a token in base62 digits: 256 random bits.
const CONSOLE_LINK_LENGTH: usize = 43;

const APP_NAME: &str = "Acme Bank";
const PROVIDERS: [&str; 4] = ["bankidse", "mitid", "smartid", "frejaid"];

/// A new demo workspace.
#[derive(Clone)]
pub struct Demo {
    /// The app's client id.
    pub client_id: String,
    /// The API key, which is shown once.
    pub api_key: String,
}

/// Creates the demo workspace, unless there is a workspace.
pub(super) async fn create(
    store: &WorkspaceStore,
    directory: &DataDirectory,
    clock_and_rng: &ClockAndRng,
) -> Result<Option<Demo>, StartError> {
    // If several servers start on an empty database, one of them creates the demo.
    let _lock = store.database().advisory_lock().await?;
    if !store.workspaces().await?.is_empty() {
        return Ok(None);
    }
    let secret = api_key::new_secret(Environment::Sandbox, clock_and_rng.randomness());
    // The file comes first: after a crash in between, the next start creates a new key and
    // workspace.
    directory.write_demo_api_key(&secret)?;
    let write = demo_workspace(clock_and_rng, &secret)?;
    store.create_demo(write).await?;
    Ok(Some(Demo { client_id: CLIENT_ID.into(), api_key: secret }))
}

/// The token of a link that signs in to the console once, with the key of the demo workspace. `None`
/// without such a key.
pub(super) async fn console_link(
    store: &WorkspaceStore,
    directory: &DataDirectory,
    clock_and_rng: &ClockAndRng,
) -> Result<Option<String>, StartError> {
    let hash = directory
        .demo_api_key()
        .and_then(|secret| api_key::recognise(&secret, Environment::Sandbox));
    let Some(hash) = hash else { return Ok(None) };
    let now = clock_and_rng.now();
    let key = store.api_key(hash).await?.filter(|key| key.is_valid_at(now));
    let Some(key) = key else { return Ok(None) };
    let token = base62::random(clock_and_rng.randomness(), CONSOLE_LINK_LENGTH);
    let write = CreateConsoleToken {
        token_hash: SecretHash::of(&token),
        kind: ConsoleTokenKind::Link,
        workspace_id: key.workspace_id,
        key_id: key.id,
        now,
        expires_at: now.plus(CONSOLE_LINK_VALIDITY),
    };
    store.create_console_token(write).await?;
    Ok(Some(token))
}

fn demo_workspace(clock_and_rng: &ClockAndRng, secret: &str) -> Result<CreateDemo, StoreError> {
    let malformed = |text: &str| StoreError::Internal(format!("the demo's {text} is malformed"));
    let enabled_providers = PROVIDERS
        .iter()
        .map(|id| id.parse().map_err(|_| malformed(id)))
        .collect::<Result<_, _>>()?;
    let (id, now) = (WorkspaceId::random(clock_and_rng.randomness()), clock_and_rng.now());
    let app = App {
        workspace_id: id.clone(),
        client_id: CLIENT_ID.parse().map_err(|_| malformed(CLIENT_ID))?,
        name: APP_NAME.into(),
        enabled_providers,
        requested_providers: BTreeSet::new(),
        created_at: now,
    };
    let key = ApiKey {
        id: clock_and_rng.ids().api_key(),
        workspace_id: id.clone(),
        name: "demo".into(),
        access: Access::Full,
        created_at: now,
        expires_at: None,
        revoked_at: None,
        last_used_at: None,
    };
    Ok(CreateDemo {
        workspace: CreateWorkspace(Workspace { id, name: "Demo".into(), created_at: now }),
        // The client secret of the demo's app is not shown, because a sandbox does not use it.
        app: CreateApp {
            app,
            client_secret_hash: SecretHash::of(&new_client_secret(clock_and_rng.randomness())),
            client_secret_preview: "****".into(),
        },
        key: CreateApiKey { key, secret_hash: SecretHash::of(secret) },
    })
}
