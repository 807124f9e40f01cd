//! The report and the outcomes of a test, as the API has them (§8).

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::response::Response;
use http_support::error::ApiError;
use wire::production_test::ProductionTest;

use crate::session::Session;
use crate::state::Console;

type TestPath = Path<(String, String)>;

pub(crate) async fn report(
    State(console): State<Console>,
    path: TestPath,
    session: Session,
) -> Result<Response, ApiError> {
    download(&console, path, &session, "report", "report.json").await
}

pub(crate) async fn outcomes(
    State(console): State<Console>,
    path: TestPath,
    session: Session,
) -> Result<Response, ApiError> {
    download(&console, path, &session, "outcomes", "outcomes.json").await
}

pub(crate) async fn outcomes_csv(
    State(console): State<Console>,
    path: TestPath,
    session: Session,
) -> Result<Response, ApiError> {
    download(&console, path, &session, "outcomes?format=csv", "outcomes.csv").await
}

/// The answer of the API, as a file.
async fn download(
    console: &Console,
    Path((client_id, id)): TestPath,
    session: &Session,
    what: &str,
    name: &str,
) -> Result<Response, ApiError> {
    let api = console.api(session);
    let path = format!("/apps/{client_id}/production-tests");
    let test: ProductionTest = api.get(&format!("{path}/{id}")).await?;
    // A test without a challenge has no report: the API says so about its request.
    let id = test.request.challenge_id.unwrap_or(test.request.id);
    let path = format!("{path}/{id}/{what}");
    let mut response = api.respond(Method::GET, &path, None, HeaderMap::new()).await?;
    let disposition = format!("attachment; filename=\"{id}-{name}\"");
    if let Ok(value) = HeaderValue::from_str(&disposition) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(response)
}
