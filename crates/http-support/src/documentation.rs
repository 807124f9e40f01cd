//! Error responses that many operations of the OpenAPI document share.
//!
//! An extractor documents the errors that it answers itself: it implements `IntoResponses`, and
//! an operation that takes it names it among its `responses`. A row that comes later replaces an
//! earlier one of the same status, so an operation that has more to say about a status adds its
//! own row at the end.

#[cfg(feature = "openapi")]
use std::collections::BTreeMap;

#[cfg(feature = "openapi")]
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};
#[cfg(feature = "openapi")]
use utoipa::{IntoResponses, ToSchema};
#[cfg(feature = "openapi")]
use wire::error::ErrorEnvelope;

/// Responses by status.
#[cfg(feature = "openapi")]
pub type Responses = BTreeMap<String, RefOr<Response>>;

/// Error responses, each with its status and what the status means to the caller. The body is the
/// error envelope (§3).
#[cfg(feature = "openapi")]
pub fn errors<const N: usize>(rows: [(u16, &str); N]) -> Responses {
    rows.into_iter().map(|(status, meaning)| (status.to_string(), error(meaning))).collect()
}

#[cfg(feature = "openapi")]
fn error(meaning: &str) -> RefOr<Response> {
    let schema = Ref::from_schema_name(ErrorEnvelope::name());
    let content = ContentBuilder::new().schema(Some(schema)).build();
    let response = ResponseBuilder::new().description(meaning);
    response.content("application/json", content).build().into()
}

/// The errors of every operation that reads or writes a database.
pub enum ServerErrors {}

#[cfg(feature = "openapi")]
impl IntoResponses for ServerErrors {
    fn responses() -> Responses {
        errors([(500, "A bug in fieldtest"), (503, "The database cannot be reached at the moment")])
    }
}
