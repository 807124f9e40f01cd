//! Creates the challenge of a request, once (§10).

use db::{
    Sql, StoreError, Transaction, Write, provider_ids_json, split_on_conflict, write_columns,
};
use domain::challenge::{Challenge, Host, OpenRank, ReturnUris};
use domain::production_test::Payload;
use domain::{ChallengeId, Platform, RequestId, Timestamp};

use crate::ChallengeStore;
use crate::challenges::open_rank::ranks;
use crate::challenges::{ChallengeRecord, READ, read_each, read_id};

/// Creates the challenge of a request, unless it exists.
#[derive(Clone, Debug)]
pub struct CreateChallenge {
    /// The request. The challenge's id is derived from its id.
    pub request_id: RequestId,
    /// The request's payload.
    pub payload: Payload,
    /// The app that made the request, which testers see as the host.
    pub host: Host,
    /// The present.
    pub now: Timestamp,
}

write_columns! {
    /// A new row of `challenges`, with its id and its rank.
    NewChallengeRow((&CreateChallenge, ChallengeId, OpenRank)) = |(
        CreateChallenge {
            request_id,
            payload: Payload {
                title,
                description,
                provider_ids,
                max_stamp_claims,
                target_platform,
                allow_duplicate_participation,
                expires_at,
            },
            host: Host { name, return_uris: ReturnUris { success, failure } },
            now,
        },
        id,
        rank,
    )| {
        id: Bytes = id.as_bytes(),
        request_id: Bytes = request_id.as_bytes(),
        host_name: Text = name,
        success_redirect_uri: Text = success.as_ref(),
        failure_redirect_uri: Text = failure.as_ref(),
        title: Text = title,
        description: Text = description.as_ref(),
        provider_ids: Text = provider_ids_json(provider_ids),
        max_stamp_claims: Integer = *max_stamp_claims,
        target_platform: Text = target_platform.map(Platform::as_str),
        allow_duplicate_participation: Boolean = *allow_duplicate_participation,
        stamp_claims: Integer = 0_u32,
        created_at: Integer = *now,
        expires_at: Integer = expires_at.unwrap_or(Challenge::expiry(*now)),
        open_rank: Integer = rank.number(),
    }
}

static INSERT: Sql = Sql::each(
    "INSERT INTO challenges {row of each} ON CONFLICT (id) DO NOTHING {returning id}",
    &NewChallengeRow::COLUMNS,
);

impl Write for CreateChallenge {
    /// The request's challenge, and whether it is new.
    type Outcome = (ChallengeRecord, bool);

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<Self::Outcome>, StoreError> {
        let mut outcomes = Vec::with_capacity(writes.len());
        for slice in split_on_conflict(writes, |write| [write.request_id]) {
            let mut sorted: Vec<(&Self, ChallengeId)> =
                slice.iter().map(|write| (write, ChallengeId::of(write.request_id))).collect();
            // Transactions that lock rows in the same order cannot deadlock.
            sorted.sort_unstable_by_key(|(write, _)| write.request_id);
            let ranks = ranks(transaction, &sorted).await?;
            let rows = sorted.iter().zip(ranks).map(|((write, id), rank)| (*write, *id, rank));
            let rows: Vec<_> = rows.collect();
            let rows: Vec<_> = rows.iter().map(NewChallengeRow::of).collect();
            let ids = sorted.iter().map(|(_, id)| *id);
            let created = transaction.change_each(&INSERT, &rows, ids.clone(), read_id).await?;
            let existing = ids.filter(|id| !created.contains(id));
            let mut existing = read_each(transaction, &READ, existing).await?;
            for write in slice {
                let id = ChallengeId::of(write.request_id);
                let is_new = created.contains(&id);
                let record = if is_new { Some(write.record()) } else { existing.remove(&id) };
                let record = record.ok_or_else(|| {
                    StoreError::Internal("an existing challenge is missing".into())
                })?;
                outcomes.push((record, is_new));
            }
        }
        Ok(outcomes)
    }
}

impl CreateChallenge {
    /// The new challenge.
    fn record(&self) -> ChallengeRecord {
        let Self { request_id, payload, host, now } = self;
        let challenge = Challenge {
            id: ChallengeId::of(*request_id),
            title: payload.title.clone(),
            description: payload.description.clone(),
            created_at: *now,
            expires_at: payload.expires_at.unwrap_or(Challenge::expiry(*now)),
            completed_at: None,
            is_closed: false,
            stamp_limit: Some(payload.max_stamp_claims),
        };
        ChallengeRecord { challenge, payload: payload.clone(), host: host.clone(), granted: 0 }
    }
}

impl ChallengeStore {
    /// Creates the challenge of a request, unless it exists (§10). Returns the challenge, and
    /// whether it is new.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn create_challenge(
        &self,
        write: CreateChallenge,
    ) -> Result<(ChallengeRecord, bool), StoreError> {
        self.database.write(write).await
    }

    /// Creates several challenges as [`ChallengeStore::create_challenge`] creates one. Each write
    /// succeeds or fails alone.
    pub async fn create_challenges(
        &self,
        writes: Vec<CreateChallenge>,
    ) -> Vec<Result<(ChallengeRecord, bool), StoreError>> {
        self.database.write_all(writes).await
    }
}
