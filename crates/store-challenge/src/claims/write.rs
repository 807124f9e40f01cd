//! Stores the end of participations and the stamps that were claimed.

use std::collections::HashMap;

use db::{Sql, StoreError, Transaction, write_columns};
use domain::participation::{Participation, Status};
use domain::verification::{FailureReason, SubjectHash};
use domain::{ChallengeId, Timestamp};

use crate::challenges::ChallengeRecord;

/// A participation whose verification has ended.
pub(super) struct Concluded<'a> {
    pub(super) participation: &'a Participation,
    pub(super) status: Status,
    pub(super) failure_reason: Option<FailureReason>,
    pub(super) now: Timestamp,
}

write_columns! {
    /// A participation, its final status, why its verification failed, and when it ended.
    ConcludedRow(Concluded<'_>) = |Concluded {
        participation: Participation { id, challenge_id, .. },
        status,
        failure_reason,
        now,
    }| {
        challenge: Bytes = challenge_id.as_bytes(),
        participation: Bytes = id.as_bytes(),
        outcome: Text = status.as_str(),
        reason: Text = failure_reason.map(FailureReason::as_str),
        now: Integer = *now,
    }
}

/// Stores the final status of participations.
pub(super) async fn conclude(
    concluded: &[Concluded<'_>],
    transaction: &Transaction<'_>,
) -> Result<(), StoreError> {
    static SQL: Sql = Sql::each(
        "UPDATE participations SET status = each.outcome, failure_reason = each.reason,
            decided_at = each.now {from each}
        WHERE challenge_id = each.challenge AND id = each.participation AND status = 'started'",
        &ConcludedRow::COLUMNS,
    );
    let rows: Vec<_> = concluded.iter().map(ConcludedRow::of).collect();
    let changed = transaction.execute_each(&SQL, &rows).await?;
    check_all(changed, rows.len(), "a locked participation was changed")
}

/// A stamp that was claimed.
pub(super) struct StampClaim<'a> {
    pub(super) participation: &'a Participation,
    pub(super) subject_hash: &'a SubjectHash,
    /// The stamp's number within its challenge, from 1.
    pub(super) number: u32,
    pub(super) now: Timestamp,
}

write_columns! {
    /// A row of `stamp_claims`.
    StampClaimRow(StampClaim<'_>) = |StampClaim {
        participation: Participation { id, challenge_id, provider_id, .. },
        subject_hash,
        number,
        now,
    }| {
        challenge_id: Bytes = challenge_id.as_bytes(),
        number: Integer = *number,
        participation_id: Bytes = id.as_bytes(),
        provider_id: Text = provider_id.as_str(),
        subject_hash: Bytes = subject_hash.as_bytes(),
        claimed_at: Integer = *now,
    }
}

/// Stores claims.
pub(super) async fn insert_claims(
    claims: &[StampClaim<'_>],
    transaction: &Transaction<'_>,
) -> Result<(), StoreError> {
    static SQL: Sql = Sql::each("INSERT INTO stamp_claims {row of each}", &StampClaimRow::COLUMNS);
    let rows: Vec<_> = claims.iter().map(StampClaimRow::of).collect();
    transaction.execute_each(&SQL, &rows).await.map(drop)
}

/// A challenge whose number of granted stamps has changed.
struct Counted<'a> {
    record: &'a ChallengeRecord,
    granted_before: u32,
}

write_columns! {
    /// A challenge's number of granted stamps, before and after.
    CountRow(Counted<'_>) = |Counted { record, granted_before }| {
        challenge: Bytes = record.challenge.id.as_bytes(),
        granted_before: Integer = *granted_before,
        granted: Integer = record.granted,
        completed: Integer = record.challenge.completed_at,
    }
}

/// Stores the numbers of granted stamps. This conditional update enforces the limit of stamps: it
/// fails if the number was not what it was before, or would exceed the limit.
pub(super) async fn count(
    challenges: &HashMap<ChallengeId, ChallengeRecord>,
    granted_before: &HashMap<ChallengeId, u32>,
    transaction: &Transaction<'_>,
) -> Result<(), StoreError> {
    static SQL: Sql = Sql::each(
        "UPDATE challenges SET stamp_claims = each.granted, completed_at = each.completed,
            untold = TRUE
        {from each}
        WHERE id = each.challenge AND stamp_claims = each.granted_before
            AND each.granted <= max_stamp_claims AND completed_at IS NULL AND closed_at IS NULL",
        &CountRow::COLUMNS,
    );
    let counted: Vec<Counted<'_>> = challenges
        .iter()
        .filter_map(|(id, record)| {
            let granted_before = *granted_before.get(id)?;
            (record.granted != granted_before).then_some(Counted { record, granted_before })
        })
        .collect();
    let rows: Vec<_> = counted.iter().map(CountRow::of).collect();
    let changed = transaction.execute_each(&SQL, &rows).await?;
    check_all(changed, rows.len(), "a locked challenge was changed")
}

/// Checks that every row was changed. The rows are locked, so anything else is a bug.
fn check_all(changed: u64, rows: usize, otherwise: &str) -> Result<(), StoreError> {
    if usize::try_from(changed) == Ok(rows) {
        Ok(())
    } else {
        Err(StoreError::Internal(otherwise.into()))
    }
}
