//! Challenge requests: the queue of the scheduler, and what API clients see of them (§5 to §9).

pub(crate) mod cancel;
pub(crate) mod create;
pub(crate) mod finish_hand_over;
pub(crate) mod lease;
pub(crate) mod list;
pub(crate) mod read;
pub(crate) mod recall;
pub(crate) mod record_observation;
pub(crate) mod retry;
pub(crate) mod take_observations;
pub(crate) mod update;

use db::{Row, StoreError, Value};
use domain::challenge_request::ChallengeRequest;
use domain::{ClientId, RequestId, WorkspaceId};

/// The primary key of a challenge request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestKey {
    /// The request's workspace.
    pub workspace_id: WorkspaceId,
    /// The request's app.
    pub client_id: ClientId,
    /// The request's id.
    pub id: RequestId,
}

impl From<&ChallengeRequest> for RequestKey {
    fn from(request: &ChallengeRequest) -> Self {
        Self {
            workspace_id: request.workspace_id.clone(),
            client_id: request.client_id.clone(),
            id: request.id,
        }
    }
}

impl RequestKey {
    /// The key as parameters of a query.
    fn values(&self) -> [Value<'_>; 3] {
        let Self { workspace_id, client_id, id } = self;
        [workspace_id.as_str().into(), client_id.as_str().into(), id.as_bytes().into()]
    }
}

/// The id of the row's request.
pub(crate) fn read_id(row: &Row<'_>) -> Result<RequestId, StoreError> {
    row.bytes("id").map(RequestId::from_bytes)
}
