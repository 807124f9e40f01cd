//! `GET /connect/v1/apps/{client_id}/production-tests/{challenge_id}/report` (§8)

use axum::Json;
use axum::extract::State;
use domain::challenge_request::ChallengeRequest;
use domain::{ChallengeId, ClientId};
use http_support::documentation::ServerErrors;
use http_support::error::ApiError;
use http_support::path::PathParameters;
use wire::error::ErrorEnvelope;
use wire::report::Report;

use super::NO_SUCH_TEST;
use super::show::{ProductionTestId, find};
use crate::caller::{Caller, Read};
use crate::documentation::AppPath;
use crate::state::{NO_SUCH_APP, WorkspaceApi};

/// Read a report
///
/// The participations and stamps of a challenge so far, by provider.
#[utoipa::path(
    get,
    path = "/connect/v1/apps/{client_id}/production-tests/{id}/report",
    operation_id = "readReport",
    tag = "Production tests",
    security(("workspace_api_key" = [])),
    params(
        AppPath,
        ("id" = String, Path, description = "The challenge's id",
            example = "ch_019d6c8b-6c00-7b1e-8f1a-0c3d5b6e7f8a"),
    ),
    responses(
        (status = 200, description = "The report", body = Report),
        Caller<Read>, AppPath, ServerErrors,
        (status = 404, body = ErrorEnvelope,
            description = "The workspace has no such app, or the app no such challenge; where the \
                id is a request's, `details` names its challenge"),
        (status = 503, body = ErrorEnvelope,
            description = "The database or the challenge service cannot be reached at the moment"),
    ),
)]
pub(crate) async fn report(
    State(api): State<WorkspaceApi>,
    caller: Caller<Read>,
    path: PathParameters,
) -> Result<Json<Report>, ApiError> {
    let client_id: ClientId = path.parse("client_id", NO_SUCH_APP)?;
    api.cached_app(&caller.workspace_id, &client_id).await?;
    let id: ProductionTestId = path.parse("id", NO_SUCH_TEST)?;
    let request = find(&api, caller.workspace_id, client_id, id).await?;
    match id {
        ProductionTestId::Request(_) => Err(has_no_report(&request)),
        ProductionTestId::Challenge(id) => ask(&api, id).await.map(Json),
    }
}

/// The error for a request's id in place of its challenge's. It names the challenge's id.
pub(super) fn has_no_report(request: &ChallengeRequest) -> ApiError {
    let message = match &request.challenge {
        Some(_) => {
            "This is the id of a challenge request. The report is found under the challenge's id: \
             details.challengeId."
        }
        None => {
            "This is the id of a challenge request that has no challenge, so there is no report. \
             Read it to see where it stands."
        }
    };
    let challenge_id = request.challenge.as_ref().map(|challenge| challenge.id.to_string());
    ApiError::not_found(message)
        .with_detail("requestId", request.id.to_string())
        .with_detail("status", request.status.as_str())
        .with_detail("challengeId", challenge_id)
}

async fn ask(api: &WorkspaceApi, id: ChallengeId) -> Result<Report, ApiError> {
    let message = "The challenge service cannot be reached at the moment. Try again in a moment.";
    api.challenge_service.report(id).await.map_err(|error| ApiError::unavailable(message, error))
}
