//! Paths that many operations share, in the OpenAPI document.

#[cfg(feature = "openapi")]
use http_support::documentation::{Responses, errors};
use utoipa::IntoParams;
#[cfg(feature = "openapi")]
use utoipa::IntoResponses;

/// The path of an app.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "only the document reads it")]
pub(crate) struct AppPath {
    /// The app's client id
    #[param(pattern = "^[0-9A-Za-z]{8}$", example = "FK5b0KSM")]
    client_id: String,
}

#[cfg(feature = "openapi")]
impl IntoResponses for AppPath {
    fn responses() -> Responses {
        errors([(404, "The workspace has no such app")])
    }
}

/// The path of a production test.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "only the document reads it")]
pub(crate) struct TestPath {
    /// The app's client id
    #[param(pattern = "^[0-9A-Za-z]{8}$", example = "FK5b0KSM")]
    client_id: String,
    /// A request's id or a challenge's id
    #[param(example = "req_7f3a9c1e-4b2d-4f88-9e1a-0c3d5b6e7f8a")]
    id: String,
}

#[cfg(feature = "openapi")]
impl IntoResponses for TestPath {
    fn responses() -> Responses {
        errors([(404, "The workspace has no such app, or the app no such production test")])
    }
}
