//! The providers of an app: list, enable, disable (§11).

pub(super) mod activate;
pub(super) mod activate_several;
pub(super) mod list;
pub(super) mod steps;
pub(super) mod verifiers;

use domain::catalogue::Provider;
use http_support::error::ApiError;
use http_support::path::PathParameters;

#[cfg(feature = "openapi")]
use utoipa::OpenApi;

use crate::state::WorkspaceApi;

/// The part of the OpenAPI document about providers.
#[cfg(feature = "openapi")]
#[derive(OpenApi)]
#[openapi(paths(
    list::list,
    activate::activate,
    activate_several::activate,
    steps::steps,
    verifiers::list
))]
pub(crate) struct Paths;

const NO_SUCH_PROVIDER: &str = "This deployment offers no such provider. Check the id in the path; \
                                the list of providers has all of them.";

/// The provider that the path names, if it is available in this kind of deployment.
fn offered<'a>(api: &'a WorkspaceApi, path: &PathParameters) -> Result<&'a Provider, ApiError> {
    let id: String = path.parse("provider_id", NO_SUCH_PROVIDER)?;
    let found = api.catalogue.get(&id).filter(|it| it.environments.contains(&api.environment));
    found.ok_or_else(|| ApiError::not_found(NO_SUCH_PROVIDER))
}
