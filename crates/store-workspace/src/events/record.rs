//! Records events in the transaction of the change that they describe (§7).

use std::collections::{BTreeMap, HashMap};

use db::{Sql, StoreError, Transaction, read_columns, write_columns};
use domain::challenge_request::ChallengeRequest;
use domain::event::{Event, EventBody, Sequence};
use domain::{ChallengeId, ClientId, ProviderId, WorkspaceId};

use crate::webhooks::enqueue::enqueue;

/// An event without a sequence number.
pub(crate) struct NewEvent<'a> {
    pub(crate) workspace_id: &'a WorkspaceId,
    pub(crate) client_id: &'a ClientId,
    pub(crate) body: EventBody,
}

impl<'a> NewEvent<'a> {
    /// A pending request was cancelled.
    pub(crate) fn cancelled(request: &'a ChallengeRequest) -> Self {
        let ChallengeRequest { workspace_id, client_id, .. } = request;
        Self { workspace_id, client_id, body: EventBody::request_cancelled(request) }
    }

    /// A pending request was changed.
    pub(crate) fn updated(request: &'a ChallengeRequest) -> Self {
        let ChallengeRequest { workspace_id, client_id, .. } = request;
        Self { workspace_id, client_id, body: EventBody::request_updated(request) }
    }

    /// The app's id.
    fn app(&self) -> App<'_> {
        (self.workspace_id.as_str(), self.client_id.as_str())
    }
}

type App<'a> = (&'a str, &'a str);

write_columns! {
    /// A row of `events`, with its sequence number.
    EventRow((&NewEvent<'_>, i64)) = |(
        NewEvent {
            workspace_id,
            client_id,
            body: EventBody { name, request_id, challenge_id, provider_id, stamps, reason, at },
        },
        sequence,
    )| {
        workspace_id: Text = workspace_id.as_str(),
        client_id: Text = client_id.as_str(),
        sequence: Integer = *sequence,
        name: Text = name.as_str(),
        request_id: Bytes = request_id.as_bytes(),
        challenge_id: Bytes = challenge_id.as_ref().map(ChallengeId::as_bytes),
        provider_id: Text = provider_id.as_ref().map(ProviderId::as_str),
        claimed: Integer = stamps.map(|stamps| stamps.claimed),
        max_stamp_claims: Integer = stamps.map(|stamps| stamps.limit),
        reason: Text = reason.as_ref(),
        happened_at: Integer = *at,
    }
}

static INSERT: Sql = Sql::each("INSERT INTO events {row of each}", &EventRow::COLUMNS);

write_columns! {
    /// The number of an app's new events, as a row of `event_sequences`.
    AddedRow((App<'_>, i64)) = |((workspace_id, client_id), added)| {
        workspace_id: Text = *workspace_id,
        client_id: Text = *client_id,
        newest: Integer = *added,
    }
}

read_columns! {
    /// The number of an app's newest event.
    SEQUENCE: (WorkspaceId, ClientId, i64) {
        workspace_id: parsed,
        client_id: parsed,
        newest: integer,
    } => (workspace_id, client_id, newest)
}

/// Reserves numbers for new events. The row of an app's sequence stays locked until the end of the
/// transaction, so an event is visible only when all events with smaller numbers are.
static RESERVE: Sql = Sql::each(
    "INSERT INTO event_sequences {row of each}
    ON CONFLICT (workspace_id, client_id)
        DO UPDATE SET newest = event_sequences.newest + excluded.newest
    RETURNING {columns}",
    &AddedRow::COLUMNS,
)
.reading(&SEQUENCE);

/// Numbers these events and stores them, with the deliveries to webhooks. Events of one app keep
/// their order.
///
/// A transaction calls this once, at its end: it locks the sequences of the apps, and must not wait
/// for another lock while it holds them. The sequences are locked in the same order everywhere.
pub(crate) async fn record(
    transaction: &Transaction<'_>,
    events: &[NewEvent<'_>],
) -> Result<(), StoreError> {
    let mut added: BTreeMap<App<'_>, i64> = BTreeMap::new();
    for event in events {
        *added.entry(event.app()).or_default() += 1;
    }
    let added: Vec<(App<'_>, i64)> = added.into_iter().collect();
    let rows: Vec<_> = added.iter().map(AddedRow::of).collect();
    let reserved = transaction.query_each(&RESERVE, &rows, SEQUENCE.read).await?;
    let mut last: HashMap<App<'_>, i64> = HashMap::with_capacity(reserved.len());
    for (workspace_id, client_id, newest) in &reserved {
        last.insert((workspace_id.as_str(), client_id.as_str()), *newest);
    }
    for (app, added) in &added {
        *last.entry(*app).or_default() -= added;
    }
    let numbered: Vec<(&NewEvent<'_>, i64)> = events
        .iter()
        .map(|event| {
            let last = last.entry(event.app()).or_default();
            *last += 1;
            (event, *last)
        })
        .collect();
    let rows: Vec<_> = numbered.iter().map(EventRow::of).collect();
    transaction.execute_each(&INSERT, &rows).await?;
    let recorded = |(event, sequence): &(&NewEvent<'_>, i64)| Event {
        client_id: event.client_id.clone(),
        sequence: Sequence::from_number(*sequence),
        body: event.body.clone(),
    };
    let recorded: Vec<(&WorkspaceId, Event)> =
        numbered.iter().map(|it| (it.0.workspace_id, recorded(it))).collect();
    enqueue(transaction, &recorded).await
}
