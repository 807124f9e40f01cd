//! The route table of the Workspace API.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{delete, get, patch, post};

use crate::state::WorkspaceApi;
use crate::{api_keys, apps, console_links, production_tests, providers, webhooks, workspace};

/// All routes below `/connect/v1`.
pub fn routes(api: WorkspaceApi) -> Router {
    let routes = Router::new()
        .route("/workspace", get(workspace::show::show))
        .route("/api-keys", get(api_keys::list::list).post(api_keys::create::create))
        .route("/api-keys/{id}", delete(api_keys::revoke::revoke))
        .route("/console-links", post(console_links::create::create))
        .route("/apps", get(apps::list::list).post(apps::create::create).layer(room_for_a_logo()))
        .route("/apps/batch", post(apps::batch::batch))
        .route(
            "/apps/{client_id}",
            get(apps::show::show)
                .patch(apps::update::update)
                .delete(apps::delete::delete)
                .layer(room_for_a_logo()),
        )
        .route(
            "/apps/{client_id}/redirect-uris",
            get(apps::redirect_uris::show).put(apps::redirect_uris::replace),
        )
        .route("/apps/{client_id}/rotate-client-secret", post(apps::rotate_client_secret::rotate))
        .route("/apps/{client_id}/activation", post(providers::activate_several::activate))
        .route(
            "/apps/{client_id}/providers/{provider_id}/activation/steps",
            get(providers::steps::steps),
        )
        .route("/verifiers", get(providers::verifiers::list))
        .route("/apps/{client_id}/providers", get(providers::list::list))
        .route(
            "/apps/{client_id}/providers/{provider_id}/activation",
            patch(providers::activate::activate),
        )
        .route(
            "/apps/{client_id}/production-tests",
            get(production_tests::list::list).post(production_tests::create::create),
        )
        .route("/apps/{client_id}/production-tests/events", get(production_tests::events::follow))
        .route(
            "/apps/{client_id}/production-tests/{id}",
            get(production_tests::show::show).patch(production_tests::update::update),
        )
        .route(
            "/apps/{client_id}/production-tests/{id}/cancel",
            post(production_tests::cancel::cancel),
        )
        .route(
            "/apps/{client_id}/production-tests/{id}/retry",
            post(production_tests::retry::retry),
        )
        .route(
            "/apps/{client_id}/production-tests/{id}/report",
            get(production_tests::report::report),
        )
        .route(
            "/apps/{client_id}/production-tests/{id}/outcomes",
            get(production_tests::outcomes::outcomes),
        );
    Router::new().nest("/connect/v1", routes.merge(webhook_routes())).with_state(api)
}

/// The larger bodies of the operations that take a logo (§1).
fn room_for_a_logo() -> DefaultBodyLimit {
    DefaultBodyLimit::max(http_support::body::LIMIT_WITH_LOGO)
}

/// The routes of webhooks (§12).
fn webhook_routes() -> Router<WorkspaceApi> {
    Router::new()
        .route(
            "/apps/{client_id}/webhook-config",
            get(webhooks::show::show).patch(webhooks::update::update),
        )
        .route(
            "/apps/{client_id}/webhook-config/rotate-secret",
            post(webhooks::rotate_secret::rotate),
        )
        .route("/apps/{client_id}/webhook-config/test", post(webhooks::test::test))
        .route("/apps/{client_id}/webhook-deliveries", get(webhooks::deliveries::list))
        .route(
            "/apps/{client_id}/webhook-deliveries/{id}/redeliver",
            post(webhooks::redeliver::redeliver),
        )
}
