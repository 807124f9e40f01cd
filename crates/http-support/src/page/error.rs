//! Errors for a person in a browser. Programs get the envelope of §3.

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::html;

use crate::error::ApiError;
use crate::page::Page;

/// Whether a person sees the answer: a browser asks for HTML when it opens a page or sends a form.
#[must_use]
pub fn is_wanted(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.contains("text/html"))
}

/// The page for an error, with its status. For an engineer, who knows the codes, it links to what
/// `docs/errors.md` says about this one.
pub(crate) fn respond_to_error(error: &ApiError, request_id: &str, is_engineer: bool) -> Response {
    let code = error.code().as_str();
    let heading = match error.status() {
        StatusCode::NOT_FOUND => "Nothing here",
        StatusCode::TOO_MANY_REQUESTS => "One moment, please",
        StatusCode::SERVICE_UNAVAILABLE => "Not available at the moment",
        status if status.is_server_error() => "Something went wrong",
        _ => "This did not work",
    };
    let main = html! {
        h1 { (heading) }
        p { (error.message()) }
        @if is_engineer {
            p {
                a href={ "/docs/errors#" (code.to_ascii_lowercase()) } { "What " (code) " means" }
            }
        }
        p { a href="/" { "To the start page" } }
        p.hint { "Request " code { (request_id) } }
    };
    Page::new(heading, main).with_status(error.status()).into_response()
}
