//! The providers of an app: list, enable, disable (§11).

pub(super) mod activate;
pub(super) mod list;

#[cfg(feature = "openapi")]
use utoipa::OpenApi;

/// The part of the OpenAPI document about providers.
#[cfg(feature = "openapi")]
#[derive(OpenApi)]
#[openapi(
    paths(list::list, activate::activate),
    components(schemas(wire::provider::ProviderInclude))
)]
pub(crate) struct Paths;
