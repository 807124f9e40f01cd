//! The providers of an app: which there are, and which it wants (§11).

pub(super) mod activate;
pub(super) mod list;

#[cfg(feature = "openapi")]
use utoipa::OpenApi;

/// What the OpenAPI document says about providers.
#[cfg(feature = "openapi")]
#[derive(OpenApi)]
#[openapi(
    paths(list::list, activate::activate),
    components(schemas(wire::provider::ProviderInclude))
)]
pub(crate) struct Paths;
