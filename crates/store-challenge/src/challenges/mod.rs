//! Challenges (§10).

pub(crate) mod close;
pub(crate) mod create;
mod open_rank;
pub(crate) mod read;
mod report;
pub(crate) mod untold;
pub(crate) mod update;

use std::collections::{BTreeSet, HashMap};

use db::{Row, Sql, StoreError, Transaction, read_columns, write_columns};
use domain::ChallengeId;
use domain::challenge::{Challenge, Host, ReturnUris};
use domain::claim::Stamps;
use domain::production_test::Payload;

/// A row of `challenges`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChallengeRecord {
    /// The challenge as the workspace that ordered it sees it.
    pub challenge: Challenge,
    /// The payload of its request.
    pub payload: Payload,
    /// The app that ordered it, which testers see as the host.
    pub host: Host,
    /// The number of stamps that have been granted.
    pub granted: u32,
}

impl ChallengeRecord {
    /// The challenge's stamps, for the rule that grants them (§10).
    #[must_use]
    pub fn stamps(&self) -> Stamps {
        Stamps {
            limit: self.payload.max_stamp_claims,
            granted: self.granted,
            allow_duplicates: self.payload.allow_duplicate_participation.unwrap_or(false),
        }
    }
}

read_columns! {
    /// A row of `challenges`.
    pub(crate) CHALLENGE: ChallengeRecord {
        id: bytes,
        host_name: string,
        success_redirect_uri: optional_string,
        failure_redirect_uri: optional_string,
        title: string,
        description: optional_string,
        provider_ids: provider_ids,
        max_stamp_claims: count,
        target_platform: optional_parsed,
        allow_duplicate_participation: optional_boolean,
        stamp_claims: count,
        created_at: time,
        expires_at: time,
        completed_at: optional_time,
        closed_at: optional_time,
    } => ChallengeRecord {
        challenge: Challenge {
            id: ChallengeId::from_bytes(id),
            title: title.clone(),
            description: description.clone(),
            created_at,
            expires_at,
            completed_at,
            is_closed: closed_at.is_some(),
            stamp_limit: Some(max_stamp_claims),
        },
        payload: Payload {
            title,
            description,
            provider_ids,
            max_stamp_claims,
            target_platform,
            allow_duplicate_participation,
            expires_at: None,
        },
        host: Host {
            name: host_name,
            return_uris: ReturnUris {
                success: success_redirect_uri,
                failure: failure_redirect_uri,
            },
        },
        granted: stamp_claims,
    }
}

write_columns! {
    /// The id of a challenge.
    IdRow(ChallengeId) = |id| {
        challenge: Bytes = id.as_bytes(),
    }
}

static READ: Sql = Sql::each(
    "SELECT {columns} FROM challenges {join each on} id = each.challenge",
    &IdRow::COLUMNS,
)
.reading(&CHALLENGE);

static LOCK: Sql = Sql::each(
    "SELECT {columns} FROM challenges {join each on} id = each.challenge ORDER BY id {lock}",
    &IdRow::COLUMNS,
)
.reading(&CHALLENGE);

/// Reads challenges and locks them until the end of the transaction, in the order of their ids.
///
/// Every write that changes a challenge, or depends on its state, locks it first. So its state does
/// not change between the decision and the commit.
pub(crate) async fn lock(
    transaction: &Transaction<'_>,
    ids: impl IntoIterator<Item = ChallengeId>,
) -> Result<HashMap<ChallengeId, ChallengeRecord>, StoreError> {
    read_each(transaction, &LOCK, ids).await
}

async fn read_each(
    transaction: &Transaction<'_>,
    sql: &'static Sql,
    ids: impl IntoIterator<Item = ChallengeId>,
) -> Result<HashMap<ChallengeId, ChallengeRecord>, StoreError> {
    let ids: BTreeSet<ChallengeId> = ids.into_iter().collect();
    let rows: Vec<_> = ids.iter().map(IdRow::of).collect();
    let records = transaction.query_each(sql, &rows, CHALLENGE.read).await?;
    Ok(records.into_iter().map(|record| (record.challenge.id, record)).collect())
}

fn read_id(row: &Row<'_>) -> Result<ChallengeId, StoreError> {
    row.bytes("id").map(ChallengeId::from_bytes)
}
