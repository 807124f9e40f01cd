//! Idempotency records of a workspace (§4): what its keys were used for. One table serves orders,
//! apps, batches of apps and rotations, because a key guards one request of any kind.

use db::{
    AppendedRecords, ClaimRow, Column, Idempotency, IdempotencyRecord, IdempotencyRecords,
    KeyClaim, KeyedRecord, Kind, Lookup, PruneIdempotencyRecords, Row, ScopedKey, Sql, StoreError,
    Transaction, UnavailableReason, lookup_columns, write_columns,
};
use domain::challenge_request::ChallengeRequest;
use domain::idempotency::{Fingerprint, IdempotencyKey};
use domain::sealed_secret::SealedSecret;
use domain::{ClientId, RequestId, Timestamp, WorkspaceId};

use crate::WorkspaceStore;
use crate::challenge_requests::read::REQUEST;

/// The result of a request that claimed a key.
#[derive(Clone, Debug)]
pub struct IdempotentResult {
    /// The app that the request created or changed.
    pub client_id: ClientId,
    /// When that app was created, if it still exists.
    pub app_created_at: Option<Timestamp>,
    /// The challenge request that it created, in its present state.
    pub request: Option<Box<ChallengeRequest>>,
    /// The secret that its answer contained.
    pub sealed_secret: Option<SealedSecret>,
    /// When the key expires.
    pub expires_at: Timestamp,
}

/// A claim of a key, with the result of its request.
pub(crate) struct Claim<'a> {
    pub(crate) workspace_id: &'a WorkspaceId,
    pub(crate) idempotency: &'a Idempotency,
    pub(crate) client_id: &'a ClientId,
    pub(crate) request_id: Option<&'a RequestId>,
    pub(crate) sealed_secret: Option<&'a SealedSecret>,
}

write_columns! {
    /// A row of `idempotency_records`.
    RecordRow(Claim<'_>) = |Claim {
        workspace_id,
        idempotency: Idempotency { key, fingerprint, expires_at },
        client_id,
        request_id,
        sealed_secret,
    }| {
        workspace_id: Text = workspace_id.as_str(),
        key: Text = key.as_str(),
        fingerprint: Bytes = fingerprint.as_bytes(),
        expires_at: Integer = *expires_at,
        client_id: Text = client_id.as_str(),
        // The column is `NOT NULL`: no id is an empty value.
        request_id: Bytes = request_id.map_or(&[][..], |id| id.as_bytes()),
        sealed_secret: Bytes = sealed_secret.map(SealedSecret::as_bytes),
    }
}

impl<'a> Claim<'a> {
    /// A claim for a request about this app.
    pub(crate) fn new(
        workspace_id: &'a WorkspaceId,
        idempotency: &'a Idempotency,
        client_id: &'a ClientId,
    ) -> Self {
        Self { workspace_id, idempotency, client_id, request_id: None, sealed_secret: None }
    }

    pub(crate) fn row(&self) -> ClaimRow<'_, WorkspaceId, { RecordRow::COUNT }> {
        ClaimRow {
            scope: self.workspace_id,
            idempotency: self.idempotency,
            columns: RecordRow::of(self),
        }
    }
}

/// The query for live records with their requests. `$condition` selects the records.
macro_rules! find_records {
    ($condition:literal) => {
        concat!(
            "SELECT record.*, {columns},
                CASE WHEN sealed_secret IS NOT NULL THEN (SELECT apps.created_at FROM apps
                    WHERE apps.workspace_id = record_workspace_id
                        AND apps.client_id = record_client_id) END AS app_created_at
            FROM (
                SELECT record.workspace_id AS record_workspace_id, record.key AS record_key,
                    record.fingerprint AS fingerprint, record.client_id AS record_client_id,
                    record.request_id AS record_request_id,
                    record.sealed_secret AS sealed_secret, record.expires_at AS expires_at
                FROM idempotency_records AS record ",
            $condition,
            ") AS record
            LEFT JOIN challenge_requests ON workspace_id = record_workspace_id
                AND client_id = record_client_id AND id = record_request_id"
        )
    };
}

const LOOKUP: [Column; 3] = lookup_columns(Kind::Text);

/// The table. A key that is valid for a day from now can replace one that was valid until now:
/// 86,400,000 ms are [`domain::idempotency::VALIDITY`].
pub(crate) static RECORDS: IdempotencyRecords<WorkspaceId, IdempotentResult, { RecordRow::COUNT }> =
    IdempotencyRecords {
        claim: Sql::each(
            "INSERT INTO idempotency_records {row of each}
            ON CONFLICT (workspace_id, key) DO UPDATE SET
                fingerprint = excluded.fingerprint, client_id = excluded.client_id,
                request_id = excluded.request_id, sealed_secret = excluded.sealed_secret,
                expires_at = excluded.expires_at
            WHERE idempotency_records.expires_at <= excluded.expires_at - 86400000
            {returning workspace_id, key}",
            &RecordRow::COLUMNS,
        ),
        read_key,
        find: Sql::each(
            find_records!(
                "{join each on} record.workspace_id = each.scope AND record.key = each.key
                    AND record.expires_at > each.now"
            ),
            &LOOKUP,
        )
        .reading(&REQUEST),
        read,
        prune: Sql::new(
            "DELETE FROM idempotency_records WHERE (workspace_id, key) IN (
                SELECT workspace_id, key FROM idempotency_records WHERE expires_at <= $1
                ORDER BY expires_at LIMIT $2 {skip locked})",
        ),
        appended: Some(AppendedRecords {
            insert: Sql::each("INSERT INTO idempotency_records {row of each}", &RecordRow::COLUMNS),
            find_at: Sql::new(find_records!(
                "WHERE record.workspace_id = $1 AND record.key = $2 AND record.expires_at > $3
                    AND record.id = $4"
            ))
            .reading(&REQUEST),
            prune: Sql::new(
                "DELETE FROM idempotency_records WHERE id IN (
                    SELECT id FROM idempotency_records WHERE expires_at <= $1
                    ORDER BY expires_at LIMIT $2)
                RETURNING id, workspace_id, key",
            ),
        }),
    };

fn read_key(row: &Row<'_>) -> Result<ScopedKey<WorkspaceId>, StoreError> {
    Ok((row.parsed("workspace_id")?, row.string("key")?))
}

fn read(row: &Row<'_>) -> Result<KeyedRecord<WorkspaceId, IdempotentResult>, StoreError> {
    let key = (row.parsed("record_workspace_id")?, row.string("record_key")?);
    let fingerprint = Fingerprint::from_bytes(row.bytes("fingerprint")?);
    let result = IdempotentResult {
        client_id: row.parsed("record_client_id")?,
        sealed_secret: row.optional_blob("sealed_secret")?.map(SealedSecret::from_bytes),
        expires_at: row.time("expires_at")?,
        request: REQUEST.read_optional(row)?.map(Box::new),
        app_created_at: row.optional_time("app_created_at")?,
    };
    Ok((key, IdempotencyRecord { fingerprint, result }))
}

/// Claims a key that was free when this transaction looked it up.
pub(crate) async fn claim_free(
    transaction: &Transaction<'_>,
    claim: &Claim<'_>,
) -> Result<(), StoreError> {
    match RECORDS.claim(transaction, vec![claim.row()]).await?.pop() {
        Some(KeyClaim::Fresh) => Ok(()),
        // Another process has claimed it meanwhile. This error rolls the transaction back, and it
        // is tried again.
        _ => Err(StoreError::unavailable(
            UnavailableReason::Busy,
            "an idempotency key was claimed at the same moment",
        )),
    }
}

impl WorkspaceStore {
    /// The record of the workspace's key, if it is valid at `now` (§4).
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn idempotency_record(
        &self,
        workspace_id: &WorkspaceId,
        key: &IdempotencyKey,
        now: Timestamp,
        lookup: Lookup,
    ) -> Result<Option<IdempotencyRecord<IdempotentResult>>, StoreError> {
        RECORDS.find(&self.database, workspace_id, key, now, lookup).await
    }

    /// Deletes a batch of the workspaces' expired records (§4). Returns their number.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn prune_idempotency_records(
        &self,
        write: PruneIdempotencyRecords,
    ) -> Result<u64, StoreError> {
        RECORDS.prune(&self.database, write).await
    }
}

#[cfg(test)]
mod tests;
