//! Challenges: created once per request, read, closed (§10).

use domain::challenge::Challenge;
use domain::claim::Stamps;
use domain::production_test::Payload;
use domain::{ChallengeId, Platform, RequestId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, Transaction};

use super::TpasStore;
use crate::StoreError;
use crate::sqlite::{RowExt, Unit, prepare, provider_ids_json};

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

impl Unit for CreateChallenge {
    /// The request's challenge, and whether it is new.
    type Outcome = (ChallengeRecord, bool);

    fn apply(&self, transaction: &Transaction<'_>) -> rusqlite::Result<(ChallengeRecord, bool)> {
        const SQL: &str = "
            INSERT INTO challenges (
                id, request_id, host_name, title, description, provider_ids, max_stamp_claims, target_platform,
                allow_duplicate_participation, stamp_claims, created_at, expires_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $10, $11)
            ON CONFLICT (id) DO NOTHING";
        let Self { request_id, payload, host_name, now } = self;
        let id = ChallengeId::of(*request_id);
        let inserted = prepare(transaction, SQL)?.execute((
            id.as_bytes(),
            request_id.as_bytes(),
            host_name,
            &payload.title,
            &payload.description,
            provider_ids_json(&payload.provider_ids),
            payload.max_stamp_claims,
            payload.target_platform.map(Platform::as_str),
            payload.allow_duplicate_participation,
            now.as_millis(),
            Challenge::expiry(*now).as_millis(),
        ))?;
        let record = read_one(transaction, id)?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
        Ok((record, inserted == 1))
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

impl Unit for CloseChallenge {
    /// The challenge as it is now, if there is one. One that is complete, over or closed already stays as it is.
    type Outcome = Option<ChallengeRecord>;

    fn apply(&self, transaction: &Transaction<'_>) -> rusqlite::Result<Option<ChallengeRecord>> {
        const SQL: &str = "
            UPDATE challenges SET closed_at = $1
            WHERE id = $2 AND closed_at IS NULL AND completed_at IS NULL AND expires_at > $1";
        prepare(transaction, SQL)?.execute((self.now.as_millis(), self.id.as_bytes()))?;
        read_one(transaction, self.id)
    }
}

impl TpasStore {
    /// Makes the one challenge of a request, or finds it; and whether it is new.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn create_challenge(&self, unit: CreateChallenge) -> Result<(ChallengeRecord, bool), StoreError> {
        self.database.write(unit).await
    }

    /// Closes a challenge; `None` when there is no such challenge.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn close_challenge(&self, unit: CloseChallenge) -> Result<Option<ChallengeRecord>, StoreError> {
        self.database.write(unit).await
    }

    /// The challenge of this id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn challenge(&self, id: ChallengeId) -> Result<Option<ChallengeRecord>, StoreError> {
        self.database.read(move |connection| read_one(connection, id)).await
    }

    /// The challenges that can be joined at `now`, on this platform if one is named, soonest to expire first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn open_challenges(
        &self,
        platform: Option<Platform>,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<ChallengeRecord>, StoreError> {
        const SQL: &str = "
            SELECT * FROM challenges
            WHERE completed_at IS NULL AND closed_at IS NULL AND expires_at > $1
                AND ($2 IS NULL OR target_platform IS NULL OR target_platform = $2)
            ORDER BY expires_at, id LIMIT $3";
        self.database
            .read(move |connection| {
                prepare(connection, SQL)?
                    .query_map((now.as_millis(), platform.map(Platform::as_str), limit), read_record)?
                    .collect()
            })
            .await
    }
}

pub(super) fn read_one(connection: &Connection, id: ChallengeId) -> rusqlite::Result<Option<ChallengeRecord>> {
    prepare(connection, "SELECT * FROM challenges WHERE id = $1")?.query_row((id.as_bytes(),), read_record).optional()
}

fn read_record(row: &Row<'_>) -> rusqlite::Result<ChallengeRecord> {
    let payload = row.payload()?;
    let challenge = Challenge {
        id: ChallengeId::from_bytes(row.get("id")?),
        title: payload.title.clone(),
        description: payload.description.clone(),
        created_at: row.time("created_at")?,
        expires_at: row.time("expires_at")?,
        completed_at: row.optional_time("completed_at")?,
        is_closed: row.optional_time("closed_at")?.is_some(),
    };
    Ok(ChallengeRecord { challenge, payload, host_name: row.get("host_name")?, granted: row.get("stamp_claims")? })
}
