//! `GET /`: the welcome page, for a person who opens the address in a browser (§14).

use axum::Extension;
use axum::response::{IntoResponse, Response};
use http_support::error::ApiError;
use http_support::page::Page;
use maud::html;

use crate::OpenTests;

pub(super) async fn show(
    Extension(open_tests): Extension<Option<OpenTests>>,
) -> Result<Response, ApiError> {
    let open_tests = match open_tests {
        Some(open_tests) => Some(open_tests().await?),
        None => None,
    };
    let main = html! {
        h1 { "fieldtest" }
        p { "Production tests of electronic identities: with real people, on real devices." }
        @if let Some(open_tests) = open_tests {
            h2 { "You have an eID, and a minute" }
            (open_tests)
        }
        h2 { "You let people log in with eIDs" }
        p {
            "Order a test, and watch how it goes: " a href="/console" { "the console" } ". For your \
             programs there is " a href="/docs" { "the API, operation by operation" }
            ", or the same as an " a href="/openapi.json" { "OpenAPI document" } "."
        }
        h2 { "You run this server" }
        p {
            "See whether it is " a href="/readyz" { "ready" } " and its " a href="/metrics" { "metrics" }
            "; " code { "fieldtest doctor" } " says what stands in the way."
        }
    };
    let description =
        "Production tests of electronic identities: with real people, on real devices.";
    Ok(Page::new("Welcome", main).with_description(description).into_response())
}
