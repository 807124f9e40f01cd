//! Registering apps over the API: once for each idempotency key (§4, §11).

use domain::sealed_secret::SealedSecret;
use domain::{ClientId, Timestamp};

use super::apps::{CreateApp, Created};
use super::idempotency::{self, Record};
use super::{ConnectStore, UpdateApp};
use crate::error::Obstacle;
use crate::row::Row;
use crate::sql::Sql;
use crate::unit::{Transaction, Unit, one_by_one};
use crate::{Idempotency, StoreError};

/// Registers an app for an engineer, and takes the idempotency key that guards it, both or neither.
#[derive(Clone, Debug)]
pub struct RegisterApp {
    /// The app, with its secret.
    pub create: CreateApp,
    /// Where its users may be sent back to.
    pub redirect_uris: Vec<String>,
    /// How a repetition is recognised, if the client asked for that, and the secret to show again then.
    pub idempotency: Option<(Idempotency, SealedSecret)>,
}

/// What came of registering an app.
#[derive(Clone, Debug)]
pub enum Registered {
    /// It is registered.
    Yes,
    /// Its client id is taken.
    Taken,
    /// The same was asked before under the same key: this came of it.
    Repeated(EarlierApp),
    /// The key was used for something else.
    KeyConflict,
}

/// The app that an earlier request has made.
#[derive(Clone, Debug)]
pub struct EarlierApp {
    /// Which.
    pub client_id: ClientId,
    /// When.
    pub created_at: Timestamp,
    /// Its first secret.
    pub sealed_secret: SealedSecret,
}

impl Unit for RegisterApp {
    type Outcome = Registered;

    async fn decide(units: &[Self], transaction: &Transaction<'_>) -> Result<Vec<Registered>, StoreError> {
        one_by_one(units, async |unit| unit.register(transaction).await).await
    }
}

impl RegisterApp {
    async fn register(&self, transaction: &Transaction<'_>) -> Result<Registered, StoreError> {
        if let Some(earlier) = self.earlier(transaction).await? {
            return Ok(earlier);
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
        self.take_key(transaction).await?;
        Ok(Registered::Yes)
    }

    /// What has the key, if it is not free.
    async fn earlier(&self, transaction: &Transaction<'_>) -> Result<Option<Registered>, StoreError> {
        macro_rules! earlier {
            ($more:literal) => {
                concat!(
                    "SELECT record.fingerprint, record.sealed_secret, record.client_id, apps.created_at
                    FROM idempotency_records AS record
                    LEFT JOIN apps ON apps.workspace_id = record.workspace_id AND apps.client_id = record.client_id
                    WHERE record.workspace_id = $1 AND record.key = $2 AND record.expires_at > $3",
                    $more
                )
            };
        }
        static BY_KEY: Sql = Sql::new(earlier!(""));
        static BY_ROW: Sql = Sql::new(earlier!(" AND record.rowid = $4"));
        let Some((Idempotency { key, fingerprint, .. }, _)) = &self.idempotency else { return Ok(None) };
        let app = &self.create.app;
        let whose = (&app.workspace_id, key, app.created_at);
        let found = idempotency::find(transaction, [&BY_KEY, &BY_ROW], whose, read_earlier).await?;
        Ok(found.map(|(earlier_fingerprint, earlier)| match earlier {
            Some(earlier) if earlier_fingerprint == *fingerprint.as_bytes() => Registered::Repeated(earlier),
            _ => Registered::KeyConflict,
        }))
    }

    async fn take_key(&self, transaction: &Transaction<'_>) -> Result<(), StoreError> {
        let Some((idempotency, sealed_secret)) = &self.idempotency else { return Ok(()) };
        let app = &self.create.app;
        // An app's record has no request.
        let made = [app.client_id.as_str().into(), (&[0_u8; 0]).into(), sealed_secret.as_bytes().into()];
        let record = Record { workspace_id: &app.workspace_id, idempotency, made };
        if idempotency::record(transaction, record).await? {
            return Ok(());
        }
        // Another process has taken it since it was looked for: this is undone and decided again.
        Err(StoreError::unavailable(Obstacle::Busy, "an idempotency key was taken at the same moment"))
    }
}

type Found = ([u8; 32], Option<EarlierApp>);

fn read_earlier(row: &Row<'_>) -> Result<Found, StoreError> {
    let earlier = match row.optional_bytes("sealed_secret")? {
        Some(sealed) => Some(EarlierApp {
            client_id: row.parsed("client_id")?,
            created_at: row.time("created_at")?,
            sealed_secret: SealedSecret::from_bytes(sealed),
        }),
        None => None,
    };
    Ok((row.bytes("fingerprint")?, earlier))
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
