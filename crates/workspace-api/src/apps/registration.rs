//! Registering an app, for the operations that create one app and a batch of apps (§11).

use axum::http::HeaderMap;
use domain::api_key::SecretHash;
use domain::app::{App as Record, new_client_secret, preview};
use domain::sealed_secret::SealedSecret;
use domain::webhook::{WebhookConfig, new_secret};
use domain::{ClientId, WorkspaceId};
use http_support::bearer;
use http_support::error::ApiError;
use http_support::idempotency::{KeyedRequest, Outcome, once};
use serde_json::{Map, Value};
use store_workspace::{AppChange, CreateApp, IdempotentResult, RegisterApp, RegisterAppOutcome};
use wire::app::{App, CreateApp as Body, read_app};

use crate::state::WorkspaceApi;
use crate::webhooks::update::merged;

/// Enabled for every new app, where the catalogue has it.
const DEFAULT_PROVIDER: &str = "passport";

/// How many random client ids are tried. There are 62^8, so a second collision in a row does not
/// happen in practice.
const ATTEMPTS: usize = 4;

/// The API key of a request that has passed [`crate::caller::Caller`]. A page that makes a request for
/// somebody who is signed in has none, and sends no idempotency key that would need it.
pub(crate) fn api_key(headers: &HeaderMap) -> &str {
    bearer::token(headers).unwrap_or_default()
}

/// What all registrations of one request share.
#[derive(Clone, Copy)]
pub(super) struct Registration<'a> {
    pub(super) api: &'a WorkspaceApi,
    pub(super) workspace_id: &'a WorkspaceId,
    /// Encrypts the stored client secret, so that a replay shows it to this key only.
    pub(super) api_key: &'a str,
    /// The batch that the app belongs to, if the batch has an idempotency key.
    pub(super) batch: Option<&'a KeyedRequest>,
}

impl Registration<'_> {
    /// Creates the app that the body describes. Also returns whether it is a replay.
    pub(super) async fn register(
        self,
        keyed: Option<KeyedRequest>,
        body: &Map<String, Value>,
    ) -> Result<(App, bool), ApiError> {
        let Self { api, workspace_id, .. } = self;
        once(
            &api.in_flight,
            workspace_id.clone(),
            keyed,
            |key, lookup| api.find_earlier(workspace_id, key, lookup),
            |keyed| self.create(keyed, body),
            |made| self.replay(made, body),
        )
        .await
    }

    async fn create(
        self,
        keyed: Option<KeyedRequest>,
        body: &Map<String, Value>,
    ) -> Result<Outcome<App, IdempotentResult>, ApiError> {
        let body = read_app(body, self.api.environment).map_err(ApiError::validation)?;
        let webhook = self.webhook(body.webhook_config.as_ref())?;
        let client_secret = new_client_secret(self.api.clock_and_rng.randomness());
        for _ in 0..ATTEMPTS {
            let app = self.new_app(&body.name);
            let write = self.write(keyed.as_ref(), &app, &client_secret, &body)?;
            let write = RegisterApp { webhook: webhook.clone(), ..write };
            match self.api.store.register_app(write).await? {
                RegisterAppOutcome::Registered => {
                    return Ok(Outcome::Created(as_registered(&app, client_secret, body, webhook)));
                }
                RegisterAppOutcome::ClientIdTaken => {}
                RegisterAppOutcome::Replay(made) => return Ok(Outcome::Replay(*made)),
                RegisterAppOutcome::KeyConflict => return Ok(Outcome::KeyConflict),
            }
        }
        Err(ApiError::internal("no free client id was found"))
    }

    /// The configuration of the new app's webhook, with a secret, if the body has one.
    fn webhook(
        self,
        body: Option<&Map<String, Value>>,
    ) -> Result<Option<(WebhookConfig, String)>, ApiError> {
        let Some(body) = body else { return Ok(None) };
        let config =
            merged(self.api, WebhookConfig::default(), body).map_err(ApiError::validation)?;
        Ok(Some((config, new_secret(self.api.clock_and_rng.randomness()))))
    }

    fn new_app(self, name: &str) -> Record {
        let enabled = self.api.catalogue.get(DEFAULT_PROVIDER).map(|provider| provider.id.clone());
        Record {
            workspace_id: self.workspace_id.clone(),
            client_id: ClientId::random(self.api.clock_and_rng.randomness()),
            name: name.to_owned(),
            enabled_providers: enabled.into_iter().collect(),
            requested_providers: [].into(),
            created_at: self.api.clock_and_rng.now(),
        }
    }

    fn write(
        self,
        keyed: Option<&KeyedRequest>,
        app: &Record,
        client_secret: &str,
        body: &Body,
    ) -> Result<RegisterApp, ApiError> {
        let idempotency = match keyed {
            Some(keyed) => {
                let context = app.client_id.as_str();
                let randomness = self.api.clock_and_rng.randomness();
                let sealed = SealedSecret::seal(client_secret, self.api_key, context, randomness);
                Some((keyed.idempotency(app.created_at), sealed))
            }
            None => None,
        };
        let create = CreateApp {
            app: app.clone(),
            client_secret_hash: SecretHash::of(client_secret),
            client_secret_preview: preview(client_secret),
        };
        let batch = self.batch.map(|keyed| keyed.idempotency(app.created_at));
        let change = AppChange {
            name: None,
            redirect_uris: body.redirect_uris.clone(),
            logo: body.logo.clone(),
            default_success_redirect_uri: body.default_success_redirect_uri.clone(),
            default_failure_redirect_uri: body.default_failure_redirect_uri.clone(),
        };
        Ok(RegisterApp { create, change, idempotency, batch, webhook: None })
    }

    /// The app as it was created, rebuilt from the body, because the same request describes the
    /// same app. Another API key of the workspace cannot decrypt the secret and sees a placeholder.
    fn replay(self, made: IdempotentResult, body: &Map<String, Value>) -> Result<App, ApiError> {
        let IdempotentResult { client_id, app_created_at, sealed_secret, .. } = made;
        let body = read_app(body, self.api.environment).map_err(ApiError::validation)?;
        let opened = sealed_secret.and_then(|sealed| sealed.open(self.api_key, client_id.as_str()));
        let client_secret = opened.unwrap_or_else(|| preview(""));
        let app = self.new_app(&body.name);
        let created_at = app_created_at.unwrap_or(app.created_at);
        let app = Record { client_id, created_at, ..app };
        let webhook = self.webhook(body.webhook_config.as_ref())?;
        Ok(as_registered(&app, client_secret, body, webhook))
    }
}

/// The body of an app as it was registered.
fn as_registered(
    app: &Record,
    client_secret: String,
    body: Body,
    webhook: Option<(WebhookConfig, String)>,
) -> App {
    let config = webhook.map(|(config, _)| (&config).into());
    let not_empty = |text: &String| !text.is_empty();
    App {
        logo: body.logo.filter(not_empty),
        default_success_redirect_uri: body.default_success_redirect_uri.filter(not_empty),
        default_failure_redirect_uri: body.default_failure_redirect_uri.filter(not_empty),
        webhook_config: config.unwrap_or_default(),
        ..App::new(app, client_secret, body.redirect_uris.unwrap_or_default(), app.created_at)
    }
}
