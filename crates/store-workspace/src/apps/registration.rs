//! Registering apps over the API: once for each idempotency key (§4, §11).

use db::{Earlier, Idempotency, StoreError, Transaction, Write, apply_each_in_lock_order};
use domain::Timestamp;
use domain::sealed_secret::SealedSecret;

use crate::apps::{CreateApp, Created};
use crate::idempotency::{self, Made, RECORDS};
use crate::{UpdateApp, WorkspaceStore};

/// Registers an app for an engineer, and takes the idempotency keys that guard it, all or nothing.
#[derive(Clone, Debug)]
pub struct RegisterApp {
    /// The app, with its secret.
    pub create: CreateApp,
    /// Where its users may be sent back to.
    pub redirect_uris: Vec<String>,
    /// How a repetition is recognised, if the client asked for that, and the secret to show again
    /// then.
    pub idempotency: Option<(Idempotency, SealedSecret)>,
    /// How a repetition of the batch is recognised that this app is one of. The first of its apps
    /// takes the key.
    pub batch: Option<Idempotency>,
}

/// What came of registering an app.
#[derive(Clone, Debug)]
pub enum Registered {
    /// It is registered.
    Yes,
    /// Its client id is taken.
    ClientIdTaken,
    /// The same was asked before under the same key: this came of it.
    Replay(Box<Made>),
    /// The key, or the batch's, was used for something else.
    KeyConflict,
}

impl Write for RegisterApp {
    type Outcome = Registered;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<Registered>, StoreError> {
        apply_each_in_lock_order(writes, Self::keys, async |write| {
            write.register(transaction).await
        })
        .await
    }
}

impl RegisterApp {
    /// The keys that it takes.
    fn keys(&self) -> (&str, Option<&str>, Option<&str>) {
        let batch = self.batch.as_ref().map(|batch| batch.key.as_str());
        let own = self.idempotency.as_ref().map(|(idempotency, _)| idempotency.key.as_str());
        (self.create.app.workspace_id.as_str(), batch, own)
    }

    async fn register(&self, transaction: &Transaction<'_>) -> Result<Registered, StoreError> {
        let batch = match &self.batch {
            Some(batch) => Some((batch, self.earlier(transaction, batch).await?)),
            None => None,
        };
        if let Some((batch, Some(earlier))) = &batch
            && earlier.fingerprint != batch.fingerprint
        {
            return Ok(Registered::KeyConflict);
        }
        let outcome = self.make(transaction).await?;
        let client_id = match &outcome {
            Registered::Yes => &self.create.app.client_id,
            Registered::Replay(earlier) => &earlier.client_id,
            Registered::ClientIdTaken | Registered::KeyConflict => return Ok(outcome),
        };
        if let Some((batch, None)) = &batch {
            idempotency::claim_free(
                transaction,
                idempotency::record(&self.create.app.workspace_id, batch, client_id, None, None),
            )
            .await?;
        }
        Ok(outcome)
    }

    async fn make(&self, transaction: &Transaction<'_>) -> Result<Registered, StoreError> {
        if let Some((idempotency, _)) = &self.idempotency
            && let Some(earlier) = self.earlier(transaction, idempotency).await?
        {
            return Ok(if earlier.fingerprint == idempotency.fingerprint {
                Registered::Replay(Box::new(earlier.made))
            } else {
                Registered::KeyConflict
            });
        }
        match self.create.create(transaction).await? {
            Created::Yes => {}
            Created::Taken => return Ok(Registered::ClientIdTaken),
            Created::NoOwner => {
                return Err(StoreError::Internal("a key's workspace is gone".into()));
            }
        }
        let app = &self.create.app;
        if !self.redirect_uris.is_empty() {
            let write = UpdateApp {
                workspace_id: app.workspace_id.clone(),
                client_id: app.client_id.clone(),
                name: None,
                redirect_uris: Some(self.redirect_uris.clone()),
                now: app.created_at,
            };
            UpdateApp::apply_batch(std::slice::from_ref(&write), transaction).await?;
        }
        if let Some((idempotency, sealed)) = &self.idempotency {
            idempotency::claim_free(
                transaction,
                idempotency::record(
                    &app.workspace_id,
                    idempotency,
                    &app.client_id,
                    None,
                    Some(sealed),
                ),
            )
            .await?;
        }
        Ok(Registered::Yes)
    }

    async fn earlier(
        &self,
        transaction: &Transaction<'_>,
        idempotency: &Idempotency,
    ) -> Result<Option<Earlier<Made>>, StoreError> {
        let key = (&self.create.app.workspace_id, &idempotency.key, self.now());
        Ok(RECORDS.find_each(transaction, &[key]).await?.into_values().next())
    }

    fn now(&self) -> Timestamp {
        self.create.app.created_at
    }
}

impl WorkspaceStore {
    /// Registers an app, once for each idempotency key.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn register_app(&self, write: RegisterApp) -> Result<Registered, StoreError> {
        self.database.write(write).await
    }
}
