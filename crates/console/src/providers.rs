//! `GET /console/apps/{client_id}/providers`: what can be tested, and what stands in the way (§14).

use axum::extract::{Path, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use http_support::error::ApiError;
use http_support::page::parts;
use maud::{Markup, html};
use serde_json::{Value, json};
use wire::app::App;
use wire::provider::Provider;

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
    let above = format!("/console/apps/{client_id}");
    let content = html! {
        @if let Some(problem) = problem { (parts::problem(problem)) }
        @if !session.can_write() { (layout::read_only()) }
        div.scroll tabindex="0" {
            table {
                caption { "Providers of this deployment" }
                thead { tr {
                    th scope="col" { "Provider" } th scope="col" { "Countries" }
                    th scope="col" { "Can be tested" } th scope="col" { "For this app" }
                } }
                tbody { @for provider in &providers { (row(session, client_id, provider)) } }
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

fn row(session: &Session, client_id: &str, provider: &Provider) -> Markup {
    let is_on = provider.is_active || provider.need_action;
    let (button, enabled) = if is_on { ("Disable", "false") } else { ("Enable", "true") };
    html! {
        tr #(provider.id) {
            th scope="row" { (provider.name) br; code { (provider.id) } }
            td { (provider.countries.join(", ")) }
            td { (in_the_way(provider).unwrap_or("yes")) }
            td {
                @if session.can_write() {
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
