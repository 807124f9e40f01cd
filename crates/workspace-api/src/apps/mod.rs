//! Apps: create, list, read, update, delete (§11).

pub(super) mod batch;
pub(super) mod create;
pub(super) mod delete;
pub(super) mod list;
pub(super) mod redirect_uris;
mod registration;
pub(super) mod rotate_client_secret;
pub(super) mod show;
pub(super) mod update;

use domain::{ClientId, WorkspaceId};
use http_support::error::ApiError;
use store_workspace::AppRecord;
#[cfg(feature = "openapi")]
use utoipa::OpenApi;
use wire::app::App;

use crate::state::{NO_SUCH_APP, WorkspaceApi};

/// The part of the OpenAPI document about apps.
#[cfg(feature = "openapi")]
#[derive(OpenApi)]
#[openapi(paths(
    list::list,
    create::create,
    batch::batch,
    show::show,
    update::update,
    delete::delete,
    redirect_uris::show,
    redirect_uris::replace,
    rotate_client_secret::rotate
))]
pub(crate) struct Paths;

/// The caller's app, with all that is stored of it.
async fn find(
    api: &WorkspaceApi,
    workspace_id: &WorkspaceId,
    client_id: &ClientId,
) -> Result<AppRecord, ApiError> {
    api.store
        .app_record(workspace_id, client_id)
        .await?
        .ok_or_else(|| ApiError::not_found(NO_SUCH_APP))
}

fn to_body(record: AppRecord) -> App {
    let AppRecord { app, redirect_uris, client_secret_preview, updated_at } = record;
    App::new(&app, client_secret_preview, redirect_uris, updated_at)
}
