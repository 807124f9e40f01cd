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

pub(crate) use self::registration::api_key;
use domain::{ClientId, WorkspaceId};
use http_support::error::ApiError;
use store_workspace::AppRecord;
#[cfg(feature = "openapi")]
use utoipa::OpenApi;
use wire::app::App;

use crate::state::{NO_SUCH_APP, WorkspaceApi};
use crate::webhooks;

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

/// The body of an app, with its webhook.
async fn with_webhook(api: &WorkspaceApi, record: AppRecord) -> Result<App, ApiError> {
    let AppRecord { app, .. } = &record;
    let webhook = api.store.webhook(&app.workspace_id, &app.client_id).await?;
    Ok(App { webhook_config: webhooks::to_body(webhook.as_ref()), ..to_body(record) })
}

/// The bodies of apps, with their webhooks.
async fn with_webhooks(api: &WorkspaceApi, records: Vec<AppRecord>) -> Result<Vec<App>, ApiError> {
    let id = |it: &AppRecord| (it.app.workspace_id.clone(), it.app.client_id.clone());
    let ids: Vec<_> = records.iter().map(id).collect();
    let found = api.store.webhooks_of(&ids).await?;
    let body = |record: AppRecord| {
        let webhook = found.iter().find(|webhook| webhook.client_id == record.app.client_id);
        App { webhook_config: webhooks::to_body(webhook), ..to_body(record) }
    };
    Ok(records.into_iter().map(body).collect())
}

fn to_body(record: AppRecord) -> App {
    let AppRecord {
        app,
        redirect_uris,
        logo,
        default_success_redirect_uri,
        default_failure_redirect_uri,
        client_secret_preview,
        updated_at,
    } = record;
    App {
        logo,
        default_success_redirect_uri,
        default_failure_redirect_uri,
        ..App::new(&app, client_secret_preview, redirect_uris, updated_at)
    }
}
