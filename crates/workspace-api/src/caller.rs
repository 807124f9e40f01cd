//! Authentication and authorisation (§2).

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use domain::api_key::{self, Access, SecretHash};
use domain::{ApiKeyId, WorkspaceId};
use http_support::bearer;
#[cfg(feature = "openapi")]
use http_support::documentation::{Responses, errors};
use http_support::error::ApiError;
use http_support::request_layer::RequestIdentity;
use http_support::signed_in::SignedInKey;
#[cfg(feature = "openapi")]
use utoipa::IntoResponses;

use crate::state::WorkspaceApi;

/// The right to read.
pub(super) enum Read {}

/// The right to read and write.
pub(super) enum Write {}

/// A right that an API key grants or does not grant.
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

/// The extractor of the bearer of a valid API key with the right `R`. A handler that takes one
/// cannot run without that right. Every query is built from `workspace_id`, so a handler cannot
/// reach another workspace's data.
pub(super) struct Caller<R> {
    pub(super) workspace_id: WorkspaceId,
    pub(super) key_id: ApiKeyId,
    pub(super) access: Access,
    right: PhantomData<R>,
}

impl<R: Right> FromRequestParts<WorkspaceApi> for Caller<R> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &WorkspaceApi) -> Result<Self, ApiError> {
        let hash = secret_hash(parts, api).ok_or_else(ApiError::invalid_credentials)?;
        let key = api
            .lookup_cache
            .key(&api.store, &api.clock_and_rng, hash)
            .await?
            .ok_or_else(ApiError::invalid_credentials)?;
        if let Some(identity) = parts.extensions.get::<RequestIdentity>() {
            identity.set(&key.workspace_id, key.id);
        }
        api.key_uses.record(&key, api.clock_and_rng.now());
        api.rate_limits.count(key.id)?;
        if !R::is_granted_by(key.access) {
            return Err(ApiError::forbidden("This key may only read. Use a key with full access."));
        }
        Ok(Self {
            workspace_id: key.workspace_id.clone(),
            key_id: key.id,
            access: key.access,
            right: PhantomData,
        })
    }
}

/// The hash of the key's secret: of the key that a person is signed in with, or of the bearer token,
/// whose checksum refuses a typo without a read of the database.
fn secret_hash(parts: &Parts, api: &WorkspaceApi) -> Option<SecretHash> {
    if let Some(SignedInKey(hash)) = parts.extensions.get() {
        return Some(*hash);
    }
    api_key::recognise(bearer::token(&parts.headers)?, api.environment)
}

#[cfg(feature = "openapi")]
impl<R: Right> IntoResponses for Caller<R> {
    fn responses() -> Responses {
        let mut responses = errors([
            (401, "The credentials are missing or not valid here"),
            (429, "Too many requests with this key"),
        ]);
        if !R::is_granted_by(Access::ReadOnly) {
            responses.extend(errors([(403, "The key may only read")]));
        }
        responses
    }
}
