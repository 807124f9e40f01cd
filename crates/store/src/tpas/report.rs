//! Counting (§8).

use std::collections::HashMap;
use std::time::Duration;

use domain::report::{Report, Tally};
use domain::{ChallengeId, ProviderId};
use rusqlite::{Connection, Row};

use super::{TpasStore, challenges};
use crate::StoreError;
use crate::sqlite::{RowExt, prepare};

impl TpasStore {
    /// The report of a challenge, as of one moment; `None` when there is no such challenge.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn report(&self, id: ChallengeId) -> Result<Option<Report>, StoreError> {
        self.database.read(move |connection| read_report(connection, id)).await
    }
}

fn read_report(connection: &Connection, id: ChallengeId) -> rusqlite::Result<Option<Report>> {
    const TALLIES: &str = "
        SELECT provider_id, COUNT(*) AS participations, COUNT(*) FILTER (WHERE status = 'claimed') AS claims,
            COALESCE(SUM(CASE WHEN decided_at > joined_at THEN decided_at - joined_at ELSE 0 END)
                FILTER (WHERE status = 'claimed'), 0) AS time_to_claim
        FROM participations WHERE challenge_id = $1 GROUP BY provider_id";
    // A clock that was set back between joining and claiming counts as no time.
    // Both reads see one moment, or a stamp could be counted that the challenge does not know of yet.
    let moment = connection.unchecked_transaction()?;
    let Some(record) = challenges::read_one(&moment, id)? else { return Ok(None) };
    let tallies: HashMap<ProviderId, Tally> =
        prepare(&moment, TALLIES)?.query_map((id.as_bytes(),), read_tally)?.collect::<Result<_, _>>()?;
    Ok(Some(Report::new(record.challenge, &record.payload.provider_ids, &tallies)))
}

fn read_tally(row: &Row<'_>) -> rusqlite::Result<(ProviderId, Tally)> {
    let time_to_claim: i64 = row.get("time_to_claim")?;
    let tally = Tally {
        participations: row.get::<_, i64>("participations")?.unsigned_abs(),
        claims: row.get::<_, i64>("claims")?.unsigned_abs(),
        time_to_claim: Duration::from_millis(time_to_claim.unsigned_abs()),
    };
    Ok((row.parsed("provider_id")?, tally))
}
