//! Participations, as they are read (§10).

use db::{Kind, Row, Sql, StoreError, Transaction, Value};
use domain::participation::{Participation, Status};
use domain::{ChallengeId, ParticipationId, Platform};

use super::ChallengeStore;

/// The columns of a participation that [`read_participation`] reads.
macro_rules! participation_columns {
    () => {
        "challenge_id, id, provider_id, platform, status, joined_at, lapses_at"
    };
}
pub(crate) use participation_columns;

/// Reads participations that stay as they are until the end of the transaction.
pub(crate) async fn lock(
    transaction: &Transaction<'_>,
    ids: impl IntoIterator<Item = ParticipationId>,
) -> Result<Vec<Participation>, StoreError> {
    static SQL: Sql = Sql::each(
        concat!(
            "SELECT ",
            participation_columns!(),
            " FROM participations {join each on} id = each.participation ORDER BY id {lock}"
        ),
        &[("participation", Kind::Bytes)],
    );
    let ids: Vec<ParticipationId> = ids.into_iter().collect();
    let rows: Vec<_> = ids.iter().map(|id| [id.as_bytes().into()]).collect();
    transaction.query_each(&SQL, &rows, read_participation).await
}

/// The challenges to which these participations belong.
pub(crate) async fn challenges_of(
    transaction: &Transaction<'_>,
    ids: impl IntoIterator<Item = ParticipationId>,
) -> Result<Vec<ChallengeId>, StoreError> {
    static SQL: Sql = Sql::each(
        "SELECT challenge_id FROM participations {join each on} id = each.participation",
        &[("participation", Kind::Bytes)],
    );
    let ids: Vec<ParticipationId> = ids.into_iter().collect();
    let rows: Vec<_> = ids.iter().map(|id| [id.as_bytes().into()]).collect();
    transaction
        .query_each(&SQL, &rows, |row| row.bytes("challenge_id").map(ChallengeId::from_bytes))
        .await
}

impl ChallengeStore {
    /// The participation of this id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn participation(
        &self,
        id: ParticipationId,
    ) -> Result<Option<Participation>, StoreError> {
        static SQL: Sql = Sql::new(concat!(
            "SELECT ",
            participation_columns!(),
            " FROM participations WHERE id = $1"
        ));
        self.database
            .find(&SQL, vec![Value::from(id.as_bytes()).into_owned()], read_participation)
            .await
    }
}

pub(crate) fn read_participation(row: &Row<'_>) -> Result<Participation, StoreError> {
    Ok(Participation {
        id: ParticipationId::from_bytes(row.bytes("id")?),
        challenge_id: ChallengeId::from_bytes(row.bytes("challenge_id")?),
        provider_id: row.parsed("provider_id")?,
        platform: row.parsed::<Platform>("platform")?,
        recorded_status: row.named("status", Status::from_name)?,
        joined_at: row.time("joined_at")?,
        lapses_at: row.time("lapses_at")?,
    })
}
