//! `GET /connect/v1/apps/{client_id}/production-tests/{id}` (§7)

use std::str::FromStr;

use axum::Json;
use axum::extract::State;
use domain::challenge_request::ChallengeRequest;
use domain::{ChallengeId, ClientId, MalformedId, RequestId, WorkspaceId};
use http_support::documentation::ServerErrors;
use http_support::error::ApiError;
use http_support::path::PathParameters;
use store_workspace::RequestKey;
use wire::production_test::ProductionTest;

use super::NO_SUCH_TEST;
use crate::caller::{Caller, Read};
use crate::documentation::TestPath;
use crate::state::{NO_SUCH_APP, WorkspaceApi};

/// Read a production test
///
/// By the request's id, as in `Location`, or by the challenge's id.
#[utoipa::path(
    get,
    path = "/connect/v1/apps/{client_id}/production-tests/{id}",
    operation_id = "readProductionTest",
    tag = "Production tests",
    security(("workspace_api_key" = [])),
    params(TestPath),
    responses(
        (status = 200, description = "The production test", body = ProductionTest),
        Caller<Read>, TestPath, ServerErrors,
    ),
)]
pub(crate) async fn show(
    State(api): State<WorkspaceApi>,
    caller: Caller<Read>,
    path: PathParameters,
) -> Result<Json<ProductionTest>, ApiError> {
    let client_id: ClientId = path.parse("client_id", NO_SUCH_APP)?;
    api.cached_app(&caller.workspace_id, &client_id).await?;
    let id: ProductionTestId = path.parse("id", NO_SUCH_TEST)?;
    let request = find(&api, caller.workspace_id, client_id, id).await?;
    Ok(Json(ProductionTest::at(api.clock_and_rng.now(), &request)))
}

/// The two ids of a production test.
#[derive(Clone, Copy)]
pub(super) enum ProductionTestId {
    Request(RequestId),
    Challenge(ChallengeId),
}

impl FromStr for ProductionTestId {
    type Err = MalformedId;

    fn from_str(text: &str) -> Result<Self, MalformedId> {
        text.parse().map(Self::Request).or_else(|_| text.parse().map(Self::Challenge))
    }
}

pub(super) async fn find(
    api: &WorkspaceApi,
    workspace_id: WorkspaceId,
    client_id: ClientId,
    id: ProductionTestId,
) -> Result<ChallengeRequest, ApiError> {
    let found = match id {
        ProductionTestId::Request(id) => {
            api.store.challenge_request(RequestKey { workspace_id, client_id, id }).await?
        }
        ProductionTestId::Challenge(id) => {
            api.store.challenge_request_of(&workspace_id, &client_id, id).await?
        }
    };
    found.ok_or_else(|| ApiError::not_found(NO_SUCH_TEST))
}
