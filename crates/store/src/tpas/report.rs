//! Counting (§8).

use std::collections::HashMap;
use std::time::Duration;

use domain::report::{Report, Tally};
use domain::{ChallengeId, ProviderId};

use super::TpasStore;
use super::challenges::{ChallengeRecord, challenge_columns, read_record};
use crate::StoreError;
use crate::row::Row;
use crate::sql::{Kind, Sql};
use crate::value::Value;

/// A clock that was set back between joining and claiming counts as no time.
static COUNT: Sql = Sql::each(
    concat!(
        "SELECT provider_id, COUNT(of_challenge) AS participations, COUNT(*) FILTER (WHERE status = 'claimed') AS claims,
            CAST(COALESCE(SUM(CASE WHEN decided_at > joined_at THEN decided_at - joined_at ELSE 0 END)
                FILTER (WHERE status = 'claimed'), 0) AS BIGINT) AS time_to_claim, ",
        challenge_columns!(),
        " FROM challenges LEFT JOIN (
            SELECT challenge_id AS of_challenge, provider_id, status, joined_at, decided_at FROM participations
        ) AS participation ON of_challenge = id
        {join each on} id = each.challenge GROUP BY id, provider_id"
    ),
    &[("challenge", Kind::Bytes)],
);

impl TpasStore {
    /// The report of a challenge, as of one moment; `None` when there is no such challenge.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn report(&self, id: ChallengeId) -> Result<Option<Report>, StoreError> {
        Ok(self.reports(&[id]).await?.pop())
    }

    /// The reports of those of these challenges that there are, in no order; each is as of one moment.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn reports(&self, ids: &[ChallengeId]) -> Result<Vec<Report>, StoreError> {
        let rows = ids.iter().map(|id| [Value::from(id.as_bytes()).into_owned()]).collect();
        let rows = self.database.query_each(&COUNT, rows, read_row).await?;
        // The same challenge in several rows, each with what was counted for one of its providers.
        let mut counted: HashMap<ChallengeId, (ChallengeRecord, HashMap<ProviderId, Tally>)> = HashMap::new();
        for (record, tally) in rows {
            let (_, tallies) = counted.entry(record.challenge.id).or_insert_with(|| (record, HashMap::new()));
            tallies.extend(tally);
        }
        let report = |(record, tallies): (ChallengeRecord, HashMap<_, _>)| {
            Report::new(record.challenge, &record.payload.provider_ids, &tallies)
        };
        Ok(counted.into_values().map(report).collect())
    }
}

type Counted = (ChallengeRecord, Option<(ProviderId, Tally)>);

fn read_row(row: &Row<'_>) -> Result<Counted, StoreError> {
    let record = read_record(row)?;
    if row.optional_text("provider_id")?.is_none() {
        return Ok((record, None));
    }
    let tally = Tally {
        participations: row.integer("participations")?.unsigned_abs(),
        claims: row.integer("claims")?.unsigned_abs(),
        time_to_claim: Duration::from_millis(row.integer("time_to_claim")?.unsigned_abs()),
    };
    Ok((record, Some((row.parsed("provider_id")?, tally))))
}
