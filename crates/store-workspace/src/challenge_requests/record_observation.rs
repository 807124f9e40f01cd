//! Records what the challenge service reports about a challenge, with the events that follow from
//! it (§6, §7).

use std::collections::{BTreeMap, BTreeSet};

use db::{Sql, StoreError, Transaction, Write, split_on_conflict, write_columns};
use domain::challenge::{Challenge, Watch};
use domain::observation::ObservationOutcome;
use domain::report::ProviderRow;
use domain::{ChallengeId, ClientId, Timestamp, WorkspaceId};

use crate::WorkspaceStore;
use crate::challenge_requests::read_id;
use crate::challenge_requests::take_observations::{OBSERVED, ObservedRow, claims_to_json};
use crate::events::{self, NewEvent};

/// The largest number of stamps whose events are recorded in one transaction.
const MAX_STAMPS: usize = 256;

/// Records an observation: what the challenge service reports about a challenge. When a challenge
/// has completed or was closed and all its events are recorded, further observations are ignored.
/// One that has expired may be active again, because a clock was wrong; one that is complete may get
/// more room.
#[derive(Clone, Debug)]
pub struct RecordObservation {
    /// The challenge as the service reports it.
    pub challenge: Challenge,
    /// The reported stamps, or `None` if they were not requested. The challenge is then due for
    /// another observation.
    pub providers: Option<Vec<ProviderRow>>,
    /// When the service reported it.
    pub now: Timestamp,
    /// How this process learns of changes.
    pub watch: Watch,
}

/// The result of recording an observation.
#[derive(Clone, Copy, Debug, Default)]
pub struct Recorded {
    /// Whether there are new events.
    has_events: bool,
    /// Whether the same observation has further stamps to record.
    has_more: bool,
    /// Whether a request has this challenge. One that is still being handed over has none yet.
    is_known: bool,
}

impl Write for RecordObservation {
    type Outcome = Recorded;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<Recorded>, StoreError> {
        let mut outcomes = Vec::with_capacity(writes.len());
        let mut changes = Vec::new();
        for slice in split_on_conflict(writes, |write| [write.challenge.id]) {
            let Applied { changes: applied, known } = apply_slice(slice, transaction).await?;
            outcomes.extend(slice.iter().map(|write| Recorded {
                is_known: known.contains(&write.challenge.id),
                ..recorded(write.challenge.id, &applied)
            }));
            changes.extend(applied);
        }
        let events: Vec<_> = changes.iter().flat_map(Change::events).collect();
        events::record(transaction, &events).await?;
        Ok(outcomes)
    }
}

/// A change of a request's challenge.
struct Change {
    workspace_id: WorkspaceId,
    client_id: ClientId,
    /// The value of the column `known_claims` before the change.
    claims_before: Option<String>,
    conclusion: ObservationOutcome,
    now: Timestamp,
}

/// What a slice of observations led to.
struct Applied {
    changes: Vec<Change>,
    /// The challenges that requests have.
    known: BTreeSet<ChallengeId>,
}

/// Compares observations, of which no two are of the same challenge, with what was last observed,
/// and stores the changes. The rows are locked in the order of their challenges, so concurrent
/// observations of a challenge see each other's changes.
async fn apply_slice(
    slice: &[RecordObservation],
    transaction: &Transaction<'_>,
) -> Result<Applied, StoreError> {
    let observed: BTreeMap<ChallengeId, &RecordObservation> =
        slice.iter().map(|write| (write.challenge.id, write)).collect();
    let rows: Vec<_> = observed.keys().map(ChallengeRow::of).collect();
    let mut changes = Vec::with_capacity(slice.len());
    let mut known = BTreeSet::new();
    for row in transaction.query_each(&LOCK, &rows, OBSERVED.read).await? {
        let ObservedRow { workspace_id, client_id, claims_json, is_watched, last } = row;
        let Some(write) = observed.get(&last.challenge_id) else { continue };
        known.insert(last.challenge_id);
        let RecordObservation { challenge, providers, now, watch } = write;
        if !is_watched && !last.may_go_on(challenge, *now) {
            continue;
        }
        let conclusion = last.compare(challenge, providers.as_deref(), *now, *watch, MAX_STAMPS);
        let claims_before = claims_json;
        changes.push(Change { workspace_id, client_id, claims_before, conclusion, now: *now });
    }
    let rows: Vec<_> = changes.iter().map(ChangeRow::of).collect();
    let ids = changes.iter().map(|change| change.conclusion.last_observed.request_id);
    let written = transaction.change_each(&UPDATE, &rows, ids, read_id).await?;
    changes.retain(|change| written.contains(&change.conclusion.last_observed.request_id));
    Ok(Applied { changes, known })
}

write_columns! {
    /// The id of a challenge.
    ChallengeRow(ChallengeId) = |id| {
        challenge: Bytes = id.as_bytes(),
    }
}

static LOCK: Sql = Sql::each(
    "SELECT {columns} FROM challenge_requests
    {join each on} challenge_id = each.challenge
    ORDER BY challenge_id {lock}",
    &ChallengeRow::COLUMNS,
)
.reading(&OBSERVED);

write_columns! {
    /// A change of a request's challenge.
    ChangeRow(Change) = |Change {
        workspace_id,
        client_id,
        claims_before,
        conclusion:
            ObservationOutcome {
                last_observed,
                has_changed,
                events: _,
                next_observation_at,
                has_more: _,
            },
        now,
    }| {
        workspace: Text = workspace_id.as_str(),
        client: Text = client_id.as_str(),
        request: Bytes = last_observed.request_id.as_bytes(),
        max_stamps: Integer = last_observed.max_stamp_claims,
        expires_at: Integer = last_observed.expires_at,
        completed_at: Integer = last_observed.completed_at,
        is_closed: Boolean = last_observed.is_closed,
        claims: Text = claims_to_json(&last_observed.claims),
        claims_before: Text = claims_before.as_deref().unwrap_or_default(),
        next: Integer = *next_observation_at,
        changed_at: Integer = has_changed.then_some(*now),
    }
}

static UPDATE: Sql = Sql::each(
    "UPDATE challenge_requests SET
        max_stamp_claims = each.max_stamps, challenge_expires_at = each.expires_at,
        challenge_completed_at = each.completed_at, challenge_is_closed = each.is_closed,
        known_claims = each.claims, next_observation_at = each.next,
        updated_at = COALESCE(each.changed_at, challenge_requests.updated_at)
    {from each}
    WHERE challenge_requests.workspace_id = each.workspace
        AND challenge_requests.client_id = each.client AND challenge_requests.id = each.request
        AND (challenge_requests.next_observation_at IS NOT NULL
            OR (challenge_is_closed = FALSE AND (challenge_completed_at IS NULL
                OR challenge_requests.max_stamp_claims < each.max_stamps)))
        AND COALESCE(challenge_requests.known_claims, '') = each.claims_before
    {returning challenge_requests.id}",
    &ChangeRow::COLUMNS,
);

impl Change {
    fn events(&self) -> impl Iterator<Item = NewEvent<'_>> {
        let Self { workspace_id, client_id, conclusion, .. } = self;
        conclusion.events.iter().map(|body| NewEvent {
            workspace_id,
            client_id,
            body: body.clone(),
        })
    }
}

/// The result for the observation of this challenge.
fn recorded(challenge_id: ChallengeId, changes: &[Change]) -> Recorded {
    let of_challenge = changes
        .iter()
        .filter(|change| change.conclusion.last_observed.challenge_id == challenge_id);
    of_challenge.fold(Recorded::default(), |recorded, Change { conclusion, .. }| Recorded {
        has_events: recorded.has_events || !conclusion.events.is_empty(),
        has_more: recorded.has_more || conclusion.has_more,
        is_known: true,
    })
}

/// The result of an observation that is recorded to its end.
#[derive(Clone, Copy, Debug)]
pub struct Told {
    /// Whether there are new events.
    pub has_events: bool,
    /// Whether a request has this challenge.
    pub is_known: bool,
}

impl WorkspaceStore {
    /// Records an observation, in several transactions if it has many new stamps (§6).
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn record_observation(&self, write: RecordObservation) -> Result<Told, StoreError> {
        let mut any_events = false;
        loop {
            let Recorded { has_events, has_more, is_known } =
                self.database.write(write.clone()).await?;
            any_events |= has_events;
            if !has_more {
                return Ok(Told { has_events: any_events, is_known });
            }
        }
    }
}
