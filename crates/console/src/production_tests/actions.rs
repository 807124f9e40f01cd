//! What can be done with a test: more room and more time, cancel, retry (§7).

use axum::extract::{Path, State};
use axum::http::Method;
use axum::response::Response;
use http_support::error::ApiError;
use http_support::page::parts;
use serde_json::{Value, json};

use super::show::page;
use crate::form::Form;
use crate::origin::Origin;
use crate::session::see_other;
use crate::state::Console;

type TestPath = Path<(String, String)>;

pub(crate) async fn update(
    State(console): State<Console>,
    path: TestPath,
    origin: Origin,
    form: Form,
) -> Result<Response, ApiError> {
    let now = console.parts.clock_and_rng.now();
    let day = std::time::Duration::from_hours(24);
    let days = form.filled("days").and_then(|days| days.parse::<u32>().ok());
    let body = json!({
        "maxStamps": form.filled("maxStamps").and_then(|number| number.parse::<i64>().ok()),
        "expiresAt": days.map(|days| now.plus(day * days).to_string()),
    });
    carry_out(&console, &origin, path, &form, (Method::PATCH, "", Some(&body))).await
}

pub(crate) async fn cancel(
    State(console): State<Console>,
    path: TestPath,
    origin: Origin,
    form: Form,
) -> Result<Response, ApiError> {
    carry_out(&console, &origin, path, &form, (Method::POST, "/cancel", None)).await
}

pub(crate) async fn retry(
    State(console): State<Console>,
    path: TestPath,
    origin: Origin,
    form: Form,
) -> Result<Response, ApiError> {
    carry_out(&console, &origin, path, &form, (Method::POST, "/retry", None)).await
}

/// Does it with the API, and shows the test, or what the API says against it.
async fn carry_out(
    console: &Console,
    origin: &Origin,
    Path((client_id, id)): TestPath,
    form: &Form,
    (method, suffix, body): (Method, &str, Option<&Value>),
) -> Result<Response, ApiError> {
    let path = format!("/apps/{client_id}/production-tests/{id}");
    let sent = format!("{path}{suffix}");
    let done: Result<Value, _> = console.api(&form.session).send(method, &sent, body).await;
    match done {
        Ok(_) => Ok(see_other(&format!("/console{path}"))),
        Err(error) if error.status().is_client_error() => {
            let problem = parts::problem(error.message());
            let test = (client_id.as_str(), id.as_str());
            page(console, origin, &form.session, test, problem, error.status()).await
        }
        Err(error) => Err(error),
    }
}
