//! The caller's workspace (§11).

pub(super) mod show;

use utoipa::OpenApi;

/// The part of the OpenAPI document about the workspace.
#[derive(OpenApi)]
#[openapi(paths(show::show))]
pub(crate) struct Paths;
