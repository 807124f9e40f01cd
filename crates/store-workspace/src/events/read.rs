//! Reads an app's events (§7).

use db::{Row, Sql, StoreError, Value, read_columns};
use domain::event::{Event, EventBody, EventName, EventRange, Sequence, StampProgress};
use domain::{ChallengeId, ClientId, RequestId, WorkspaceId};

use crate::WorkspaceStore;
use crate::apps::AppKeyRow;

/// The state of an app whose events are followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowedApp {
    /// The app's workspace.
    pub workspace_id: WorkspaceId,
    /// The app's id.
    pub client_id: ClientId,
    /// The number of its newest event.
    pub newest: Sequence,
    /// Whether it is deleted.
    pub is_deleted: bool,
}

read_columns! {
    /// An event.
    pub(crate) EVENT: Event {
        client_id: parsed,
        sequence: integer,
        name: named(EventName::from_name),
        request_id: bytes,
        challenge_id: optional_bytes,
        provider_id: optional_parsed,
        claimed: optional_count,
        max_stamp_claims: optional_count,
        reason: optional_string,
        happened_at: time,
    } => Event {
        client_id,
        sequence: Sequence::from_number(sequence),
        body: EventBody {
            name,
            request_id: RequestId::from_bytes(request_id),
            challenge_id: challenge_id.map(ChallengeId::from_bytes),
            provider_id,
            stamps: claimed
                .zip(max_stamp_claims)
                .map(|(claimed, limit)| StampProgress { claimed, limit }),
            reason,
            at: happened_at,
        },
    }
}

impl WorkspaceStore {
    /// The range of an app's events that are stored.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn event_range(
        &self,
        workspace_id: &WorkspaceId,
        client_id: &ClientId,
    ) -> Result<EventRange, StoreError> {
        static SQL: Sql = Sql::new(
            "SELECT newest, COALESCE(
                (SELECT MIN(sequence) FROM events WHERE workspace_id = $1 AND client_id = $2),
                newest + 1) AS oldest
            FROM event_sequences WHERE workspace_id = $1 AND client_id = $2",
        );
        let app =
            vec![workspace_id.as_str().to_owned().into(), client_id.as_str().to_owned().into()];
        let range = self.database.find(&SQL, app, read_range).await?;
        Ok(range.unwrap_or_default())
    }

    /// The app's events after the one with this number, in their order, at most `limit`.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn events_after(
        &self,
        workspace_id: &WorkspaceId,
        client_id: &ClientId,
        last: Sequence,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError> {
        static SQL: Sql = Sql::new(
            "SELECT {columns} FROM events
            WHERE workspace_id = $1 AND client_id = $2 AND sequence > $3
            ORDER BY sequence LIMIT $4",
        )
        .reading(&EVENT);
        let parameters = [
            workspace_id.as_str().into(),
            client_id.as_str().into(),
            last.as_number().into(),
            limit.into(),
        ];
        self.database.query(&SQL, parameters.map(Value::into_owned).into(), EVENT.read).await
    }

    /// The state of these apps, in no order.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn followed_apps(
        &self,
        apps: &[(WorkspaceId, ClientId)],
    ) -> Result<Vec<FollowedApp>, StoreError> {
        static SQL: Sql = Sql::each(
            "SELECT apps.workspace_id, apps.client_id, COALESCE(newest, 0) AS newest, deleted_at
            FROM apps LEFT JOIN event_sequences
                ON event_sequences.workspace_id = apps.workspace_id
                AND event_sequences.client_id = apps.client_id
            {join each on} apps.workspace_id = each.workspace AND apps.client_id = each.client",
            &AppKeyRow::COLUMNS,
        );
        let rows = apps.iter().map(|app| AppKeyRow::of(app).map(Value::into_owned));
        self.database.query_each(&SQL, rows.collect(), read_followed_app).await
    }
}

fn read_range(row: &Row<'_>) -> Result<EventRange, StoreError> {
    let [oldest, newest] =
        [row.integer("oldest")?, row.integer("newest")?].map(Sequence::from_number);
    Ok(EventRange { oldest, newest })
}

fn read_followed_app(row: &Row<'_>) -> Result<FollowedApp, StoreError> {
    Ok(FollowedApp {
        workspace_id: row.parsed("workspace_id")?,
        client_id: row.parsed("client_id")?,
        newest: Sequence::from_number(row.integer("newest")?),
        is_deleted: row.optional_time("deleted_at")?.is_some(),
    })
}
