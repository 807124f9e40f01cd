//! Links that sign in to the console (§14).

pub(super) mod create;

#[cfg(feature = "openapi")]
use utoipa::OpenApi;

/// The part of the OpenAPI document about the console.
#[cfg(feature = "openapi")]
#[derive(OpenApi)]
#[openapi(paths(create::create))]
pub(crate) struct Paths;
