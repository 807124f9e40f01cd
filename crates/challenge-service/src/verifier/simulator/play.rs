//! `POST /tpas/v1/simulator/{participation_id}`: the tester plays the person (§10)

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use http_support::body::{self, JsonObject};
use http_support::documentation::ServerErrors;
use http_support::error::ApiError;
use http_support::path::PathParameters;
use http_support::query::QueryParameters;
use serde_json::{Map, Value};
use wire::error::{ErrorEnvelope, FieldError};
use wire::verification::{SimulateVerificationSchema, VerificationResult, read_simulation};

use super::{NO_SUCH_VERIFICATION, find, page};
use crate::documentation::SimulatorPath;
use crate::service::ChallengeService;
use crate::verification::record_outcome;

/// Play the person
///
/// In a sandbox: completes or fails the verification. The page of the same path sends a form, which
/// is answered with the page; programs send JSON.
#[utoipa::path(
    post,
    path = "/tpas/v1/simulator/{participation_id}",
    operation_id = "simulateVerification",
    tag = "Sandbox simulator",
    params(
        SimulatorPath,
        ("code" = String, Query, description = "The code of the verificationUrl"),
    ),
    request_body(content = SimulateVerificationSchema, content_type = "application/json"),
    responses(
        (status = 200, description = "The participation's status", body = VerificationResult),
        SimulatorPath, JsonObject, ServerErrors,
        (status = 400, description = "The body or the query is not valid", body = ErrorEnvelope),
        (status = 415, description = "The body is neither JSON nor a form", body = ErrorEnvelope),
    ),
)]
pub(crate) async fn play(
    State(service): State<ChallengeService>,
    path: PathParameters,
    mut query: QueryParameters,
    request: Request,
) -> Result<Response, ApiError> {
    let participation = find(&service, &path, &mut query).await?;
    let is_form = is_form(request.headers());
    let outcome =
        read_simulation(&members(request, is_form).await?).map_err(ApiError::validation)?;
    let not_found = || ApiError::not_found(NO_SUCH_VERIFICATION);
    let result: VerificationResult =
        record_outcome(&service, participation.id, outcome).await?.ok_or_else(not_found)?;
    if is_form {
        let decided =
            service.store().participation(participation.id).await?.ok_or_else(not_found)?;
        page::render(&service, &decided).await
    } else {
        Ok(Json(result).into_response())
    }
}

const FORM: &str = "application/x-www-form-urlencoded";

fn is_form(headers: &HeaderMap) -> bool {
    let declared =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    declared.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(FORM)
}

async fn members(request: Request, is_form: bool) -> Result<Map<String, Value>, ApiError> {
    if !is_form && !body::is_json_or_undeclared(request.headers()) {
        return Err(ApiError::unsupported_media_type());
    }
    let bytes = body::read(request, &()).await?;
    if !is_form {
        return body::object(&bytes);
    }
    let pairs: Vec<(String, String)> = serde_urlencoded::from_bytes(&bytes).map_err(|_| {
        ApiError::validation(vec![FieldError::invalid(
            "body",
            "The form cannot be decoded.",
            &Value::Null,
        )])
    })?;
    Ok(pairs.into_iter().map(|(name, value)| (name, Value::String(value))).collect())
}
