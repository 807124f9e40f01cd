//! Reports the participations and claims of challenges (§8).

use std::collections::HashMap;
use std::time::Duration;

use db::{Row, Sql, StoreError, Value};
use domain::report::{Report, Tally};
use domain::{ChallengeId, ProviderId};

use crate::ChallengeStore;
use crate::challenges::{CHALLENGE, ChallengeRecord, IdRow};

/// The challenges, and the counts for each provider of each challenge, in one statement, so that
/// all see the same moment. A claim whose clock was set back after joining counts as no time.
static COUNT: Sql = Sql::each(
    "SELECT id AS counted_id, CAST(NULL AS TEXT) AS provider_id, 0 AS participations, 0 AS claims,
        0 AS time_to_claim, {columns}
    FROM challenges {join each on} id = each.challenge
    UNION ALL
    SELECT challenge_id, provider_id,
        CAST(SUM(CASE WHEN outcome = 'joined' THEN number ELSE 0 END) AS BIGINT),
        CAST(SUM(CASE WHEN outcome = 'claimed' THEN number ELSE 0 END) AS BIGINT),
        CAST(SUM(milliseconds) AS BIGINT),
        {columns as null}
    FROM participation_counts {join each on} challenge_id = each.challenge
    GROUP BY challenge_id, provider_id",
    &IdRow::COLUMNS,
)
.reading(&CHALLENGE);

impl ChallengeStore {
    /// The report of a challenge, as of one moment (§8). `None` if the challenge does not exist.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn report(&self, id: ChallengeId) -> Result<Option<Report>, StoreError> {
        Ok(self.reports(&[id]).await?.pop())
    }

    /// The reports of these challenges, without those that do not exist, in no order. Each report
    /// is as of one moment.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn reports(&self, ids: &[ChallengeId]) -> Result<Vec<Report>, StoreError> {
        let rows = ids.iter().map(|id| IdRow::of(id).map(Value::into_owned)).collect();
        let rows = self.database.query_each(&COUNT, rows, read_row).await?;
        let mut records = Vec::with_capacity(ids.len());
        let mut tallies: HashMap<ChallengeId, HashMap<ProviderId, Tally>> = HashMap::new();
        for row in rows {
            match row {
                Counted::Challenge(record) => records.push(*record),
                Counted::Provider(id, provider_id, tally) => {
                    tallies.entry(id).or_default().insert(provider_id, tally);
                }
            }
        }
        let report = |ChallengeRecord { challenge, payload, .. }| {
            let tallies = tallies.remove(&challenge.id).unwrap_or_default();
            Report::new(challenge, &payload.provider_ids, &tallies)
        };
        Ok(records.into_iter().map(report).collect())
    }
}

/// A row: a challenge, or the counts for one of its providers.
enum Counted {
    Challenge(Box<ChallengeRecord>),
    Provider(ChallengeId, ProviderId, Tally),
}

fn read_row(row: &Row<'_>) -> Result<Counted, StoreError> {
    let id = ChallengeId::from_bytes(row.bytes("counted_id")?);
    let Some(provider_id) = row.optional_parsed("provider_id")? else {
        return Ok(Counted::Challenge(Box::new((CHALLENGE.read)(row)?)));
    };
    let tally = Tally {
        participations: row.total("participations")?,
        claims: row.total("claims")?,
        time_to_claim: Duration::from_millis(row.total("time_to_claim")?),
    };
    Ok(Counted::Provider(id, provider_id, tally))
}
