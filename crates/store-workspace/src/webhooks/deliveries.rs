//! Lists deliveries (§12).

use db::{Sql, StoreError, Value, read_columns};
use domain::event::{EventName, Sequence};
use domain::{ClientId, EventId, RequestId, Timestamp, WorkspaceId};

use super::waiting;
use crate::WorkspaceStore;

/// A delivery, and how it went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryRecord {
    /// The event's number.
    pub sequence: Sequence,
    /// The event's id, which every attempt has.
    pub event_id: EventId,
    /// The event's name.
    pub name: EventName,
    /// The production test.
    pub request_id: RequestId,
    /// `pending`, `delivered` or `failed`.
    pub state: String,
    /// How many attempts have been made.
    pub attempts: u32,
    /// The last attempts, as a JSON array.
    pub attempt_log: String,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it is attempted next.
    pub next_attempt_at: Option<Timestamp>,
}

read_columns! {
    /// A delivery.
    pub(crate) DELIVERY: DeliveryRecord {
        sequence: integer,
        event_id: bytes,
        name: named(EventName::from_name),
        request_id: bytes,
        state: string,
        attempts: count,
        attempt_log: string,
        created_at: time,
        next_attempt_at: optional_time,
    } => DeliveryRecord {
        sequence: Sequence::from_number(sequence),
        event_id: EventId::from_bytes(event_id),
        name,
        request_id: RequestId::from_bytes(request_id),
        state,
        attempts,
        attempt_log,
        created_at,
        // One that waits for an earlier one has no time yet.
        next_attempt_at: next_attempt_at.filter(|at| *at < waiting()),
    }
}

impl WorkspaceStore {
    /// The app's deliveries with numbers below `before`, the newest first, at most `limit`.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn deliveries(
        &self,
        workspace_id: &WorkspaceId,
        client_id: &ClientId,
        before: Option<Sequence>,
        limit: u32,
    ) -> Result<Vec<DeliveryRecord>, StoreError> {
        static SQL: Sql = Sql::new(
            "SELECT {columns} FROM webhook_deliveries
            WHERE workspace_id = $1 AND client_id = $2 AND sequence < $3
            ORDER BY sequence DESC LIMIT $4",
        )
        .reading(&DELIVERY);
        let before = before.map_or(i64::MAX, Sequence::as_number);
        let parameters =
            [workspace_id.as_str().into(), client_id.as_str().into(), before.into(), limit.into()];
        self.database.query(&SQL, parameters.map(Value::into_owned).into(), DELIVERY.read).await
    }
}
