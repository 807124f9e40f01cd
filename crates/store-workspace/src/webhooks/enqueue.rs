//! Writes deliveries with the events that they are of (§12).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use db::{Row, Sql, StoreError, Transaction, write_columns};
use domain::event::{Event, EventBody, EventName};
use domain::{ClientId, EventId, Timestamp, WorkspaceId};

use super::{Unblocked, events_from_text, unblock, waiting};
use crate::apps::AppKeyRow;

/// The webhooks of apps that want events, and which.
type Wanted = HashMap<(WorkspaceId, ClientId), BTreeSet<EventName>>;

write_columns! {
    /// A row of `webhook_deliveries`.
    DeliveryRow((&WorkspaceId, &Event, EventId)) = |(workspace_id, event, id)| {
        workspace_id: Text = workspace_id.as_str(),
        client_id: Text = event.client_id.as_str(),
        sequence: Integer = event.sequence.as_number(),
        event_id: Bytes = id.as_bytes(),
        name: Text = event.body.name.as_str(),
        request_id: Bytes = event.body.request_id.as_bytes(),
        state: Text = "pending",
        attempts: Integer = 0_u32,
        attempt_log: Text = "[]",
        created_at: Integer = event.body.at,
        next_attempt_at: Integer = waiting(),
    }
}

write_columns! {
    /// An app with something to deliver.
    DueRow(((WorkspaceId, ClientId), Timestamp)) = |((workspace_id, client_id), now)| {
        workspace: Text = workspace_id.as_str(),
        client: Text = client_id.as_str(),
        now: Integer = *now,
    }
}

/// Writes a delivery for each of these events whose app has a webhook that wants it. The webhooks
/// are locked last of all, in the order of their apps.
pub(crate) async fn enqueue(
    transaction: &Transaction<'_>,
    events: &[(&WorkspaceId, Event)],
) -> Result<(), StoreError> {
    static INSERT: Sql =
        Sql::each("INSERT INTO webhook_deliveries {row of each}", &DeliveryRow::COLUMNS);
    // One that rests because its receiver does not answer keeps its time.
    static SET_DUE: Sql = Sql::each(
        "UPDATE webhooks SET due_at = each.now {from each}
        WHERE webhooks.workspace_id = each.workspace AND webhooks.client_id = each.client
            AND (due_at IS NULL OR (due_at > each.now AND failures = 0))",
        &DueRow::COLUMNS,
    );
    let wanted = wanted(transaction, events).await?;
    if wanted.is_empty() {
        return Ok(());
    }
    let mut due = BTreeMap::new();
    let mut tests: BTreeSet<Unblocked> = BTreeSet::new();
    let mut rows: Vec<(&WorkspaceId, &Event, EventId)> = Vec::new();
    for (workspace_id, event) in events {
        let app = ((*workspace_id).clone(), event.client_id.clone());
        let Some(names) = wanted.get(&app) else { continue };
        if names.is_empty() || names.contains(&event.body.name) {
            rows.push((*workspace_id, event, event.id()));
            let EventBody { request_id, at, .. } = event.body;
            tests.insert((app.0.clone(), app.1.clone(), request_id, at));
            due.insert(app, at);
        }
    }
    let rows: Vec<_> = rows.iter().map(DeliveryRow::of).collect();
    transaction.execute_each(&INSERT, &rows).await?;
    unblock(transaction, &tests.into_iter().collect::<Vec<_>>()).await?;
    let due: Vec<_> = due.into_iter().collect();
    let rows: Vec<_> = due.iter().map(DueRow::of).collect();
    transaction.execute_each(&SET_DUE, &rows).await.map(drop)
}

async fn wanted(
    transaction: &Transaction<'_>,
    events: &[(&WorkspaceId, Event)],
) -> Result<Wanted, StoreError> {
    static SQL: Sql = Sql::each(
        "SELECT webhooks.workspace_id, webhooks.client_id, webhooks.events FROM webhooks
        {join each on} webhooks.workspace_id = each.workspace
            AND webhooks.client_id = each.client AND enabled",
        &AppKeyRow::COLUMNS,
    );
    let apps: BTreeSet<(WorkspaceId, ClientId)> = events
        .iter()
        .map(|(workspace_id, event)| ((*workspace_id).clone(), event.client_id.clone()))
        .collect();
    let apps: Vec<_> = apps.into_iter().collect();
    let rows: Vec<_> = apps.iter().map(AppKeyRow::of).collect();
    let read = |row: &Row<'_>| {
        let app = (row.parsed("workspace_id")?, row.parsed("client_id")?);
        Ok((app, events_from_text(&row.string("events")?)?))
    };
    Ok(transaction.query_each(&SQL, &rows, read).await?.into_iter().collect())
}
