//! The route tables of the pages.

use axum::extract::DefaultBodyLimit;
use axum::routing::{MethodRouter, get, post};
use axum::{Extension, Router};
use http_support::body::LIMIT_WITHOUT_KEY;

use crate::state::Console;
use crate::{OpenTests, apps, docs, keys, production_tests, providers, sign_in, webhooks, welcome};

/// The routes of the public pages. `open_tests` is where the welcome page gets the tests that people
/// can take; `None` if the challenge service runs elsewhere.
pub fn routes(open_tests: Option<OpenTests>) -> Router {
    Router::new().route("/", get(welcome::show)).layer(Extension(open_tests)).merge(docs::routes())
}

/// One route of the console.
pub struct ConsoleRoute {
    /// GET for a page or a file, POST for a form.
    pub method: &'static str,
    /// The path, with the names of its parameters in braces.
    pub path: &'static str,
    handler: fn() -> MethodRouter<Console>,
}

const fn page(path: &'static str, handler: fn() -> MethodRouter<Console>) -> ConsoleRoute {
    ConsoleRoute { method: "GET", path, handler }
}

const fn form(path: &'static str, handler: fn() -> MethodRouter<Console>) -> ConsoleRoute {
    ConsoleRoute { method: "POST", path, handler }
}

/// All routes of the console (§14). A contract test holds this table against who may use each.
pub const CONSOLE_ROUTES: &[ConsoleRoute] = &[
    page("/console", || get(apps::list)),
    form("/console/apps", || post(apps::create)),
    page("/console/apps/{client_id}", || get(production_tests::list::list)),
    page("/console/apps/{client_id}/events", || get(production_tests::live::follow)),
    page("/console/apps/{client_id}/webhooks", || get(webhooks::show)),
    form("/console/apps/{client_id}/webhooks", || post(webhooks::update)),
    form("/console/apps/{client_id}/webhooks/rotate-secret", || post(webhooks::rotate)),
    form("/console/apps/{client_id}/webhooks/test", || post(webhooks::test)),
    form("/console/apps/{client_id}/webhooks/{id}/redeliver", || post(webhooks::redeliver)),
    page("/console/apps/{client_id}/providers", || get(providers::list)),
    form("/console/apps/{client_id}/providers/{provider_id}", || post(providers::set)),
    page("/console/apps/{client_id}/providers/{provider_id}/activation", || {
        get(providers::activation::show)
    }),
    form("/console/apps/{client_id}/providers/{provider_id}/activation", || {
        post(providers::activation::request)
    }),
    page("/console/apps/{client_id}/production-tests/new", || get(production_tests::order::form)),
    form("/console/apps/{client_id}/production-tests/new", || post(production_tests::order::order)),
    page("/console/apps/{client_id}/production-tests/{id}", || get(production_tests::show::show)),
    form("/console/apps/{client_id}/production-tests/{id}/update", || {
        post(production_tests::actions::update)
    }),
    form("/console/apps/{client_id}/production-tests/{id}/cancel", || {
        post(production_tests::actions::cancel)
    }),
    form("/console/apps/{client_id}/production-tests/{id}/retry", || {
        post(production_tests::actions::retry)
    }),
    form("/console/apps/{client_id}/production-tests/{id}/share", || {
        post(production_tests::share::create)
    }),
    form("/console/apps/{client_id}/production-tests/{id}/share/revoke", || {
        post(production_tests::share::revoke)
    }),
    page("/console/apps/{client_id}/production-tests/{id}/report.json", || {
        get(production_tests::downloads::report)
    }),
    page("/console/apps/{client_id}/production-tests/{id}/outcomes.json", || {
        get(production_tests::downloads::outcomes)
    }),
    page("/console/apps/{client_id}/production-tests/{id}/outcomes.csv", || {
        get(production_tests::downloads::outcomes_csv)
    }),
    page("/console/keys", || get(keys::list)),
    form("/console/keys", || post(keys::create)),
    form("/console/keys/{id}/revoke", || post(keys::revoke)),
    page("/console/shared/{token}", || get(production_tests::share::show)),
    page("/console/sign-in", || get(sign_in::show)),
    form("/console/sign-in", || post(sign_in::sign_in).layer(limit_without_key())),
    form("/console/sign-out", || post(sign_in::sign_out)),
];

/// The routes of the console.
pub fn console_routes(console: Console) -> Router {
    let add =
        |router: Router<Console>, route: &ConsoleRoute| router.route(route.path, (route.handler)());
    CONSOLE_ROUTES.iter().fold(Router::new(), add).with_state(console)
}

fn limit_without_key() -> DefaultBodyLimit {
    DefaultBodyLimit::max(LIMIT_WITHOUT_KEY)
}
