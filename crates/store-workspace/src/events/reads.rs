//! Following an app's events (§7): what there is, what comes after what is known, and for whom
//! there is something new.

use db::{Kind, Row, Sql, StoreError, Value};
use domain::api_key::ApiKey;
use domain::event::{Event, EventBody, EventName, EventRange, Sequence, StampProgress};
use domain::{ApiKeyId, ChallengeId, ClientId, RequestId, WorkspaceId};

use crate::WorkspaceStore;
use crate::api_keys::read_key;

/// An app, as those who follow it need to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Followed {
    /// Whose it is.
    pub workspace_id: WorkspaceId,
    /// The app.
    pub client_id: ClientId,
    /// The number of its newest event.
    pub newest: Sequence,
    /// Whether it is deleted.
    pub is_deleted: bool,
}

impl WorkspaceStore {
    /// Which events of an app there are.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn kept_events(
        &self,
        workspace_id: &WorkspaceId,
        client_id: &ClientId,
    ) -> Result<EventRange, StoreError> {
        static SQL: Sql = Sql::new(
            "SELECT newest, COALESCE((SELECT MIN(sequence) FROM events WHERE workspace_id = $1 AND client_id = $2), newest + 1)
                AS oldest
            FROM event_sequences WHERE workspace_id = $1 AND client_id = $2",
        );
        let app =
            vec![workspace_id.as_str().to_owned().into(), client_id.as_str().to_owned().into()];
        let kept = self.database.find(&SQL, app, read_kept).await?;
        Ok(kept.unwrap_or_default())
    }

    /// The app's events after this one, at most so many, in their order.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn events_after(
        &self,
        workspace_id: &WorkspaceId,
        client_id: &ClientId,
        last: Sequence,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError> {
        static SQL: Sql = Sql::new(
            "SELECT client_id, sequence, name, request_id, challenge_id, provider_id, claimed, max_stamp_claims, reason,
                happened_at
            FROM events WHERE workspace_id = $1 AND client_id = $2 AND sequence > $3 ORDER BY sequence LIMIT $4",
        );
        let parameters = [
            workspace_id.as_str().into(),
            client_id.as_str().into(),
            last.as_number().into(),
            limit.into(),
        ];
        self.database.query(&SQL, parameters.map(Value::into_owned).into(), read_event).await
    }

    /// How these apps stand, in any order.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn followed(
        &self,
        apps: &[(WorkspaceId, ClientId)],
    ) -> Result<Vec<Followed>, StoreError> {
        static SQL: Sql = Sql::each(
            "SELECT apps.workspace_id, apps.client_id, COALESCE(newest, 0) AS newest, apps.deleted_at
            FROM apps LEFT JOIN event_sequences
                ON event_sequences.workspace_id = apps.workspace_id AND event_sequences.client_id = apps.client_id
            {join each on} apps.workspace_id = each.workspace AND apps.client_id = each.client",
            &[("workspace", Kind::Text), ("client", Kind::Text)],
        );
        let rows = apps.iter().map(|(workspace_id, client_id)| {
            [workspace_id.as_str().into(), client_id.as_str().into()].map(Value::into_owned)
        });
        self.database.query_each(&SQL, rows.collect(), read_followed).await
    }

    /// These keys, valid or not, in any order.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn api_keys_of(
        &self,
        ids: &[(WorkspaceId, ApiKeyId)],
    ) -> Result<Vec<ApiKey>, StoreError> {
        static SQL: Sql = Sql::each(
            "SELECT workspace_id, id, name, access, created_at, expires_at, revoked_at, last_used_at
            FROM api_keys {join each on} workspace_id = each.workspace AND id = each.key",
            &[("workspace", Kind::Text), ("key", Kind::Bytes)],
        );
        let rows = ids.iter().map(|(workspace_id, id)| {
            [workspace_id.as_str().into(), id.as_bytes().into()].map(Value::into_owned)
        });
        self.database.query_each(&SQL, rows.collect(), read_key).await
    }
}

fn read_kept(row: &Row<'_>) -> Result<EventRange, StoreError> {
    let [oldest, newest] =
        [row.integer("oldest")?, row.integer("newest")?].map(Sequence::from_number);
    Ok(EventRange { oldest, newest })
}

fn read_event(row: &Row<'_>) -> Result<Event, StoreError> {
    let stamps = match row.optional_integer("claimed")? {
        Some(_) => {
            let limit = row.count("max_stamp_claims")?;
            Some(StampProgress { claimed: row.count("claimed")?, limit })
        }
        None => None,
    };
    let provider_id = match row.optional_text("provider_id")? {
        Some(_) => Some(row.parsed("provider_id")?),
        None => None,
    };
    Ok(Event {
        client_id: row.parsed("client_id")?,
        sequence: Sequence::from_number(row.integer("sequence")?),
        body: EventBody {
            name: row.named("name", EventName::from_name)?,
            request_id: RequestId::from_bytes(row.bytes("request_id")?),
            challenge_id: row.optional_bytes("challenge_id")?.map(ChallengeId::from_bytes),
            provider_id,
            stamps,
            reason: row.optional_text("reason")?.map(str::to_owned),
            at: row.time("happened_at")?,
        },
    })
}

fn read_followed(row: &Row<'_>) -> Result<Followed, StoreError> {
    Ok(Followed {
        workspace_id: row.parsed("workspace_id")?,
        client_id: row.parsed("client_id")?,
        newest: Sequence::from_number(row.integer("newest")?),
        is_deleted: row.optional_time("deleted_at")?.is_some(),
    })
}
