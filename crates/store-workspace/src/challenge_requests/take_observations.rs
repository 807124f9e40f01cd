//! Takes the challenges that are due for an observation (§6).

use std::collections::BTreeMap;
use std::time::Duration;

use db::{Sql, StoreError, Transaction, Write, apply_each, read_columns, write_columns};
use domain::challenge::{Challenge, Watch};
use domain::new_stamps::ClaimCounts;
use domain::observation::LastObserved;
use domain::{ChallengeId, ClientId, RequestId, Timestamp, WorkspaceId};

use crate::WorkspaceStore;

/// Takes challenges that are due for an observation. Sets the time of each one's next observation
/// as if this one found no change, so that only changes have to be recorded. Another scheduler
/// observes the challenge at that time, should this one stop.
#[derive(Clone, Debug)]
pub struct TakeObservations {
    /// The present.
    pub now: Timestamp,
    /// How this process learns of changes.
    pub watch: Watch,
    /// The time until the next observation of a challenge that has ended, but whose end has not
    /// been recorded.
    pub again_in: Duration,
    /// The largest number of challenges.
    pub limit: u32,
}

/// A row of `challenge_requests` as it was last observed.
pub(super) struct ObservedRow {
    pub(super) workspace_id: WorkspaceId,
    pub(super) client_id: ClientId,
    /// The value of the column `known_claims`.
    pub(super) claims_json: Option<String>,
    /// Whether the challenge is still observed.
    pub(super) is_watched: bool,
    pub(super) last: LastObserved,
}

read_columns! {
    /// A row as it was last observed.
    pub(super) OBSERVED: ObservedRow {
        workspace_id: parsed,
        client_id: parsed,
        id: bytes,
        challenge_id: bytes,
        max_stamp_claims: count,
        challenge_completed_at: optional_time,
        challenge_is_closed: boolean,
        challenge_created_at: time,
        challenge_expires_at: time,
        known_claims: optional_string,
        next_observation_at: optional_time,
    } => ObservedRow {
        workspace_id,
        client_id,
        is_watched: next_observation_at.is_some(),
        last: LastObserved {
            request_id: RequestId::from_bytes(id),
            challenge_id: ChallengeId::from_bytes(challenge_id),
            max_stamp_claims,
            created_at: challenge_created_at,
            expires_at: challenge_expires_at,
            completed_at: challenge_completed_at,
            is_closed: challenge_is_closed,
            claims: known_claims.as_deref().map_or(Ok(ClaimCounts::new()), claims_from_json)?,
        },
        claims_json: known_claims,
    }
}

static FIND_DUE: Sql = Sql::new(
    "SELECT {columns} FROM challenge_requests WHERE next_observation_at <= $1
    ORDER BY next_observation_at LIMIT $2 {skip locked}",
)
.reading(&OBSERVED);

/// Challenges whose time only a clock that was fast can have set. They are due now.
static FIND_FAR: Sql = Sql::new(
    "SELECT {columns} FROM challenge_requests WHERE next_observation_at > $1
    ORDER BY next_observation_at DESC LIMIT $2 {skip locked}",
)
.reading(&OBSERVED);

/// The longest time to the next observation that is ever set, and an hour for clocks that differ.
const FAR: Duration = Duration::from_hours(25);

write_columns! {
    /// The time of a challenge's next observation.
    NextObservationRow((ObservedRow, Timestamp)) = |(row, next)| {
        workspace: Text = row.workspace_id.as_str(),
        client: Text = row.client_id.as_str(),
        request: Bytes = row.last.request_id.as_bytes(),
        next: Integer = *next,
    }
}

static SET_NEXT: Sql = Sql::each(
    "UPDATE challenge_requests SET next_observation_at = each.next {from each}
    WHERE challenge_requests.workspace_id = each.workspace
        AND challenge_requests.client_id = each.client AND challenge_requests.id = each.request",
    &NextObservationRow::COLUMNS,
);

impl Write for TakeObservations {
    /// The challenges as they were last observed.
    type Outcome = Vec<LastObserved>;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<Vec<LastObserved>>, StoreError> {
        apply_each(writes, async |Self { now, watch, again_in, limit }| {
            let parameters = [(*now).into(), (*limit).into()];
            let mut due = transaction.query(&FIND_DUE, &parameters, OBSERVED.read).await?;
            let parameters = [now.plus(FAR).into(), (*limit).into()];
            due.extend(transaction.query(&FIND_FAR, &parameters, OBSERVED.read).await?);
            let with_next = |row: ObservedRow| {
                let LastObserved { created_at, expires_at, .. } = row.last;
                (
                    row,
                    Challenge::next_observation_if_unchanged(
                        created_at, expires_at, *now, *watch, *again_in,
                    ),
                )
            };
            let taken: Vec<(ObservedRow, Timestamp)> = due.into_iter().map(with_next).collect();
            let rows: Vec<_> = taken.iter().map(NextObservationRow::of).collect();
            transaction.execute_each(&SET_NEXT, &rows).await?;
            Ok(taken.into_iter().map(|(row, _)| row.last).collect())
        })
        .await
    }
}

/// The claims as a JSON object, which [`claims_from_json`] reads. `None` if there are none.
pub(super) fn claims_to_json(claims: &ClaimCounts) -> Option<String> {
    let members =
        claims.iter().map(|(provider_id, claims)| (provider_id.to_string(), (*claims).into()));
    (!claims.is_empty()).then(|| serde_json::Value::Object(members.collect()).to_string())
}

fn claims_from_json(json: &str) -> Result<ClaimCounts, StoreError> {
    let unreadable =
        || StoreError::Internal("the column known_claims holds an invalid value".into());
    let members: BTreeMap<String, u32> = serde_json::from_str(json).map_err(|_| unreadable())?;
    members
        .into_iter()
        .map(|(id, claims)| Ok((id.parse().map_err(|_| unreadable())?, claims)))
        .collect()
}

impl WorkspaceStore {
    /// Takes challenges that are due for an observation (§6). Returns what was last observed.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn take_observations(
        &self,
        write: TakeObservations,
    ) -> Result<Vec<LastObserved>, StoreError> {
        self.database.write(write).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_read_as_they_are_written() {
        let claims =
            ClaimCounts::from([("bankidse".parse().unwrap(), 2), ("mitid".parse().unwrap(), 1)]);
        let json = claims_to_json(&claims).unwrap();
        assert_eq!(json, r#"{"bankidse":2,"mitid":1}"#);
        assert_eq!(claims_from_json(&json).unwrap(), claims);
        assert_eq!(claims_to_json(&ClaimCounts::new()), None);
        assert!(claims_from_json("[]").is_err());
    }
}
