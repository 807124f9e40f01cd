//! Parks what another browser brought back, until its person says whether it was theirs (§10).

use db::{Row, Sql, StoreError, Transaction, Value, Write, apply_each};
use domain::verification::SubjectHash;
use domain::{ChallengeId, ParticipationId, Timestamp};

use crate::ChallengeStore;

/// Parks a verified person.
#[derive(Clone, Debug)]
pub struct ParkOutcome {
    /// The hash of the state that was used.
    pub state_hash: [u8; 32],
    /// The HMAC of the person.
    pub subject_hash: SubjectHash,
    /// The HMAC of the browser that came back.
    pub browser_hash: [u8; 32],
}

impl Write for ParkOutcome {
    type Outcome = ();

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<()>, StoreError> {
        static SQL: Sql = Sql::new(
            "UPDATE verifications SET subject_hash = $1, returning_browser = $2
            WHERE state_hash = $3 AND used_at IS NOT NULL AND returning_browser IS NULL",
        );
        apply_each(writes, async |Self { state_hash, subject_hash, browser_hash }| {
            let parameters =
                [subject_hash.as_bytes().into(), browser_hash.into(), state_hash.into()];
            transaction.execute(&SQL, &parameters).await.map(drop)
        })
        .await
    }
}

/// Answers the question whether a parked verification was one's own. The first answer counts.
#[derive(Clone, Debug)]
pub struct AnswerParked {
    /// The challenge.
    pub challenge_id: ChallengeId,
    /// The participation.
    pub participation_id: ParticipationId,
    /// The HMAC of the browser that answers.
    pub browser_hash: [u8; 32],
    /// The present.
    pub now: Timestamp,
}

impl Write for AnswerParked {
    /// The verified person; `None` if nothing is parked for this browser, or it has answered.
    type Outcome = Option<SubjectHash>;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<Option<SubjectHash>>, StoreError> {
        static SQL: Sql = Sql::new(
            "UPDATE verifications SET answered_at = $1
            WHERE challenge_id = $2 AND participation_id = $3 AND returning_browser = $4
                AND answered_at IS NULL
            RETURNING subject_hash",
        );
        apply_each(writes, async |write| {
            let parameters = [
                write.now.into(),
                write.challenge_id.as_bytes().into(),
                write.participation_id.as_bytes().into(),
                (&write.browser_hash).into(),
            ];
            let read = |row: &Row<'_>| row.bytes("subject_hash").map(SubjectHash::from_bytes);
            Ok(transaction.query(&SQL, &parameters, read).await?.pop())
        })
        .await
    }
}

/// What a browser that came back has to do with a participation that began elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parked {
    /// When the verification began.
    pub started_at: Timestamp,
    /// Whether its person has said whether it was theirs.
    pub is_answered: bool,
}

impl ChallengeStore {
    /// Parks a verified person (§10).
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn park_outcome(&self, write: ParkOutcome) -> Result<(), StoreError> {
        self.database.write(write).await
    }

    /// Answers whether a parked verification was one's own (§10).
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn answer_parked(
        &self,
        write: AnswerParked,
    ) -> Result<Option<SubjectHash>, StoreError> {
        self.database.write(write).await
    }

    /// What is parked for this browser of a participation that began elsewhere.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn parked(
        &self,
        challenge_id: ChallengeId,
        participation_id: ParticipationId,
        browser_hash: [u8; 32],
    ) -> Result<Option<Parked>, StoreError> {
        static SQL: Sql = Sql::new(
            "SELECT started_at, answered_at FROM verifications
            WHERE challenge_id = $1 AND participation_id = $2 AND returning_browser = $3
            ORDER BY answered_at, started_at DESC LIMIT 1",
        );
        let parameters = [
            challenge_id.as_bytes().into(),
            participation_id.as_bytes().into(),
            (&browser_hash).into(),
        ];
        let read = |row: &Row<'_>| {
            Ok(Parked {
                started_at: row.time("started_at")?,
                is_answered: row.optional_time("answered_at")?.is_some(),
            })
        };
        self.database.find(&SQL, parameters.map(Value::into_owned).into(), read).await
    }
}
