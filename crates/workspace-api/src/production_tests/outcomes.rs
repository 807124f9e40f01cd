//! `GET /connect/v1/apps/{client_id}/production-tests/{challenge_id}/outcomes` (§8)

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use domain::ClientId;
use http_support::documentation::ServerErrors;
use http_support::error::ApiError;
use http_support::path::PathParameters;
use http_support::query::QueryParameters;
use wire::error::ErrorEnvelope;
use wire::outcomes::Outcomes;

use super::NO_SUCH_TEST;
use super::report::has_no_report;
use super::show::{ProductionTestId, find};
use crate::caller::{Caller, Read};
use crate::documentation::AppPath;
use crate::state::{NO_SUCH_APP, WorkspaceApi};

/// Read the outcomes
///
/// Why a test went as it did: how far testers came, how participations ended by provider and platform,
/// why verifications failed, how long stamps took, when it happened, and what testers said. With
/// `Accept: text/csv` or `format=csv`, the rows of `outcomes` as CSV.
#[utoipa::path(
    get,
    path = "/connect/v1/apps/{client_id}/production-tests/{id}/outcomes",
    operation_id = "readOutcomes",
    tag = "Production tests",
    security(("workspace_api_key" = [])),
    params(
        AppPath,
        ("id" = String, Path, description = "The challenge's id",
            example = "ch_019d6c8b-6c00-7b1e-8f1a-0c3d5b6e7f8a"),
        ("format" = Option<wire::outcomes::Format>, Query, description = "`json` or `csv`"),
    ),
    responses(
        (status = 200, description = "The outcomes", content(
            (Outcomes = "application/json"), (String = "text/csv"))),
        Caller<Read>, AppPath, QueryParameters, ServerErrors,
        (status = 404, body = ErrorEnvelope,
            description = "The workspace has no such app, or the app no such challenge; where the \
                id is a request's, `details` names its challenge"),
        (status = 503, body = ErrorEnvelope,
            description = "The database or the challenge service cannot be reached at the moment"),
    ),
)]
pub(crate) async fn outcomes(
    State(api): State<WorkspaceApi>,
    caller: Caller<Read>,
    path: PathParameters,
    mut query: QueryParameters,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let format: Option<String> =
        query.take("format", "json or csv", |it: &String| matches!(&**it, "json" | "csv"));
    query.finish()?;
    let client_id: ClientId = path.parse("client_id", NO_SUCH_APP)?;
    api.cached_app(&caller.workspace_id, &client_id).await?;
    let id: ProductionTestId = path.parse("id", NO_SUCH_TEST)?;
    let request = find(&api, caller.workspace_id, client_id, id).await?;
    let ProductionTestId::Challenge(id) = id else { return Err(has_no_report(&request)) };
    let message = "The challenge service cannot be reached at the moment. Try again in a moment.";
    let outcomes = api.challenge_service.outcomes(id).await;
    let outcomes = outcomes.map_err(|error| ApiError::unavailable(message, error))?;
    let wants_csv = match format.as_deref() {
        Some(format) => format == "csv",
        None => accepts_csv(&headers),
    };
    if !wants_csv {
        return Ok(Json(outcomes).into_response());
    }
    let content_type = HeaderValue::from_static("text/csv; charset=utf-8; header=present");
    Ok(([(header::CONTENT_TYPE, content_type)], outcomes.to_csv()).into_response())
}

fn accepts_csv(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accepted.is_some_and(|accepted| {
        accepted.split(',').any(|it| it.trim().to_ascii_lowercase().starts_with("text/csv"))
    })
}
