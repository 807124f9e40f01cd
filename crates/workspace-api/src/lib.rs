//! The Workspace API, `/connect/v1`: relying parties' engineers register apps, order production
//! tests and follow them (§5 to §8, §11).
//!
//! [`routes`] lists the operations. Each has its own file, `<noun>/<verb>.rs`. The numbers in
//! brackets (§5) are sections of `docs/api-design.md`.

#![cfg_attr(
    not(feature = "openapi"),
    expect(
        unused_imports,
        reason = "some types are named only in annotations for the OpenAPI document"
    )
)]

// The annotations for the OpenAPI document expand to nothing where it is not generated.
#[cfg(not(feature = "openapi"))]
extern crate openapi_off as utoipa;

mod api_keys;
mod apps;
mod caller;
mod console_links;
mod documentation;
mod key_uses;
mod lookup_cache;
mod parent;
mod production_tests;
mod providers;
mod routes;
mod state;
mod streams;
mod webhooks;
mod workspace;

#[cfg(feature = "openapi")]
use utoipa::OpenApi;
#[cfg(feature = "openapi")]
use utoipa::openapi::OpenApi as OpenApiDocument;

pub use self::key_uses::KeyUses;
pub use self::lookup_cache::LookupCache;
pub use self::routes::routes;
pub use self::state::{Parts, WorkspaceApi};
pub use self::streams::Streams;

/// The parts of the OpenAPI document about the Workspace API, one for each noun.
#[cfg(feature = "openapi")]
pub fn documents() -> [OpenApiDocument; 7] {
    [
        workspace::Paths::openapi(),
        api_keys::Paths::openapi(),
        apps::Paths::openapi(),
        providers::Paths::openapi(),
        production_tests::Paths::openapi(),
        webhooks::Paths::openapi(),
        console_links::Paths::openapi(),
    ]
}
