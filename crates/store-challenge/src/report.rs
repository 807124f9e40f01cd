//! Counting (§8).

use std::collections::HashMap;
use std::time::Duration;

use db::{Kind, Row, Sql, StoreError, Value};
use domain::report::{Report, Tally};
use domain::{ChallengeId, ProviderId};

use super::ChallengeStore;
use super::challenges::{ChallengeRecord, challenge_columns, read_record};

/// The challenges, and what was counted for each provider of each, in one statement: so all of it
/// is of one moment. Counted apart, because a challenge's own columns would be sorted with every
/// participation. A clock that was set back between joining and claiming counts as no time.
static COUNT: Sql = Sql::each(
    concat!(
        "SELECT CAST(NULL AS TEXT) AS provider_id, 0 AS participations, 0 AS claims, 0 AS time_to_claim, ",
        challenge_columns!(),
        " FROM challenges {join each on} id = each.challenge
        UNION ALL
        SELECT provider_id, COUNT(*), COUNT(*) FILTER (WHERE status = 'claimed'),
            CAST(COALESCE(SUM(CASE WHEN decided_at > joined_at THEN decided_at - joined_at ELSE 0 END)
                FILTER (WHERE status = 'claimed'), 0) AS BIGINT),
            challenge_id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
        FROM participations {join each on} challenge_id = each.challenge GROUP BY challenge_id, provider_id"
    ),
    &[("challenge", Kind::Bytes)],
);

impl ChallengeStore {
    /// The report of a challenge, as of one moment; `None` when there is no such challenge.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn report(&self, id: ChallengeId) -> Result<Option<Report>, StoreError> {
        Ok(self.reports(&[id]).await?.pop())
    }

    /// The reports of those of these challenges that there are, in no order; each is as of one
    /// moment.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn reports(&self, ids: &[ChallengeId]) -> Result<Vec<Report>, StoreError> {
        let rows = ids.iter().map(|id| [Value::from(id.as_bytes()).into_owned()]).collect();
        let rows = self.database.query_each(&COUNT, rows, read_row).await?;
        let mut records = Vec::with_capacity(ids.len());
        let mut tallies: HashMap<ChallengeId, HashMap<ProviderId, Tally>> = HashMap::new();
        for row in rows {
            match row {
                Counted::Challenge(record) => records.push(record),
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

/// A row: a challenge, or what was counted for one of its providers.
enum Counted {
    Challenge(ChallengeRecord),
    Provider(ChallengeId, ProviderId, Tally),
}

fn read_row(row: &Row<'_>) -> Result<Counted, StoreError> {
    if row.optional_text("provider_id")?.is_none() {
        return read_record(row).map(Counted::Challenge);
    }
    let tally = Tally {
        participations: row.integer("participations")?.unsigned_abs(),
        claims: row.integer("claims")?.unsigned_abs(),
        time_to_claim: Duration::from_millis(row.integer("time_to_claim")?.unsigned_abs()),
    };
    Ok(Counted::Provider(
        ChallengeId::from_bytes(row.bytes("id")?),
        row.parsed("provider_id")?,
        tally,
    ))
}
