//! Counting (§8).

use std::collections::HashMap;
use std::time::Duration;

use domain::report::{Report, Tally};
use domain::{ChallengeId, ProviderId};

use super::TpasStore;
use super::challenges::{ChallengeRecord, challenge_columns, read_record};
use crate::StoreError;
use crate::row::Row;
use crate::sql::Sql;
use crate::value::Value;

impl TpasStore {
    /// The report of a challenge, as of one moment; `None` when there is no such challenge.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn report(&self, id: ChallengeId) -> Result<Option<Report>, StoreError> {
        // A clock that was set back between joining and claiming counts as no time.
        static SQL: Sql = Sql::new(concat!(
            "SELECT provider_id, participations, claims, time_to_claim, ",
            challenge_columns!(),
            " FROM challenges LEFT JOIN (
                SELECT provider_id, COUNT(*) AS participations, COUNT(*) FILTER (WHERE status = 'claimed') AS claims,
                    CAST(COALESCE(SUM(CASE WHEN decided_at > joined_at THEN decided_at - joined_at ELSE 0 END)
                        FILTER (WHERE status = 'claimed'), 0) AS BIGINT) AS time_to_claim
                FROM participations WHERE challenge_id = $1 GROUP BY provider_id) AS tally ON true
            WHERE id = $1"
        ));
        let rows = self.database.query(&SQL, vec![Value::from(id.as_bytes()).into_owned()], read_row).await?;
        // The same challenge in each row, with what was counted for one of its providers.
        let mut tallies: HashMap<ProviderId, Tally> = HashMap::with_capacity(rows.len());
        let mut record = None;
        for (challenge, tally) in rows {
            record = Some(challenge);
            tallies.extend(tally);
        }
        Ok(record.map(|record| Report::new(record.challenge, &record.payload.provider_ids, &tallies)))
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
