//! What idempotency keys of a workspace were used for (§4): one table for orders, apps, batches of
//! apps and rotations, because a key guards one request, whatever that makes.

use db::{
    AppendedRecords, ClaimRow, Earlier, Idempotency, IdempotencyRecords, Kind, Lookup, Row,
    ScopedKey, Sql, StoreError, Transaction, UnavailableReason, Write, apply_each,
};
use domain::challenge_request::ChallengeRequest;
use domain::idempotency::{Fingerprint, IdempotencyKey};
use domain::sealed_secret::SealedSecret;
use domain::{ClientId, RequestId, Timestamp, WorkspaceId};

use crate::WorkspaceStore;
use crate::challenge_requests::{read_request, request_columns};

/// What a request made that claimed a key.
#[derive(Clone, Debug)]
pub struct Made {
    /// The app that it made, or that it was about.
    pub client_id: ClientId,
    /// When that app was made, if it still exists.
    pub app_created_at: Option<Timestamp>,
    /// The challenge request that it made, as it is now.
    pub request: Option<Box<ChallengeRequest>>,
    /// The secret that it showed.
    pub sealed_secret: Option<SealedSecret>,
    /// When the key expires.
    pub expires_at: Timestamp,
}

/// The query for live records; `$records` selects them.
macro_rules! find_records {
    ($records:literal) => {
        concat!(
            "SELECT record_workspace_id, record_key, fingerprint, record_client_id, sealed_secret, expires_at,
                (SELECT apps.created_at FROM apps
                WHERE apps.workspace_id = record_workspace_id AND apps.client_id = record_client_id) AS app_created_at, ",
            request_columns!(),
            " FROM (
                SELECT record.workspace_id AS record_workspace_id, record.key AS record_key,
                    record.fingerprint AS fingerprint, record.client_id AS record_client_id,
                    record.request_id AS record_request_id, record.sealed_secret AS sealed_secret,
                    record.expires_at AS expires_at
                FROM idempotency_records AS record ",
            $records,
            ") AS record
            LEFT JOIN challenge_requests ON workspace_id = record_workspace_id AND client_id = record_client_id
                AND id = record_request_id"
        )
    };
}

/// The table. A key that is valid for a day from now may replace one that was valid until now:
/// 86,400,000 ms are [`domain::idempotency::VALIDITY`].
pub(crate) static RECORDS: IdempotencyRecords<WorkspaceId, Made, 7> = IdempotencyRecords {
    claim: Sql::each(
        "INSERT INTO idempotency_records
            (workspace_id, key, fingerprint, expires_at, client_id, request_id, sealed_secret)
        {row of each}
        ON CONFLICT (workspace_id, key) DO UPDATE SET
            fingerprint = excluded.fingerprint, client_id = excluded.client_id,
            request_id = excluded.request_id, sealed_secret = excluded.sealed_secret,
            expires_at = excluded.expires_at
        WHERE idempotency_records.expires_at <= excluded.expires_at - 86400000
        {returning workspace_id, key}",
        &[
            ("workspace_id", Kind::Text),
            ("key", Kind::Text),
            ("fingerprint", Kind::Bytes),
            ("expires_at", Kind::Integer),
            ("client_id", Kind::Text),
            ("request_id", Kind::Bytes),
            ("sealed_secret", Kind::Bytes),
        ],
    ),
    read_key,
    find_each: Sql::each(
        find_records!(
            "{join each on} record.workspace_id = each.workspace AND record.key = each.key
                AND record.expires_at > each.now"
        ),
        &[("workspace", Kind::Text), ("key", Kind::Text), ("now", Kind::Integer)],
    ),
    find: Sql::new(find_records!(
        "WHERE record.workspace_id = $1 AND record.key = $2 AND record.expires_at > $3"
    )),
    read,
    prune: Sql::new(
        "DELETE FROM idempotency_records WHERE (workspace_id, key) IN (
            SELECT workspace_id, key FROM idempotency_records WHERE expires_at <= $1
            ORDER BY expires_at LIMIT $2 {skip locked})",
    ),
    appended: Some(AppendedRecords {
        insert: Sql::new(
            "INSERT INTO idempotency_records
                (workspace_id, key, fingerprint, expires_at, client_id, request_id, sealed_secret)
            VALUES ($1, $2, $3, $4, $5, $6, $7)",
        ),
        find_at: Sql::new(find_records!(
            "WHERE record.workspace_id = $1 AND record.key = $2 AND record.expires_at > $3
                AND record.id = $4"
        )),
        prune: Sql::new(
            "DELETE FROM idempotency_records WHERE id IN (
                SELECT id FROM idempotency_records WHERE expires_at <= $1
                ORDER BY expires_at LIMIT $2)
            RETURNING id, workspace_id, key",
        ),
    }),
};

fn read_key(row: &Row<'_>) -> Result<ScopedKey<WorkspaceId>, StoreError> {
    Ok((row.parsed("workspace_id")?, row.text("key")?.to_owned()))
}

fn read(row: &Row<'_>) -> Result<(ScopedKey<WorkspaceId>, Earlier<Made>), StoreError> {
    let key = (row.parsed("record_workspace_id")?, row.text("record_key")?.to_owned());
    let fingerprint = Fingerprint::from_bytes(row.bytes("fingerprint")?);
    let has_request = row.optional_bytes::<16>("id")?.is_some();
    let made = Made {
        client_id: row.parsed("record_client_id")?,
        sealed_secret: row.optional_blob("sealed_secret")?.map(SealedSecret::from_bytes),
        expires_at: row.time("expires_at")?,
        app_created_at: row.optional_time("app_created_at")?,
        request: if has_request { Some(Box::new(read_request(row)?)) } else { None },
    };
    Ok((key, Earlier { fingerprint, made }))
}

/// The record of a request that is about to be made.
pub(crate) fn record<'a>(
    workspace_id: &'a WorkspaceId,
    idempotency: &'a Idempotency,
    client_id: &'a ClientId,
    request_id: Option<&'a RequestId>,
    sealed_secret: Option<&'a SealedSecret>,
) -> ClaimRow<'a, WorkspaceId, 7> {
    let Idempotency { key, fingerprint, expires_at } = idempotency;
    let columns = [
        workspace_id.into(),
        key.as_str().into(),
        fingerprint.as_bytes().into(),
        (*expires_at).into(),
        client_id.as_str().into(),
        // The column takes no NULL.
        request_id.map_or_else(|| (&[0_u8; 0]).into(), |id| id.as_bytes().into()),
        sealed_secret.map(SealedSecret::as_bytes).into(),
    ];
    ClaimRow { scope: workspace_id.clone(), idempotency, columns }
}

/// Claims a key that was free when this transaction looked for it.
pub(crate) async fn claim_free(
    transaction: &Transaction<'_>,
    claim: ClaimRow<'_, WorkspaceId, 7>,
) -> Result<(), StoreError> {
    match RECORDS.claim(transaction, vec![claim]).await?.pop() {
        Some(db::KeyClaim::Fresh) => Ok(()),
        // Another process has claimed it meanwhile: this transaction is rolled back and tried
        // again.
        _ => Err(StoreError::unavailable(
            UnavailableReason::Busy,
            "an idempotency key was claimed at the same moment",
        )),
    }
}

/// Deletes expired records (§4).
#[derive(Clone, Debug)]
pub struct PruneIdempotencyRecords {
    /// The present.
    pub now: Timestamp,
    /// How many at most: this bounds how long other writes wait.
    pub limit: u32,
}

impl Write for PruneIdempotencyRecords {
    /// How many were deleted.
    type Outcome = u64;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<u64>, StoreError> {
        apply_each(writes, async |write| RECORDS.prune(transaction, write.now, write.limit).await)
            .await
    }
}

impl WorkspaceStore {
    /// What the workspace used this key for, if it is valid at `now`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn earlier(
        &self,
        workspace_id: &WorkspaceId,
        key: &IdempotencyKey,
        now: Timestamp,
        lookup: Lookup,
    ) -> Result<Option<Earlier<Made>>, StoreError> {
        RECORDS.find(&self.database, workspace_id, key, now, lookup).await
    }

    /// Deletes a batch of expired records; how many they were.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn prune_idempotency_records(
        &self,
        write: PruneIdempotencyRecords,
    ) -> Result<u64, StoreError> {
        self.database.write(write).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_in_the_query_is_the_validity_of_a_key() {
        assert_eq!(domain::idempotency::VALIDITY.as_millis(), 86_400_000);
        assert!(RECORDS.claim.text().contains("- 86400000"));
    }
}
