//! The caller's workspace (§11).

pub(super) mod show;

use utoipa::OpenApi;

/// What the OpenAPI document says about the workspace.
#[derive(OpenApi)]
#[openapi(paths(show::show))]
pub(crate) struct Paths;
