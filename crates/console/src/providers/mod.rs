//! `GET /console/apps/{client_id}/providers`: what can be tested, and what stands in the way (§14).

pub(super) mod activation;

use axum::extract::{Path, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use domain::Environment;
use domain::verification::FailureReason;
use http_support::error::ApiError;
use http_support::page::parts;
use maud::{Markup, html};
use serde_json::{Value, json};
use wire::Moment;
use wire::app::App;
use wire::provider::Provider;
use wire::verifier::{Verifier, VerifierKind};

use crate::form::Form;
use crate::layout;
use crate::origin::Origin;
use crate::session::{Session, see_other};
use crate::state::Console;

pub(super) async fn list(
    State(console): State<Console>,
    Path(client_id): Path<String>,
    origin: Origin,
    session: Session,
) -> Result<Response, ApiError> {
    show(&console, &origin, &session, &client_id, None, StatusCode::OK).await
}

pub(super) async fn set(
    State(console): State<Console>,
    Path((client_id, provider_id)): Path<(String, String)>,
    origin: Origin,
    form: Form,
) -> Result<Response, ApiError> {
    let path = format!("/apps/{client_id}/providers/{provider_id}/activation");
    let body = json!({ "enabled": form.get("enabled") == "true" });
    let set: Result<Value, _> =
        console.api(&form.session).send(Method::PATCH, &path, Some(&body)).await;
    match set {
        Ok(_) => Ok(see_other(&format!("/console/apps/{client_id}/providers#{provider_id}"))),
        Err(error) if error.status().is_client_error() => {
            let (problem, status) = (Some(error.message()), error.status());
            show(&console, &origin, &form.session, &client_id, problem, status).await
        }
        Err(error) => Err(error),
    }
}

async fn show(
    console: &Console,
    origin: &Origin,
    session: &Session,
    client_id: &str,
    problem: Option<&str>,
    status: StatusCode,
) -> Result<Response, ApiError> {
    let api = console.api(session);
    let app: App = api.get(&format!("/apps/{client_id}")).await?;
    let path = format!("/apps/{client_id}/providers");
    let providers: Vec<Provider> = api.get(&format!("{path}?include=activation")).await?;
    // What can be tested does not depend on the challenge service, so the page does not either.
    let verifiers: Option<Vec<Verifier>> = api.get("/verifiers").await.ok();
    let above = format!("/console/apps/{client_id}");
    let content = html! {
        @if let Some(problem) = problem { (parts::problem(problem)) }
        @if !session.can_write() { (layout::read_only()) }
        @if verifiers.is_none() {
            (parts::notice("The challenge service cannot be reached at the moment, so this page does \
                            not say how it goes with those who verify."))
        }
        div.scroll tabindex="0" {
            table {
                caption { "Providers of this deployment" }
                thead { tr {
                    th scope="col" { "Provider" } th scope="col" { "Countries" }
                    th scope="col" { "Can be tested" } th scope="col" { "Verified by" }
                    th scope="col" { "For this app" }
                } }
                tbody { @for provider in &providers {
                    @let verifier = verifiers.as_ref().map(|all| of(all, &provider.id));
                    (row(console, session, client_id, provider, verifier))
                } }
            }
        }
        (layout::curl(&origin.0, "PATCH", &format!("{path}/mitid/activation"),
            Some(&json!({ "enabled": true }))))
    };
    let crumbs = [("Apps", "/console"), (app.name.as_str(), above.as_str())];
    Ok(layout::page(session, "Providers", &crumbs, content).with_status(status).into_response())
}

/// Why a provider cannot be tested; `None` if it can.
pub(super) fn in_the_way(provider: &Provider) -> Option<&'static str> {
    const CHIP_BASED: u8 = 2;
    if provider.kind == CHIP_BASED {
        Some("no: it reads a chip, which production tests do not cover")
    } else if provider.need_action {
        Some("not yet: the operator of this deployment has to approve it")
    } else if !provider.is_active {
        Some("not yet: it is not enabled for this app")
    } else {
        None
    }
}

/// Who verifies the testers of this provider, if anybody does.
fn of<'a>(verifiers: &'a [Verifier], provider_id: &str) -> Option<&'a Verifier> {
    verifiers.iter().find(|verifier| verifier.provider_id == provider_id)
}

/// Who verifies, and how it goes.
fn health(verifier: Option<&Verifier>) -> Markup {
    let Some(verifier) = verifier else { return html! { "nobody in this deployment" } };
    let moment = |name: &str, at: Option<Moment>| {
        html! { @if let Some(at) = at { br; small { (name) " " (parts::moment(at.0)) } } }
    };
    let kind = match verifier.kind {
        VerifierKind::Simulator => return html! { "the simulator" },
        VerifierKind::Oidc => "OpenID Connect",
        VerifierKind::External => "your own login",
    };
    html! {
        (kind)
        (moment("last discovery", verifier.discovered_at))
        (moment("last callback", verifier.returned_at))
        (moment("last success", verifier.succeeded_at))
        (moment("last error", verifier.failed_at))
        @if let Some(reason) = verifier.failure_reason {
            br; small { "error: " code { (FailureReason::from(reason).as_str()) } }
        }
    }
}

/// Whether activating it needs more than a click. In a sandbox nothing has to be told.
fn needs_form(console: &Console, provider: &Provider) -> bool {
    let has_requirements = |it: &wire::provider::Activation| !it.requirements.is_empty();
    console.parts.environment == Environment::Production
        && provider.activation.as_ref().is_some_and(has_requirements)
}

fn row(
    console: &Console,
    session: &Session,
    client_id: &str,
    provider: &Provider,
    verifier: Option<Option<&Verifier>>,
) -> Markup {
    let is_on = provider.is_active || provider.need_action;
    let (button, enabled) = if is_on { ("Disable", "false") } else { ("Enable", "true") };
    let page = activation::page_path(client_id, &provider.id);
    html! {
        tr #(provider.id) {
            th scope="row" { a href=(page) { (provider.name) } br; code { (provider.id) } }
            td { (provider.countries.join(", ")) }
            td { (in_the_way(provider).unwrap_or("yes")) }
            td { @match verifier { Some(verifier) => (health(verifier)), None => "–" } }
            td {
                @if !is_on && needs_form(console, provider) {
                    a href=(page) { "Activate " (provider.name) }
                } @else if session.can_write() {
                    form.row method="post"
                        action={ "/console/apps/" (client_id) "/providers/" (provider.id) } {
                        (layout::csrf(session))
                        input type="hidden" name="enabled" value=(enabled);
                        button aria-label={ (button) " " (provider.name) } { (button) }
                    }
                } @else { (if provider.is_active { "enabled" } else { "not enabled" }) }
            }
        }
    }
}
