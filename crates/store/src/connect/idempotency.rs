//! What idempotency keys were used for (§4).

use domain::challenge_request::ChallengeRequest;
use domain::idempotency::{Fingerprint, IdempotencyKey};
use domain::{ClientId, RequestId, Timestamp, WorkspaceId};
use rusqlite::{Connection, OptionalExtension, Transaction};

use super::challenge_requests::read_one;
use super::{ConnectStore, RequestKey};
use crate::sqlite::{RowExt, Unit, prepare};
use crate::{Idempotency, StoreError};

/// What a key was used for before.
#[derive(Clone, Debug)]
pub struct Earlier {
    /// What was asked for then.
    pub fingerprint: Fingerprint,
    /// What came of it, as it is now.
    pub request: ChallengeRequest,
}

/// Takes the key for this request: `None` when it was free, or what has it.
pub(super) fn take(
    transaction: &Transaction<'_>,
    idempotency: &Idempotency,
    request: &ChallengeRequest,
) -> rusqlite::Result<Option<Earlier>> {
    const SQL: &str = "
        INSERT INTO idempotency_records (workspace_id, key, fingerprint, client_id, request_id, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (workspace_id, key) DO UPDATE SET
            fingerprint = excluded.fingerprint, client_id = excluded.client_id,
            request_id = excluded.request_id, expires_at = excluded.expires_at
        WHERE idempotency_records.expires_at <= $7";
    let Idempotency { key, fingerprint, expires_at } = idempotency;
    let taken = prepare(transaction, SQL)?.execute((
        request.workspace_id.as_str(),
        key.as_str(),
        fingerprint.as_bytes(),
        request.client_id.as_str(),
        request.id.as_bytes(),
        expires_at.as_millis(),
        request.created_at.as_millis(),
    ))?;
    if taken == 1 {
        return Ok(None);
    }
    read_earlier(transaction, &request.workspace_id, key, request.created_at)
}

fn read_earlier(
    connection: &Connection,
    workspace_id: &WorkspaceId,
    key: &IdempotencyKey,
    now: Timestamp,
) -> rusqlite::Result<Option<Earlier>> {
    const SQL: &str = "
        SELECT fingerprint, client_id, request_id FROM idempotency_records
        WHERE workspace_id = $1 AND key = $2 AND expires_at > $3";
    let record: Option<(Fingerprint, ClientId, RequestId)> = prepare(connection, SQL)?
        .query_row((workspace_id.as_str(), key.as_str(), now.as_millis()), |row| {
            let fingerprint = Fingerprint::from_bytes(row.get("fingerprint")?);
            Ok((fingerprint, row.parsed("client_id")?, RequestId::from_bytes(row.get("request_id")?)))
        })
        .optional()?;
    let Some((fingerprint, client_id, id)) = record else { return Ok(None) };
    let key = RequestKey { workspace_id: workspace_id.clone(), client_id, id };
    let request = read_one(connection, &key)?;
    Ok(request.map(|request| Earlier { fingerprint, request }))
}

/// Deletes records whose key is as good as new.
#[derive(Clone, Debug)]
pub struct PruneIdempotencyRecords {
    /// The present.
    pub now: Timestamp,
    /// How many at most: small, so that nobody waits long behind it.
    pub limit: u32,
}

impl Unit for PruneIdempotencyRecords {
    /// How many were deleted.
    type Outcome = usize;

    fn apply(&self, transaction: &Transaction<'_>) -> rusqlite::Result<usize> {
        const SQL: &str = "
            DELETE FROM idempotency_records WHERE (workspace_id, key) IN (
                SELECT workspace_id, key FROM idempotency_records WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";
        prepare(transaction, SQL)?.execute((self.now.as_millis(), self.limit))
    }
}

impl ConnectStore {
    /// What the workspace used this key for, unless that is as good as forgotten.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn earlier(
        &self,
        workspace_id: &WorkspaceId,
        key: &IdempotencyKey,
        now: Timestamp,
    ) -> Result<Option<Earlier>, StoreError> {
        let (workspace_id, key) = (workspace_id.clone(), key.clone());
        self.database.read(move |connection| read_earlier(connection, &workspace_id, &key, now)).await
    }

    /// Deletes a batch of expired records; how many it were.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn prune_idempotency_records(&self, unit: PruneIdempotencyRecords) -> Result<usize, StoreError> {
        self.database.write(unit).await
    }
}
