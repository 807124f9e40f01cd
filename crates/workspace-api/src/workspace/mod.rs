//! The caller's workspace (§11).

pub(super) mod show;

#[cfg(feature = "openapi")]
use utoipa::OpenApi;

/// The part of the OpenAPI document about the workspace.
#[cfg(feature = "openapi")]
#[derive(OpenApi)]
#[openapi(paths(show::show))]
pub(crate) struct Paths;
