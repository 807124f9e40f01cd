//! Registering apps over the API: once for each idempotency key (§4, §11).

use domain::Timestamp;
use domain::sealed_secret::SealedSecret;

use super::apps::{CreateApp, Created};
use super::key_records::{self, KeyRecord};
use super::{ConnectStore, UpdateApp};
use crate::unit::{Transaction, Unit, in_order};
use crate::{Idempotency, StoreError};

/// Registers an app for an engineer, and takes the idempotency keys that guard it, all or nothing.
#[derive(Clone, Debug)]
pub struct RegisterApp {
    /// The app, with its secret.
    pub create: CreateApp,
    /// Where its users may be sent back to.
    pub redirect_uris: Vec<String>,
    /// How a repetition is recognised, if the client asked for that, and the secret to show again then.
    pub idempotency: Option<(Idempotency, SealedSecret)>,
    /// How a repetition of the batch is recognised that this app is one of. The first of its apps takes the key.
    pub batch: Option<Idempotency>,
}

/// What came of registering an app.
#[derive(Clone, Debug)]
pub enum Registered {
    /// It is registered.
    Yes,
    /// Its client id is taken.
    Taken,
    /// The same was asked before under the same key: this came of it.
    Repeated(KeyRecord),
    /// The key, or the batch's, was used for something else.
    KeyConflict,
}

impl Unit for RegisterApp {
    type Outcome = Registered;

    async fn decide(units: &[Self], transaction: &Transaction<'_>) -> Result<Vec<Registered>, StoreError> {
        in_order(units, Self::keys, async |unit| unit.register(transaction).await).await
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
            Registered::Repeated(earlier) => &earlier.client_id,
            Registered::Taken | Registered::KeyConflict => return Ok(outcome),
        };
        if let Some((batch, None)) = &batch {
            key_records::take(transaction, &self.create.app.workspace_id, batch, client_id, None).await?;
        }
        Ok(outcome)
    }

    async fn make(&self, transaction: &Transaction<'_>) -> Result<Registered, StoreError> {
        if let Some((idempotency, _)) = &self.idempotency
            && let Some(earlier) = self.earlier(transaction, idempotency).await?
        {
            let is_same = earlier.fingerprint == idempotency.fingerprint && earlier.sealed_secret.is_some();
            return Ok(if is_same { Registered::Repeated(earlier) } else { Registered::KeyConflict });
        }
        match self.create.create(transaction).await? {
            Created::Yes => {}
            Created::Taken => return Ok(Registered::Taken),
            Created::NoOwner => return Err(StoreError::Internal("a key's workspace is gone".into())),
        }
        let app = &self.create.app;
        if !self.redirect_uris.is_empty() {
            let unit = UpdateApp {
                workspace_id: app.workspace_id.clone(),
                client_id: app.client_id.clone(),
                name: None,
                redirect_uris: Some(self.redirect_uris.clone()),
                now: app.created_at,
            };
            UpdateApp::decide(std::slice::from_ref(&unit), transaction).await?;
        }
        if let Some((idempotency, sealed)) = &self.idempotency {
            key_records::take(transaction, &app.workspace_id, idempotency, &app.client_id, Some(sealed)).await?;
        }
        Ok(Registered::Yes)
    }

    async fn earlier(
        &self,
        transaction: &Transaction<'_>,
        idempotency: &Idempotency,
    ) -> Result<Option<KeyRecord>, StoreError> {
        key_records::find(transaction, &self.create.app.workspace_id, &idempotency.key, self.now()).await
    }

    fn now(&self) -> Timestamp {
        self.create.app.created_at
    }
}

impl ConnectStore {
    /// Registers an app, once for each idempotency key.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn register_app(&self, unit: RegisterApp) -> Result<Registered, StoreError> {
        self.database.write(unit).await
    }
}
