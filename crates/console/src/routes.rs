//! The route tables of the pages.

use axum::routing::{get, post};
use axum::{Extension, Router};

use crate::state::Console;
use crate::{OpenTests, apps, docs, keys, production_tests, providers, sign_in, webhooks, welcome};

/// The routes of the public pages. `open_tests` is where the welcome page gets the tests that people
/// can take; `None` if the challenge service runs elsewhere.
pub fn routes(open_tests: Option<OpenTests>) -> Router {
    Router::new().route("/", get(welcome::show)).layer(Extension(open_tests)).merge(docs::routes())
}

/// The routes of the console.
pub fn console_routes(console: Console) -> Router {
    let tests = "/apps/{client_id}/production-tests";
    let test = format!("{tests}/{{id}}");
    let of_test = |suffix: &str| format!("{test}{suffix}");
    let pages = Router::new()
        .route("/", get(apps::list))
        .route("/apps", post(apps::create))
        .route("/apps/{client_id}", get(production_tests::list::list))
        .route("/apps/{client_id}/events", get(production_tests::live::follow))
        .route("/apps/{client_id}/webhooks", get(webhooks::show).post(webhooks::update))
        .route("/apps/{client_id}/webhooks/rotate-secret", post(webhooks::rotate))
        .route("/apps/{client_id}/webhooks/test", post(webhooks::test))
        .route("/apps/{client_id}/webhooks/{id}/redeliver", post(webhooks::redeliver))
        .route("/apps/{client_id}/providers", get(providers::list))
        .route("/apps/{client_id}/providers/{provider_id}", post(providers::set))
        .route(
            &format!("{tests}/new"),
            get(production_tests::order::form).post(production_tests::order::order),
        )
        .route(&test, get(production_tests::show::show))
        .route(&of_test("/update"), post(production_tests::actions::update))
        .route(&of_test("/cancel"), post(production_tests::actions::cancel))
        .route(&of_test("/retry"), post(production_tests::actions::retry))
        .route(&of_test("/share"), post(production_tests::share::create))
        .route(&of_test("/share/revoke"), post(production_tests::share::revoke))
        .route(&of_test("/report.json"), get(production_tests::downloads::report))
        .route(&of_test("/outcomes.json"), get(production_tests::downloads::outcomes))
        .route(&of_test("/outcomes.csv"), get(production_tests::downloads::outcomes_csv))
        .route("/keys", get(keys::list).post(keys::create))
        .route("/keys/{id}/revoke", post(keys::revoke))
        .route("/shared/{token}", get(production_tests::share::show))
        .route("/sign-in", get(sign_in::show).post(sign_in::sign_in))
        .route("/sign-out", post(sign_in::sign_out));
    Router::new().nest("/console", pages).with_state(console)
}
