//! The caller's workspace (§11).

pub(super) mod show;

#[cfg(feature = "openapi")]
use utoipa::OpenApi;

/// What the OpenAPI document says about the workspace.
#[cfg(feature = "openapi")]
#[derive(OpenApi)]
#[openapi(paths(show::show))]
pub(crate) struct Paths;
