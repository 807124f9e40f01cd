//! Idempotency keys of what has a secret to show again: apps, batches of them, and rotations (§4, §11). Those of orders are in
//! `idempotency`; a key is for one request, whatever that makes, so both share one table.

use domain::idempotency::{Fingerprint, IdempotencyKey};
use domain::sealed_secret::SealedSecret;
use domain::{ClientId, Timestamp, WorkspaceId};

use super::ConnectStore;
use super::idempotency::{self, Find, Record};
use crate::error::Obstacle;
use crate::row::Row;
use crate::sql::Sql;
use crate::unit::Transaction;
use crate::{Idempotency, StoreError};

/// What a key was used for before.
#[derive(Clone, Debug)]
pub struct KeyRecord {
    /// What was asked for then.
    pub fingerprint: Fingerprint,
    /// The app that was made, or that it was about.
    pub client_id: ClientId,
    /// When that app was made.
    pub app_created_at: Option<Timestamp>,
    /// The secret that was shown then; `None` where none was.
    pub sealed_secret: Option<SealedSecret>,
    /// From when on the key is as good as new.
    pub expires_at: Timestamp,
}

macro_rules! record {
    ($more:literal) => {
        concat!(
            "SELECT record.fingerprint, record.client_id, record.sealed_secret, record.expires_at, apps.created_at
            FROM idempotency_records AS record
            LEFT JOIN apps ON apps.workspace_id = record.workspace_id AND apps.client_id = record.client_id
            WHERE record.workspace_id = $1 AND record.key = $2 AND record.expires_at > $3",
            $more
        )
    };
}

static FIND: Find = Find { by_key: Sql::new(record!("")), by_row: Sql::new(record!(" AND record.rowid = $4")) };

fn read_record(row: &Row<'_>) -> Result<KeyRecord, StoreError> {
    Ok(KeyRecord {
        fingerprint: Fingerprint::from_bytes(row.bytes("fingerprint")?),
        client_id: row.parsed("client_id")?,
        app_created_at: row.optional_time("created_at")?,
        sealed_secret: row.optional_bytes("sealed_secret")?.map(SealedSecret::from_bytes),
        expires_at: row.time("expires_at")?,
    })
}

/// What has the key, if it is not free.
pub(super) async fn find(
    transaction: &Transaction<'_>,
    workspace_id: &WorkspaceId,
    key: &IdempotencyKey,
    now: Timestamp,
) -> Result<Option<KeyRecord>, StoreError> {
    FIND.within(transaction, (workspace_id, key, now), read_record).await
}

/// Takes a key that was free a moment ago.
pub(super) async fn take(
    transaction: &Transaction<'_>,
    workspace_id: &WorkspaceId,
    idempotency: &Idempotency,
    client_id: &ClientId,
    sealed_secret: Option<&SealedSecret>,
) -> Result<(), StoreError> {
    // Nothing here has a request.
    let made = [client_id.as_str().into(), (&[0_u8; 0]).into(), sealed_secret.map(SealedSecret::as_bytes).into()];
    if idempotency::record(transaction, Record { workspace_id, idempotency, made }).await? {
        return Ok(());
    }
    // Another process has taken it since it was looked for: this is undone and decided again.
    Err(StoreError::unavailable(Obstacle::Busy, "an idempotency key was taken at the same moment"))
}

impl ConnectStore {
    /// What the workspace used this key for, unless that is as good as forgotten.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn key_record(
        &self,
        workspace_id: &WorkspaceId,
        key: &IdempotencyKey,
        now: Timestamp,
    ) -> Result<Option<KeyRecord>, StoreError> {
        FIND.at(&self.database, (workspace_id, key, now), read_record).await
    }
}
