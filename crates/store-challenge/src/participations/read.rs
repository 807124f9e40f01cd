//! Reads and locks participations (§10).

use db::{Sql, StoreError, Transaction, Value, read_columns, write_columns};
use domain::participation::{Participation, Status};
use domain::verification::FailureReason;
use domain::{ChallengeId, ParticipationId, ProviderId};

use crate::ChallengeStore;

read_columns! {
    /// A row of `participations`.
    pub(crate) PARTICIPATION: Participation {
        challenge_id: bytes,
        id: bytes,
        provider_id: parsed,
        platform: parsed,
        status: named(Status::from_name),
        failure_reason: optional_named(FailureReason::from_name),
        verification_started_at: optional_time,
        joined_at: time,
        lapses_at: time,
    } => Participation {
        id: ParticipationId::from_bytes(id),
        challenge_id: ChallengeId::from_bytes(challenge_id),
        provider_id,
        platform,
        recorded_status: status,
        failure_reason,
        verification_started_at,
        joined_at,
        lapses_at,
    }
}

write_columns! {
    /// The id of a participation.
    IdRow(ParticipationId) = |id| {
        participation: Bytes = id.as_bytes(),
    }
}

/// Reads participations and locks them until the end of the transaction, in the order of their ids.
pub(crate) async fn lock(
    transaction: &Transaction<'_>,
    ids: impl IntoIterator<Item = ParticipationId>,
) -> Result<Vec<Participation>, StoreError> {
    static SQL: Sql = Sql::each(
        "SELECT {columns} FROM participations {join each on} id = each.participation
        ORDER BY id {lock}",
        &IdRow::COLUMNS,
    )
    .reading(&PARTICIPATION);
    let ids: Vec<ParticipationId> = ids.into_iter().collect();
    let rows: Vec<_> = ids.iter().map(IdRow::of).collect();
    transaction.query_each(&SQL, &rows, PARTICIPATION.read).await
}

/// The challenges of these participations.
pub(crate) async fn challenges_of(
    transaction: &Transaction<'_>,
    ids: impl IntoIterator<Item = ParticipationId>,
) -> Result<Vec<ChallengeId>, StoreError> {
    static SQL: Sql = Sql::each(
        "SELECT challenge_id FROM participations {join each on} id = each.participation",
        &IdRow::COLUMNS,
    );
    let ids: Vec<ParticipationId> = ids.into_iter().collect();
    let rows: Vec<_> = ids.iter().map(IdRow::of).collect();
    transaction
        .query_each(&SQL, &rows, |row| row.bytes("challenge_id").map(ChallengeId::from_bytes))
        .await
}

impl ChallengeStore {
    /// The participation of this id.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn participation(
        &self,
        id: ParticipationId,
    ) -> Result<Option<Participation>, StoreError> {
        static SQL: Sql =
            Sql::new("SELECT {columns} FROM participations WHERE id = $1").reading(&PARTICIPATION);
        let id = Value::from(id.as_bytes()).into_owned();
        self.database.find(&SQL, vec![id], PARTICIPATION.read).await
    }
}

write_columns! {
    /// A provider of a challenge, and a browser.
    SeatRow((ChallengeId, ProviderId, [u8; 32])) = |(challenge_id, provider_id, browser_hash)| {
        challenge: Bytes = challenge_id.as_bytes(),
        provider: Text = provider_id.as_str(),
        browser: Bytes = browser_hash,
    }
}

impl ChallengeStore {
    /// The started and the successful participations of a browser in a challenge, with any of these
    /// providers, in no order. Among them are those that are overdue but not yet recorded as
    /// lapsed.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn participations_of_browser(
        &self,
        challenge_id: ChallengeId,
        provider_ids: &[ProviderId],
        browser_hash: [u8; 32],
    ) -> Result<Vec<Participation>, StoreError> {
        static SQL: Sql = Sql::each(
            "SELECT {columns} FROM participations {join each on} challenge_id = each.challenge
                AND provider_id = each.provider AND browser_hash = each.browser
                AND status IN ('started', 'claimed')",
            &SeatRow::COLUMNS,
        )
        .reading(&PARTICIPATION);
        let seat = |id: &ProviderId| (challenge_id, id.clone(), browser_hash);
        let seats: Vec<_> = provider_ids.iter().map(seat).collect();
        let rows = seats.iter().map(|seat| SeatRow::of(seat).map(Value::into_owned)).collect();
        self.database.query_each(&SQL, rows, PARTICIPATION.read).await
    }

    /// The participation of this id, if it began in this browser.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn participation_in_browser(
        &self,
        id: ParticipationId,
        browser_hash: [u8; 32],
    ) -> Result<Option<Participation>, StoreError> {
        static SQL: Sql =
            Sql::new("SELECT {columns} FROM participations WHERE id = $1 AND browser_hash = $2")
                .reading(&PARTICIPATION);
        let (id, browser) = (Value::from(id.as_bytes()), Value::from(&browser_hash));
        let parameters = vec![id.into_owned(), browser.into_owned()];
        self.database.find(&SQL, parameters, PARTICIPATION.read).await
    }
}
