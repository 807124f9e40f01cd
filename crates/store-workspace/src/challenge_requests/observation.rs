//! Keeping the copies of challenges true (§6): which to look at, and what was seen.

use std::collections::BTreeMap;
use std::time::Duration;

use db::{Kind, Row, Sql, StoreError, Transaction, Value, Write, apply_each, split_on_conflict};
use domain::challenge::{Challenge, Watch};
use domain::new_stamps::ClaimCounts;
use domain::observation::{LastObserved, ObservationOutcome};
use domain::report::ProviderRow;
use domain::{ChallengeId, ClientId, RequestId, Timestamp, WorkspaceId};

use crate::WorkspaceStore;
use crate::events::{self, NewEvent};

/// Takes challenges that are due to be looked at. Each is then due again when it would be if
/// nothing were new, so that only what is new has to be recorded; and that is also when others look
/// at what this has taken, should it die.
#[derive(Clone, Debug)]
pub struct TakeObservations {
    /// The present.
    pub now: Timestamp,
    /// How changes will be known.
    pub watch: Watch,
    /// When those are due again of which nobody knows yet how they ended.
    pub again_in: Duration,
    /// How many at most.
    pub limit: u32,
}

impl Write for TakeObservations {
    /// What is known of them.
    type Outcome = Vec<LastObserved>;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<Vec<LastObserved>>, StoreError> {
        apply_each(writes, async |write| {
            let due =
                transaction.query(&DUE, &[write.now.into(), write.limit.into()], read_due).await?;
            let rows: Vec<_> = due.iter().map(|due| due.row(write)).collect();
            transaction.execute_each(&TAKE, &rows).await?;
            Ok(due.into_iter().map(|due| due.row.known).collect())
        })
        .await
    }
}

static DUE: Sql = Sql::new(
    "SELECT workspace_id, client_id, id, challenge_id, max_stamp_claims, challenge_completed_at, challenge_is_closed,
        known_claims, challenge_created_at, challenge_expires_at
    FROM challenge_requests WHERE next_observation_at <= $1 ORDER BY next_observation_at LIMIT $2 {skip locked}",
);

static TAKE: Sql = Sql::each(
    "UPDATE challenge_requests SET next_observation_at = each.next {from each}
    WHERE challenge_requests.workspace_id = each.workspace AND challenge_requests.client_id = each.client
        AND challenge_requests.id = each.request",
    &[("workspace", Kind::Text), ("client", Kind::Text), ("request", Kind::Bytes), ("next", Kind::Integer)],
);

struct Due {
    row: KnownRow,
    created_at: Timestamp,
    expires_at: Timestamp,
}

impl Due {
    fn row(
        &self,
        TakeObservations { now, watch, again_in, limit: _ }: &TakeObservations,
    ) -> [Value<'_>; 4] {
        let KnownRow { workspace_id, client_id, known, .. } = &self.row;
        let next = Challenge::next_observation_if_unchanged(
            self.created_at,
            self.expires_at,
            *now,
            *watch,
            *again_in,
        );
        [
            workspace_id.as_str().into(),
            client_id.as_str().into(),
            known.request_id.as_bytes().into(),
            next.into(),
        ]
    }
}

fn read_due(row: &Row<'_>) -> Result<Due, StoreError> {
    Ok(Due {
        row: read_known(row)?,
        created_at: row.time("challenge_created_at")?,
        expires_at: row.time("challenge_expires_at")?,
    })
}

/// How many stamps are told of in one transaction.
const STAMPS_AT_ONCE: usize = 256;

/// Writes down what the challenge service says of a challenge, with the events that follow from it.
/// Once a challenge has ended and all has been told, it is not looked at any more, and nothing that
/// is said of it counts.
#[derive(Clone, Debug)]
pub struct RecordObservation {
    /// What it says.
    pub challenge: Challenge,
    /// What it says of the stamps, if they were looked at. If not, the challenge is due to be
    /// looked at again.
    pub providers: Option<Vec<ProviderRow>>,
    /// When it said so.
    pub now: Timestamp,
    /// How later changes will be known.
    pub watch: Watch,
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Recorded {
    /// Whether there are new events.
    has_events: bool,
    /// Whether there is more to tell.
    has_more: bool,
}

impl Write for RecordObservation {
    type Outcome = Recorded;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<Recorded>, StoreError> {
        let mut outcomes = Vec::with_capacity(writes.len());
        let mut news = Vec::new();
        for slice in split_on_conflict(writes, |write| [write.challenge.id]) {
            let concluded = conclude(slice, transaction).await?;
            let recorded = |write: &Self| {
                let about_it = concluded.iter().filter(|news| {
                    news.conclusion.last_observed.challenge_id == write.challenge.id
                });
                about_it.fold(Recorded::default(), |recorded, News { conclusion, .. }| Recorded {
                    has_events: recorded.has_events || !conclusion.events.is_empty(),
                    has_more: recorded.has_more || conclusion.has_more,
                })
            };
            outcomes.extend(slice.iter().map(recorded));
            news.extend(concluded);
        }
        let events: Vec<_> = news.iter().flat_map(News::events).collect();
        events::record(transaction, &events).await?;
        Ok(outcomes)
    }
}

/// What is new of one request's challenge.
struct News {
    workspace_id: WorkspaceId,
    client_id: ClientId,
    known_before: Option<String>,
    conclusion: ObservationOutcome,
    now: Timestamp,
}

/// Compares observations, no two of the same challenge, with what is known, and writes down what is
/// new. What another has told in the meantime is known here: the rows are locked, in the order of
/// their challenges.
async fn conclude(
    slice: &[RecordObservation],
    transaction: &Transaction<'_>,
) -> Result<Vec<News>, StoreError> {
    let seen: BTreeMap<ChallengeId, &RecordObservation> =
        slice.iter().map(|write| (write.challenge.id, write)).collect();
    let rows: Vec<_> = seen.keys().map(|id| [id.as_bytes().into()]).collect();
    let mut news = Vec::with_capacity(slice.len());
    for row in transaction.query_each(&KNOWN, &rows, read_known).await? {
        let KnownRow { workspace_id, client_id, known_before, known } = row;
        let Some(write) = seen.get(&known.challenge_id) else { continue };
        let RecordObservation { challenge, providers, now, watch } = write;
        let conclusion =
            known.compare(challenge, providers.as_deref(), *now, *watch, STAMPS_AT_ONCE);
        news.push(News { workspace_id, client_id, known_before, conclusion, now: *now });
    }
    let rows: Vec<_> = news.iter().map(News::row).collect();
    let ids = news.iter().map(|news| news.conclusion.last_observed.request_id);
    let written = transaction.change_each(&WRITE, &rows, ids, read_request_id).await?;
    news.retain(|news| written.contains(&news.conclusion.last_observed.request_id));
    Ok(news)
}

static KNOWN: Sql = Sql::each(
    "SELECT workspace_id, client_id, id, challenge_id, max_stamp_claims, challenge_completed_at, challenge_is_closed,
        known_claims
    FROM challenge_requests {join each on} challenge_id = each.challenge
        AND next_observation_at IS NOT NULL ORDER BY challenge_id {lock}",
    &[("challenge", Kind::Bytes)],
);

static WRITE: Sql = Sql::each(
    "UPDATE challenge_requests SET
        challenge_completed_at = each.completed_at, challenge_is_closed = each.is_closed, known_claims = each.known,
        next_observation_at = each.next, updated_at = COALESCE(each.changed_at, challenge_requests.updated_at)
    {from each}
    WHERE challenge_requests.workspace_id = each.workspace AND challenge_requests.client_id = each.client
        AND challenge_requests.id = each.request AND challenge_requests.next_observation_at IS NOT NULL
        AND COALESCE(challenge_requests.known_claims, '') = each.known_before
    {returning challenge_requests.id}",
    &[
        ("workspace", Kind::Text),
        ("client", Kind::Text),
        ("request", Kind::Bytes),
        ("completed_at", Kind::Integer),
        ("is_closed", Kind::Boolean),
        ("known", Kind::Text),
        ("known_before", Kind::Text),
        ("next", Kind::Integer),
        ("changed_at", Kind::Integer),
    ],
);

impl News {
    fn row(&self) -> [Value<'_>; 9] {
        let Self { workspace_id, client_id, known_before, conclusion, now } = self;
        let ObservationOutcome {
            last_observed: known,
            has_changed,
            events: _,
            next_observation_at,
            has_more: _,
        } = conclusion;
        [
            workspace_id.as_str().into(),
            client_id.as_str().into(),
            known.request_id.as_bytes().into(),
            known.completed_at.into(),
            known.is_closed.into(),
            claims_json(&known.claims).into(),
            known_before.as_deref().unwrap_or_default().into(),
            (*next_observation_at).into(),
            has_changed.then_some(*now).into(),
        ]
    }

    fn events(&self) -> impl Iterator<Item = NewEvent<'_>> {
        let Self { workspace_id, client_id, conclusion, .. } = self;
        conclusion.events.iter().map(|happening| NewEvent {
            workspace_id,
            client_id,
            happening: happening.clone(),
        })
    }
}

struct KnownRow {
    workspace_id: WorkspaceId,
    client_id: ClientId,
    known_before: Option<String>,
    known: LastObserved,
}

fn read_known(row: &Row<'_>) -> Result<KnownRow, StoreError> {
    let known_before = row.optional_text("known_claims")?.map(str::to_owned);
    let known = LastObserved {
        request_id: read_request_id(row)?,
        challenge_id: row.bytes("challenge_id").map(ChallengeId::from_bytes)?,
        max_stamp_claims: row.count("max_stamp_claims")?,
        completed_at: row.optional_time("challenge_completed_at")?,
        is_closed: row.boolean("challenge_is_closed")?,
        claims: known_before.as_deref().map_or(Ok(ClaimCounts::new()), claims_of)?,
    };
    Ok(KnownRow {
        workspace_id: row.parsed("workspace_id")?,
        client_id: row.parsed("client_id")?,
        known_before,
        known,
    })
}

fn read_request_id(row: &Row<'_>) -> Result<RequestId, StoreError> {
    row.bytes("id").map(RequestId::from_bytes)
}

/// The form in which [`claims_of`] reads them back; none where none are known.
fn claims_json(claims: &ClaimCounts) -> Option<String> {
    let members =
        claims.iter().map(|(provider_id, claims)| (provider_id.to_string(), (*claims).into()));
    (!claims.is_empty()).then(|| serde_json::Value::Object(members.collect()).to_string())
}

fn claims_of(json: &str) -> Result<ClaimCounts, StoreError> {
    let unreadable =
        || StoreError::Internal("the column known_claims holds a value that cannot be".into());
    let members: BTreeMap<String, u32> = serde_json::from_str(json).map_err(|_| unreadable())?;
    members
        .into_iter()
        .map(|(id, claims)| Ok((id.parse().map_err(|_| unreadable())?, claims)))
        .collect()
}

impl WorkspaceStore {
    /// Takes challenges that are due to be looked at.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn take_observations(
        &self,
        write: TakeObservations,
    ) -> Result<Vec<LastObserved>, StoreError> {
        self.database.write(write).await
    }

    /// Writes down what was seen; whether there are new events. Much to tell is written bit by bit.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn record_observation(&self, write: RecordObservation) -> Result<bool, StoreError> {
        let mut any_events = false;
        loop {
            let Recorded { has_events, has_more } = self.database.write(write.clone()).await?;
            any_events |= has_events;
            if !has_more {
                return Ok(any_events);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_read_as_they_are_written() {
        let claims =
            ClaimCounts::from([("bankidse".parse().unwrap(), 2), ("mitid".parse().unwrap(), 1)]);
        assert_eq!(claims_json(&claims).as_deref(), Some(r#"{"bankidse":2,"mitid":1}"#));
        assert_eq!(claims_of(&claims_json(&claims).unwrap()).unwrap(), claims);
        assert_eq!(claims_json(&ClaimCounts::new()), None);
        assert!(claims_of("[]").is_err());
    }
}
