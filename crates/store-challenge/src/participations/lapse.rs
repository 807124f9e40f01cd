//! Records that participations have lapsed (§10).

use db::{Sql, StoreError, Transaction, Write};
use domain::Timestamp;
use domain::participation::{LONGEST_WAIT, Participation};

use crate::ChallengeStore;
use crate::counts::Counts;
use crate::participations::PARTICIPATION;

/// Records that participations have lapsed: their verification did not end in time.
#[derive(Clone, Debug)]
pub struct LapseOverdue {
    /// The present.
    pub now: Timestamp,
    /// The largest number of participations. It bounds how long other writes wait.
    pub limit: u32,
}

static OVERDUE: Sql = Sql::new(
    "UPDATE participations SET status = 'lapsed', decided_at = lapses_at
    WHERE status = 'started' AND (challenge_id, id) IN (
        SELECT challenge_id, id FROM participations
        WHERE status = 'started' AND lapses_at <= $1
        ORDER BY lapses_at LIMIT $2 {skip locked})
    RETURNING {columns}",
)
.reading(&PARTICIPATION);

/// Those whose time only a clock that was fast can have set.
static FAR: Sql = Sql::new(
    "UPDATE participations SET status = 'lapsed', decided_at = lapses_at
    WHERE status = 'started' AND (challenge_id, id) IN (
        SELECT challenge_id, id FROM participations
        WHERE status = 'started' AND lapses_at > $1
        ORDER BY lapses_at DESC LIMIT $2 {skip locked})
    RETURNING {columns}",
)
.reading(&PARTICIPATION);

impl Write for LapseOverdue {
    /// The number of lapsed participations.
    type Outcome = u64;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<u64>, StoreError> {
        let mut counts = Counts::default();
        let mut numbers = Vec::with_capacity(writes.len());
        for Self { now, limit } in writes {
            let parameters = [(*now).into(), (*limit).into()];
            let mut lapsed = transaction.query(&OVERDUE, &parameters, PARTICIPATION.read).await?;
            let parameters = [now.plus(LONGEST_WAIT).into(), (*limit).into()];
            lapsed.extend(transaction.query(&FAR, &parameters, PARTICIPATION.read).await?);
            numbers.push(u64::try_from(lapsed.len()).unwrap_or(u64::MAX));
            for Participation { challenge_id, provider_id, platform, .. } in lapsed {
                counts.add_lapsed(challenge_id, provider_id, platform);
            }
        }
        counts.store(transaction).await?;
        Ok(numbers)
    }
}

impl ChallengeStore {
    /// Records that a batch of participations has lapsed (§10). Returns their number.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn lapse_overdue(&self, write: LapseOverdue) -> Result<u64, StoreError> {
        self.database.write(write).await
    }
}
