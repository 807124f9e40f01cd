//! Writing down what happens to an app's production tests (§7), in the transaction in which it
//! happens.

pub(crate) mod reads;

use std::collections::{BTreeMap, HashMap};

use db::{Kind, Row, Sql, StoreError, Transaction, Value, Write, apply_each};
use domain::challenge_request::ChallengeRequest;
use domain::event::EventBody;
use domain::{ChallengeId, ClientId, ProviderId, Timestamp, WorkspaceId};

use crate::WorkspaceStore;

/// An event that has no number yet.
pub(crate) struct NewEvent<'a> {
    pub(crate) workspace_id: &'a WorkspaceId,
    pub(crate) client_id: &'a ClientId,
    pub(crate) happening: EventBody,
}

/// The row of an app's counter stays locked until the end of the transaction, so an event can only
/// be seen once all with a smaller number can.
static COUNT: Sql = Sql::each(
    "INSERT INTO event_sequences (workspace_id, client_id, newest)
    {row of each}
    ON CONFLICT (workspace_id, client_id) DO UPDATE SET newest = event_sequences.newest + excluded.newest
    RETURNING workspace_id, client_id, newest",
    &[("workspace_id", Kind::Text), ("client_id", Kind::Text), ("added", Kind::Integer)],
);

static INSERT: Sql = Sql::each(
    "INSERT INTO events (
        workspace_id, client_id, sequence, name, request_id, challenge_id, provider_id, claimed, max_stamp_claims, reason,
        happened_at)
    {row of each}",
    &[
        ("workspace_id", Kind::Text),
        ("client_id", Kind::Text),
        ("sequence", Kind::Integer),
        ("name", Kind::Text),
        ("request_id", Kind::Bytes),
        ("challenge_id", Kind::Bytes),
        ("provider_id", Kind::Text),
        ("claimed", Kind::Integer),
        ("max_stamp_claims", Kind::Integer),
        ("reason", Kind::Text),
        ("happened_at", Kind::Integer),
    ],
);

/// Numbers these events and writes them down, those of one app in their order.
///
/// All writers of an app's events wait for each other here, so this comes last in a transaction,
/// and once: whoever holds a counter waits for nothing but other counters, and those are taken in
/// one order everywhere.
pub(crate) async fn record(
    transaction: &Transaction<'_>,
    events: &[NewEvent<'_>],
) -> Result<(), StoreError> {
    let mut added: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for event in events {
        *added.entry((event.workspace_id.as_str(), event.client_id.as_str())).or_default() += 1;
    }
    let rows: Vec<_> = added
        .iter()
        .map(|((workspace, client), added)| {
            [(*workspace).into(), (*client).into(), (*added).into()]
        })
        .collect();
    let counted = transaction.query_each(&COUNT, &rows, read_counter).await?;
    let mut last: HashMap<(&str, &str), i64> = HashMap::with_capacity(counted.len());
    for (workspace_id, client_id, newest) in &counted {
        let app = (workspace_id.as_str(), client_id.as_str());
        last.insert(app, newest - added.get(&app).copied().unwrap_or_default());
    }
    let rows: Vec<_> = events
        .iter()
        .map(|event| {
            let last =
                last.entry((event.workspace_id.as_str(), event.client_id.as_str())).or_default();
            *last += 1;
            event.row(*last)
        })
        .collect();
    transaction.execute_each(&INSERT, &rows).await.map(drop)
}

impl<'a> NewEvent<'a> {
    /// A pending request was called off.
    pub(crate) fn called_off(request: &'a ChallengeRequest) -> Self {
        let ChallengeRequest { workspace_id, client_id, .. } = request;
        Self { workspace_id, client_id, happening: EventBody::request_cancelled(request) }
    }

    fn row(&self, sequence: i64) -> [Value<'_>; 11] {
        let Self { workspace_id, client_id, happening } = self;
        let EventBody { name, request_id, challenge_id, provider_id, stamps, reason, at } =
            happening;
        [
            workspace_id.as_str().into(),
            client_id.as_str().into(),
            sequence.into(),
            name.as_str().into(),
            request_id.as_bytes().into(),
            challenge_id.as_ref().map(ChallengeId::as_bytes).into(),
            provider_id.as_ref().map(ProviderId::as_str).into(),
            stamps.map(|stamps| stamps.claimed).into(),
            stamps.map(|stamps| stamps.limit).into(),
            reason.as_ref().into(),
            (*at).into(),
        ]
    }
}

fn read_counter(row: &Row<'_>) -> Result<(WorkspaceId, ClientId, i64), StoreError> {
    Ok((row.parsed("workspace_id")?, row.parsed("client_id")?, row.integer("newest")?))
}

/// Deletes events that need not be kept any longer.
#[derive(Clone, Debug)]
pub struct PruneEvents {
    /// Those that happened before this may go.
    pub before: Timestamp,
    /// How many at most: small, so that nobody waits long behind it.
    pub limit: u32,
}

impl Write for PruneEvents {
    /// How many were deleted.
    type Outcome = u64;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<u64>, StoreError> {
        static SQL: Sql = Sql::new(
            "DELETE FROM events WHERE (workspace_id, client_id, sequence) IN (
                SELECT workspace_id, client_id, sequence FROM events WHERE happened_at < $1
                ORDER BY happened_at LIMIT $2 {skip locked})",
        );
        apply_each(writes, async |Self { before, limit }| {
            transaction.execute(&SQL, &[(*before).into(), (*limit).into()]).await
        })
        .await
    }
}

impl WorkspaceStore {
    /// Deletes a batch of old events; how many it were.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn prune_events(&self, write: PruneEvents) -> Result<u64, StoreError> {
        self.database.write(write).await
    }
}
