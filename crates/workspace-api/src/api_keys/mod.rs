//! API keys: list, create, revoke (§11).

pub(super) mod create;
pub(super) mod list;
pub(super) mod revoke;

#[cfg(feature = "openapi")]
use utoipa::OpenApi;

/// The part of the OpenAPI document about API keys.
#[cfg(feature = "openapi")]
#[derive(OpenApi)]
#[openapi(paths(list::list, create::create, revoke::revoke))]
pub(crate) struct Paths;
