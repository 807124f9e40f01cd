//! Registers an app over the API, once for each idempotency key (§4, §11).

use db::{
    Idempotency, IdempotencyRecord, StoreError, Transaction, Write, apply_each_in_lock_order,
};
use domain::Timestamp;
use domain::sealed_secret::SealedSecret;
use domain::webhook::WebhookConfig;

use crate::apps::create::{CreateApp, CreateAppOutcome};
use crate::idempotency::{self, Claim, IdempotentResult, RECORDS};
use crate::{AppChange, ConfigureWebhook, UpdateApp, WorkspaceStore};

/// Registers an app, and claims the idempotency keys that guard it, all or nothing.
#[derive(Clone, Debug)]
pub struct RegisterApp {
    /// The app, with its secret.
    pub create: CreateApp,
    /// What else is said of the app, without its name.
    pub change: AppChange,
    /// The app's idempotency key, if the client sent one, and the secret that a replay shows again.
    pub idempotency: Option<(Idempotency, SealedSecret)>,
    /// The configuration of its webhook, and its secret.
    pub webhook: Option<(WebhookConfig, String)>,
    /// The idempotency key of the batch that contains the app. The batch's first app claims it.
    pub batch: Option<Idempotency>,
}

/// Whether an app was registered.
#[derive(Clone, Debug)]
pub enum RegisterAppOutcome {
    /// It was registered.
    Registered,
    /// Its client id is taken.
    ClientIdTaken,
    /// The same request claimed the key before. This is its result.
    Replay(Box<IdempotentResult>),
    /// The app's or the batch's key was used for another request.
    KeyConflict,
}

impl Write for RegisterApp {
    type Outcome = RegisterAppOutcome;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<RegisterAppOutcome>, StoreError> {
        apply_each_in_lock_order(writes, Self::keys, async |write| {
            write.register(transaction).await
        })
        .await
    }
}

impl RegisterApp {
    /// The keys that it claims, in the order in which they are locked.
    fn keys(&self) -> (&str, Option<&str>, Option<&str>) {
        let batch = self.batch.as_ref().map(|batch| batch.key.as_str());
        let own = self.idempotency.as_ref().map(|(idempotency, _)| idempotency.key.as_str());
        (self.create.app.workspace_id.as_str(), batch, own)
    }

    async fn register(
        &self,
        transaction: &Transaction<'_>,
    ) -> Result<RegisterAppOutcome, StoreError> {
        let batch = match &self.batch {
            Some(batch) => Some((batch, self.earlier(transaction, batch).await?)),
            None => None,
        };
        if let Some((batch, Some(earlier))) = &batch
            && earlier.fingerprint != batch.fingerprint
        {
            return Ok(RegisterAppOutcome::KeyConflict);
        }
        let outcome = self.create_once(transaction).await?;
        let client_id = match &outcome {
            RegisterAppOutcome::Registered => &self.create.app.client_id,
            RegisterAppOutcome::Replay(earlier) => &earlier.client_id,
            RegisterAppOutcome::ClientIdTaken | RegisterAppOutcome::KeyConflict => {
                return Ok(outcome);
            }
        };
        if let Some((batch, None)) = &batch {
            let claim = Claim::new(&self.create.app.workspace_id, batch, client_id);
            idempotency::claim_free(transaction, &claim).await?;
        }
        Ok(outcome)
    }

    /// Creates the app, unless its own key was claimed before.
    async fn create_once(
        &self,
        transaction: &Transaction<'_>,
    ) -> Result<RegisterAppOutcome, StoreError> {
        if let Some((idempotency, _)) = &self.idempotency
            && let Some(earlier) = self.earlier(transaction, idempotency).await?
        {
            return Ok(if earlier.fingerprint == idempotency.fingerprint {
                RegisterAppOutcome::Replay(Box::new(earlier.result))
            } else {
                RegisterAppOutcome::KeyConflict
            });
        }
        match self.create.create(transaction).await? {
            CreateAppOutcome::Created => {}
            CreateAppOutcome::ClientIdTaken => return Ok(RegisterAppOutcome::ClientIdTaken),
            CreateAppOutcome::NoWorkspace => {
                return Err(StoreError::Internal("an API key without a workspace".into()));
            }
        }
        self.apply_change(transaction).await?;
        self.configure_webhook(transaction).await?;
        if let Some((idempotency, sealed_secret)) = &self.idempotency {
            let app = &self.create.app;
            let claim = Claim {
                sealed_secret: Some(sealed_secret),
                ..Claim::new(&app.workspace_id, idempotency, &app.client_id)
            };
            idempotency::claim_free(transaction, &claim).await?;
        }
        Ok(RegisterAppOutcome::Registered)
    }

    async fn apply_change(&self, transaction: &Transaction<'_>) -> Result<(), StoreError> {
        if self.change == AppChange::default() {
            return Ok(());
        }
        let update = UpdateApp {
            workspace_id: self.create.app.workspace_id.clone(),
            client_id: self.create.app.client_id.clone(),
            change: self.change.clone(),
            now: self.now(),
        };
        UpdateApp::apply_batch(std::slice::from_ref(&update), transaction).await.map(drop)
    }

    async fn configure_webhook(&self, transaction: &Transaction<'_>) -> Result<(), StoreError> {
        let Some((config, new_secret)) = &self.webhook else { return Ok(()) };
        let write = ConfigureWebhook {
            workspace_id: self.create.app.workspace_id.clone(),
            client_id: self.create.app.client_id.clone(),
            config: config.clone(),
            new_secret: new_secret.clone(),
            now: self.now(),
        };
        ConfigureWebhook::apply_batch(std::slice::from_ref(&write), transaction).await.map(drop)
    }

    /// The live record of this key.
    async fn earlier(
        &self,
        transaction: &Transaction<'_>,
        idempotency: &Idempotency,
    ) -> Result<Option<IdempotencyRecord<IdempotentResult>>, StoreError> {
        let key = (&self.create.app.workspace_id, &idempotency.key, self.now());
        Ok(RECORDS.find_each(transaction, &[key]).await?.into_values().next())
    }

    fn now(&self) -> Timestamp {
        self.create.app.created_at
    }
}

impl WorkspaceStore {
    /// Registers an app, once for each idempotency key (§11).
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn register_app(&self, write: RegisterApp) -> Result<RegisterAppOutcome, StoreError> {
        self.database.write(write).await
    }
}
