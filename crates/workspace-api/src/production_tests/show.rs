//! `GET /connect/v1/apps/{client_id}/production-tests/{id}` (§7)

use std::str::FromStr;

use axum::Json;
use axum::extract::State;
use domain::challenge_request::ChallengeRequest;
use domain::{ChallengeId, ClientId, MalformedId, RequestId, WorkspaceId};
use http_support::error::ApiError;
use http_support::path::PathParameters;
use store_workspace::RequestKey;
use wire::error::ErrorEnvelope;
use wire::production_test::ProductionTest;

use super::NO_SUCH_TEST;
use crate::caller::{Caller, Read};
use crate::{NO_SUCH_APP, WorkspaceApi};

/// Read a production test
///
/// By its request's id, as `Location` names it, or by its challenge's id.
#[utoipa::path(
    get,
    path = "/connect/v1/apps/{client_id}/production-tests/{id}",
    operation_id = "readProductionTest",
    tag = "Production tests",
    security(("workspace_api_key" = [])),
    params(
        ("client_id" = String, Path, description = "The app's client id", pattern = "^[0-9A-Za-z]{8}$", example = "FK5b0KSM"),
        ("id" = String, Path, description = "A request's id or a challenge's id",
            example = "req_7f3a9c1e-4b2d-4f88-9e1a-0c3d5b6e7f8a"),
    ),
    responses(
        (status = 200, description = "The production test", body = ProductionTest, headers(
            ("X-Request-Id" = String, description = "The request's id"))),
        (status = 401, description = "The credentials are missing or not valid here", body = ErrorEnvelope),
        (status = 404, description = "The workspace has no such app, or the app no such production test", body = ErrorEnvelope),
        (status = 429, description = "Too many requests with this key", body = ErrorEnvelope),
        (status = 500, description = "A bug in fieldtest", body = ErrorEnvelope),
        (status = 503, description = "The database cannot be reached at the moment", body = ErrorEnvelope),
    ),
)]
pub(crate) async fn show(
    State(api): State<WorkspaceApi>,
    caller: Caller<Read>,
    path: PathParameters,
) -> Result<Json<ProductionTest>, ApiError> {
    let client_id: ClientId = path.parse("client_id", NO_SUCH_APP)?;
    api.known_app(&caller.workspace_id, &client_id).await?;
    let id: ProductionTestId = path.parse("id", NO_SUCH_TEST)?;
    let request = find(&api, caller.workspace_id, client_id, id).await?;
    Ok(Json(ProductionTest::at(api.clock_and_rng.now(), &request)))
}

/// The two names that a production test can have.
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
