//! Challenges: created once per request, read, closed (§10).

use std::collections::{BTreeSet, HashMap};

use db::{
    Kind, Row, Sql, StoreError, Transaction, Value, Write, provider_ids_json, split_on_conflict,
};
use domain::challenge::Challenge;
use domain::claim::Stamps;
use domain::production_test::Payload;
use domain::{ChallengeId, Platform, RequestId, Timestamp};

use super::ChallengeStore;

/// The columns of a challenge that [`read_record`] reads.
macro_rules! challenge_columns {
    () => {
        "id, host_name, title, description, provider_ids, max_stamp_claims, target_platform, allow_duplicate_participation,
        stamp_claims, created_at, expires_at, completed_at, closed_at"
    };
}
pub(crate) use challenge_columns;

/// A challenge with all that the challenge service knows of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChallengeRecord {
    /// What it is to whoever ordered it.
    pub challenge: Challenge,
    /// What was ordered.
    pub payload: Payload,
    /// Whose test it is, as testers see it.
    pub host_name: String,
    /// How many stamps have been granted.
    pub granted: u32,
}

impl ChallengeRecord {
    /// What the rule of stamps needs to know.
    #[must_use]
    pub fn stamps(&self) -> Stamps {
        Stamps {
            limit: self.payload.max_stamp_claims,
            granted: self.granted,
            allow_duplicates: self.payload.allow_duplicate_participation.unwrap_or(false),
        }
    }
}

/// Makes the one challenge of a request, unless it has been made.
#[derive(Clone, Debug)]
pub struct CreateChallenge {
    /// The request. The challenge's id follows from it.
    pub request_id: RequestId,
    /// What was ordered.
    pub payload: Payload,
    /// Whose test it is.
    pub host_name: String,
    /// When it is made.
    pub now: Timestamp,
}

impl Write for CreateChallenge {
    /// The request's challenge, and whether it is new.
    type Outcome = (ChallengeRecord, bool);

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<Self::Outcome>, StoreError> {
        let mut outcomes = Vec::with_capacity(writes.len());
        for slice in split_on_conflict(writes, |write| [write.request_id]) {
            let mut sorted: Vec<&Self> = slice.iter().collect();
            // In the same order everywhere, or two transactions could wait for each other.
            sorted.sort_unstable_by_key(|write| write.request_id);
            let ids: Vec<ChallengeId> =
                sorted.iter().map(|write| ChallengeId::of(write.request_id)).collect();
            let rows: Vec<_> = sorted.iter().zip(&ids).map(|(write, id)| write.row(id)).collect();
            let made =
                transaction.change_each(&INSERT, &rows, ids.iter().copied(), read_id).await?;
            let there = ids.into_iter().filter(|id| !made.contains(id));
            let mut there = read_all(transaction, &READ, there).await?;
            for write in slice {
                let id = ChallengeId::of(write.request_id);
                let record =
                    if made.contains(&id) { Some(write.record()) } else { there.remove(&id) };
                let record = record
                    .ok_or_else(|| StoreError::Internal("a challenge was gone at once".into()))?;
                outcomes.push((record, made.contains(&id)));
            }
        }
        Ok(outcomes)
    }
}

static INSERT: Sql = Sql::each(
    "INSERT INTO challenges (
        id, request_id, host_name, title, description, provider_ids, max_stamp_claims, target_platform,
        allow_duplicate_participation, stamp_claims, created_at, expires_at)
    {row of each}
    ON CONFLICT (id) DO NOTHING
    {returning id}",
    &[
        ("id", Kind::Bytes),
        ("request_id", Kind::Bytes),
        ("host_name", Kind::Text),
        ("title", Kind::Text),
        ("description", Kind::Text),
        ("provider_ids", Kind::Text),
        ("max_stamp_claims", Kind::Integer),
        ("target_platform", Kind::Text),
        ("allow_duplicate_participation", Kind::Boolean),
        ("stamp_claims", Kind::Integer),
        ("created_at", Kind::Integer),
        ("expires_at", Kind::Integer),
    ],
);

impl CreateChallenge {
    /// The challenge that has just been made.
    fn record(&self) -> ChallengeRecord {
        let Self { request_id, payload, host_name, now } = self;
        let challenge = Challenge {
            id: ChallengeId::of(*request_id),
            title: payload.title.clone(),
            description: payload.description.clone(),
            created_at: *now,
            expires_at: Challenge::expiry(*now),
            completed_at: None,
            is_closed: false,
        };
        ChallengeRecord {
            challenge,
            payload: payload.clone(),
            host_name: host_name.clone(),
            granted: 0,
        }
    }

    fn row<'a>(&'a self, id: &'a ChallengeId) -> [Value<'a>; 12] {
        let Self { request_id, payload, host_name, now } = self;
        [
            id.as_bytes().into(),
            request_id.as_bytes().into(),
            host_name.into(),
            (&payload.title).into(),
            payload.description.as_ref().into(),
            provider_ids_json(&payload.provider_ids).into(),
            payload.max_stamp_claims.into(),
            payload.target_platform.map(Platform::as_str).into(),
            payload.allow_duplicate_participation.into(),
            0_u32.into(),
            (*now).into(),
            Challenge::expiry(*now).into(),
        ]
    }
}

/// Closes a challenge before its time.
#[derive(Clone, Debug)]
pub struct CloseChallenge {
    /// Which.
    pub id: ChallengeId,
    /// When.
    pub now: Timestamp,
}

impl Write for CloseChallenge {
    /// The challenge as it is now, if there is one. One that is complete, over or closed already
    /// stays as it is.
    type Outcome = Option<ChallengeRecord>;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<Self::Outcome>, StoreError> {
        static SQL: Sql = Sql::each(
            "UPDATE challenges SET closed_at = each.now {from each}
            WHERE id = each.challenge AND closed_at IS NULL AND completed_at IS NULL AND expires_at > each.now",
            &[("challenge", Kind::Bytes), ("now", Kind::Integer)],
        );
        // All at once, or each run would begin with its first challenge again.
        lock(transaction, writes.iter().map(|write| write.id)).await?;
        let mut outcomes = Vec::with_capacity(writes.len());
        for slice in split_on_conflict(writes, |write| [write.id]) {
            let rows: Vec<_> = slice
                .iter()
                .map(|Self { id, now }| [id.as_bytes().into(), (*now).into()])
                .collect();
            transaction.execute_each(&SQL, &rows).await?;
            let mut records =
                read_all(transaction, &READ, slice.iter().map(|write| write.id)).await?;
            outcomes.extend(slice.iter().map(|write| records.remove(&write.id)));
        }
        Ok(outcomes)
    }
}

static READ: Sql = Sql::each(
    concat!("SELECT ", challenge_columns!(), " FROM challenges {join each on} id = each.challenge"),
    &[("challenge", Kind::Bytes)],
);

static LOCK: Sql = Sql::each(
    concat!(
        "SELECT ",
        challenge_columns!(),
        " FROM challenges {join each on} id = each.challenge ORDER BY id {lock}"
    ),
    &[("challenge", Kind::Bytes)],
);

/// Reads challenges that stay as they are until the end of the transaction. All who change a
/// challenge, or what belongs to it, come this way, in the order of the ids: so nobody decides on
/// what another is about to change.
pub(crate) async fn lock(
    transaction: &Transaction<'_>,
    ids: impl IntoIterator<Item = ChallengeId>,
) -> Result<HashMap<ChallengeId, ChallengeRecord>, StoreError> {
    read_all(transaction, &LOCK, ids).await
}

async fn read_all(
    transaction: &Transaction<'_>,
    sql: &'static Sql,
    ids: impl IntoIterator<Item = ChallengeId>,
) -> Result<HashMap<ChallengeId, ChallengeRecord>, StoreError> {
    let ids: BTreeSet<ChallengeId> = ids.into_iter().collect();
    let rows: Vec<_> = ids.iter().map(|id| [id.as_bytes().into()]).collect();
    let records = transaction.query_each(sql, &rows, read_record).await?;
    Ok(records.into_iter().map(|record| (record.challenge.id, record)).collect())
}

fn read_id(row: &Row<'_>) -> Result<ChallengeId, StoreError> {
    row.bytes("id").map(ChallengeId::from_bytes)
}

impl ChallengeStore {
    /// Makes the one challenge of a request, or finds it; and whether it is new.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn create_challenge(
        &self,
        write: CreateChallenge,
    ) -> Result<(ChallengeRecord, bool), StoreError> {
        self.database.write(write).await
    }

    /// Makes or finds challenges as [`ChallengeStore::create_challenge`] does, each by itself.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub async fn create_challenges(
        &self,
        writes: Vec<CreateChallenge>,
    ) -> Vec<Result<(ChallengeRecord, bool), StoreError>> {
        self.database.write_all(writes).await
    }

    /// Closes a challenge; `None` when there is no such challenge.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn close_challenge(
        &self,
        write: CloseChallenge,
    ) -> Result<Option<ChallengeRecord>, StoreError> {
        self.database.write(write).await
    }

    /// The challenge of this id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn challenge(&self, id: ChallengeId) -> Result<Option<ChallengeRecord>, StoreError> {
        static SQL: Sql =
            Sql::new(concat!("SELECT ", challenge_columns!(), " FROM challenges WHERE id = $1"));
        self.database.find(&SQL, vec![Value::from(id.as_bytes()).into_owned()], read_record).await
    }

    /// The challenges that can be joined at `now`, on this platform if one is named, soonest to
    /// expire first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn open_challenges(
        &self,
        platform: Option<Platform>,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<ChallengeRecord>, StoreError> {
        static SQL: Sql = Sql::new(concat!(
            "SELECT ",
            challenge_columns!(),
            " FROM challenges
            WHERE completed_at IS NULL AND closed_at IS NULL AND expires_at > $1
                AND (CAST($2 AS TEXT) IS NULL OR target_platform IS NULL OR target_platform = $2)
            ORDER BY expires_at, id LIMIT $3"
        ));
        let parameters = vec![now.into(), platform.map(Platform::as_str).into(), limit.into()];
        self.database.query(&SQL, parameters, read_record).await
    }
}

pub(crate) fn read_record(row: &Row<'_>) -> Result<ChallengeRecord, StoreError> {
    let payload = row.payload()?;
    let challenge = Challenge {
        id: read_id(row)?,
        title: payload.title.clone(),
        description: payload.description.clone(),
        created_at: row.time("created_at")?,
        expires_at: row.time("expires_at")?,
        completed_at: row.optional_time("completed_at")?,
        is_closed: row.optional_time("closed_at")?.is_some(),
    };
    let host_name = row.text("host_name")?.to_owned();
    Ok(ChallengeRecord { challenge, payload, host_name, granted: row.count("stamp_claims")? })
}
