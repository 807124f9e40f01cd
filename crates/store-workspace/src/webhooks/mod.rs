//! Webhooks and their deliveries (§12).

pub(crate) mod configure;
pub(crate) mod deliveries;
pub(crate) mod enqueue;
pub(crate) mod finish;
pub(crate) mod prune;
pub(crate) mod read;
pub(crate) mod redeliver;
pub(crate) mod rotate;
pub(crate) mod take;

use std::collections::BTreeSet;

use db::{Sql, StoreError, Transaction, write_columns};
use domain::event::EventName;
use domain::{ClientId, RequestId, Timestamp, WorkspaceId};

/// The time of a delivery that waits for an earlier one of its production test: the year 9999.
pub(crate) fn waiting() -> Timestamp {
    Timestamp::from_millis(253_402_300_799_999)
}

/// A production test whose deliveries may go on.
pub(crate) type Unblocked = (WorkspaceId, ClientId, RequestId, Timestamp);

write_columns! {
    /// A production test whose deliveries may go on, and since when.
    UnblockedRow(Unblocked) = |(workspace_id, client_id, request_id, now)| {
        workspace: Text = workspace_id.as_str(),
        client: Text = client_id.as_str(),
        request: Bytes = request_id.as_bytes(),
        now: Integer = *now,
        waiting: Integer = waiting(),
    }
}

/// Makes the first delivery of each of these production tests due that has not ended, if it waits.
pub(crate) async fn unblock(
    transaction: &Transaction<'_>,
    tests: &[Unblocked],
) -> Result<(), StoreError> {
    static SQL: Sql = Sql::each(
        "UPDATE webhook_deliveries SET next_attempt_at = each.now {from each}
        WHERE webhook_deliveries.workspace_id = each.workspace
            AND webhook_deliveries.client_id = each.client
            AND webhook_deliveries.sequence = (SELECT MIN(first.sequence)
                FROM webhook_deliveries AS first
                WHERE first.workspace_id = each.workspace AND first.client_id = each.client
                    AND first.request_id = each.request AND first.next_attempt_at IS NOT NULL)
            AND next_attempt_at = each.waiting",
        &UnblockedRow::COLUMNS,
    );
    let rows: Vec<_> = tests.iter().map(UnblockedRow::of).collect();
    transaction.execute_each(&SQL, &rows).await.map(drop)
}

/// The events as the column `events` has them: their names, separated by spaces.
fn events_to_text(events: &BTreeSet<EventName>) -> String {
    events.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(" ")
}

fn events_from_text(text: &str) -> Result<BTreeSet<EventName>, StoreError> {
    let name = |name: &str| {
        EventName::from_name(name)
            .ok_or_else(|| StoreError::Internal("the column events holds an invalid value".into()))
    };
    text.split_ascii_whitespace().map(name).collect()
}
