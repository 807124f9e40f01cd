//! Who is calling, and what they may do (§2).

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use domain::api_key::{self, Access};
use domain::{ApiKeyId, WorkspaceId};
use http_support::bearer;
use http_support::error::ApiError;
use http_support::request_layer::RequestIdentity;

use super::WorkspaceApi;

/// The right to look.
pub(super) enum Read {}

/// The right to change things.
pub(super) enum Write {}

/// Something that a key's bearer may or may not do.
pub(super) trait Right: Send {
    fn is_granted_by(access: Access) -> bool;
}

impl Right for Read {
    fn is_granted_by(access: Access) -> bool {
        match access {
            Access::Full | Access::ReadOnly => true,
        }
    }
}

impl Right for Write {
    fn is_granted_by(access: Access) -> bool {
        match access {
            Access::Full => true,
            Access::ReadOnly => false,
        }
    }
}

/// The bearer of a valid API key with this right. A handler that takes one cannot be reached
/// without it, and finds only what belongs to this workspace.
pub(super) struct Caller<R> {
    pub(super) workspace_id: WorkspaceId,
    pub(super) key_id: ApiKeyId,
    right: PhantomData<R>,
}

impl<R: Right> FromRequestParts<WorkspaceApi> for Caller<R> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &WorkspaceApi) -> Result<Self, ApiError> {
        let secret = bearer::token(&parts.headers).ok_or_else(ApiError::invalid_credentials)?;
        // A typo is refused here, without a read.
        let hash = api_key::recognise(secret, api.environment)
            .ok_or_else(ApiError::invalid_credentials)?;
        let key = api
            .lookup_cache
            .key(&api.store, &api.clock_and_rng, hash)
            .await?
            .ok_or_else(ApiError::invalid_credentials)?;
        if let Some(asker) = parts.extensions.get::<RequestIdentity>() {
            asker.is(&key.workspace_id, key.id);
        }
        api.key_uses.note(&key, api.clock_and_rng.now());
        api.rate_limits.count(key.id)?;
        if !R::is_granted_by(key.access) {
            return Err(ApiError::forbidden("This key may only read. Use a key with full access."));
        }
        Ok(Self { workspace_id: key.workspace_id.clone(), key_id: key.id, right: PhantomData })
    }
}
