//! Reads challenge requests (§7).

use db::{Sql, StoreError, Value, read_columns, required};
use domain::challenge::Challenge;
use domain::challenge_request::{ChallengeRequest, Scheduling, Status};
use domain::production_test::Payload;
use domain::{ChallengeId, ClientId, RequestId, WorkspaceId};

use crate::{RequestKey, WorkspaceStore};

read_columns! {
    /// A challenge request. Its challenge is a copy of what the challenge service reports, with the
    /// payload's title and description.
    pub(crate) REQUEST: ChallengeRequest {
        workspace_id: parsed,
        client_id: parsed,
        id: bytes,
        host_name: string,
        title: string,
        description: optional_string,
        provider_ids: provider_ids,
        max_stamp_claims: count,
        target_platform: optional_parsed,
        allow_duplicate_participation: optional_boolean,
        requested_expires_at: optional_time,
        status: named(Status::from_name),
        attempts: count,
        next_attempt_at: optional_time,
        give_up_at: time,
        last_error: optional_string,
        challenge_id: optional_bytes,
        challenge_created_at: optional_time,
        challenge_expires_at: optional_time,
        challenge_completed_at: optional_time,
        challenge_is_closed: optional_boolean,
        created_at: time,
        updated_at: time,
    } => ChallengeRequest {
        id: RequestId::from_bytes(id),
        workspace_id,
        client_id,
        host_name,
        challenge: match challenge_id {
            None => None,
            Some(id) => Some(Challenge {
                id: ChallengeId::from_bytes(id),
                title: title.clone(),
                description: description.clone(),
                created_at: required(challenge_created_at, "challenge_created_at")?,
                expires_at: required(challenge_expires_at, "challenge_expires_at")?,
                completed_at: challenge_completed_at,
                is_closed: required(challenge_is_closed, "challenge_is_closed")?,
                stamp_limit: Some(max_stamp_claims),
            }),
        },
        payload: Payload {
            title,
            description,
            provider_ids,
            max_stamp_claims,
            target_platform,
            allow_duplicate_participation,
            expires_at: requested_expires_at,
        },
        status,
        scheduling: Scheduling { attempts, next_attempt_at, give_up_at, last_error },
        created_at,
        updated_at,
    }
}

impl WorkspaceStore {
    /// The challenge request of this key.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn challenge_request(
        &self,
        key: RequestKey,
    ) -> Result<Option<ChallengeRequest>, StoreError> {
        static SQL: Sql = Sql::new(
            "SELECT {columns} FROM challenge_requests
            WHERE workspace_id = $1 AND client_id = $2 AND id = $3",
        )
        .reading(&REQUEST);
        let key = key.values().map(Value::into_owned);
        self.database.find(&SQL, key.into(), REQUEST.read).await
    }

    /// The app's challenge request with this challenge.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn challenge_request_of(
        &self,
        workspace_id: &WorkspaceId,
        client_id: &ClientId,
        challenge_id: ChallengeId,
    ) -> Result<Option<ChallengeRequest>, StoreError> {
        static SQL: Sql = Sql::new(
            "SELECT {columns} FROM challenge_requests
            WHERE challenge_id = $1 AND workspace_id = $2 AND client_id = $3",
        )
        .reading(&REQUEST);
        let key = [
            challenge_id.as_bytes().into(),
            workspace_id.as_str().into(),
            client_id.as_str().into(),
        ];
        self.database.find(&SQL, key.map(Value::into_owned).into(), REQUEST.read).await
    }
}
