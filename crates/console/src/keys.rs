//! `GET /console/keys`: the API keys of the workspace (§14).

use axum::extract::{Path, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use http_support::error::ApiError;
use http_support::page::parts;
use maud::{Markup, html};
use serde_json::{Value, json};
use wire::api_key::{ApiKey, CreatedApiKey, KeyAccess};

use crate::form::Form;
use crate::layout;
use crate::origin::Origin;
use crate::session::{Session, see_other};
use crate::state::Console;

pub(super) async fn list(
    State(console): State<Console>,
    origin: Origin,
    session: Session,
) -> Result<Response, ApiError> {
    show(&console, &origin, &session, html! {}, StatusCode::OK).await
}

pub(super) async fn create(
    State(console): State<Console>,
    origin: Origin,
    form: Form,
) -> Result<Response, ApiError> {
    let session = &form.session;
    let days: Option<u32> = form.filled("days").and_then(|days| days.parse().ok());
    let now = console.parts.clock_and_rng.now();
    let end = |days: u32| now.plus(std::time::Duration::from_hours(24) * days).to_string();
    let body = json!({
        "name": form.get("name"),
        "access": form.filled("access"),
        "expiresAt": days.map(end),
    });
    let created: Result<CreatedApiKey, _> =
        console.api(session).send(Method::POST, "/api-keys", Some(&body)).await;
    let (top, status) = match created {
        Ok(CreatedApiKey { key, secret }) => (shown_once(&key, &secret), StatusCode::CREATED),
        Err(error) if error.status().is_client_error() => {
            (parts::problem(error.message()), error.status())
        }
        Err(error) => return Err(error),
    };
    show(&console, &origin, session, top, status).await
}

pub(super) async fn revoke(
    State(console): State<Console>,
    Path(id): Path<String>,
    origin: Origin,
    form: Form,
) -> Result<Response, ApiError> {
    let path = format!("/api-keys/{id}");
    let revoked: Result<Value, _> =
        console.api(&form.session).send(Method::DELETE, &path, None).await;
    match revoked {
        Ok(_) => Ok(see_other("/console/keys")),
        Err(error) if error.status().is_client_error() => {
            let problem = parts::problem(error.message());
            show(&console, &origin, &form.session, problem, error.status()).await
        }
        Err(error) => Err(error),
    }
}

fn shown_once(key: &ApiKey, secret: &str) -> Markup {
    html! {
        (parts::notice(&format!(
            "The key “{}” is made. Copy it now: it is not shown again.", key.name
        )))
        (parts::copy_link(secret))
    }
}

async fn show(
    console: &Console,
    origin: &Origin,
    session: &Session,
    top: Markup,
    status: StatusCode,
) -> Result<Response, ApiError> {
    let keys: Vec<ApiKey> = console.api(session).get("/api-keys").await?;
    let own = session.key.id.to_string();
    let content = html! {
        (top)
        div.scroll tabindex="0" {
            table {
                caption { "The keys of the workspace" }
                thead { tr {
                    th scope="col" { "Name" } th scope="col" { "Access" } th scope="col" { "Created" }
                    th scope="col" { "Expires" } th scope="col" { "Last used" }
                    th scope="col" { "Revoke" }
                } }
                tbody { @for key in &keys { (row(session, key, key.id == own)) } }
            }
        }
        @if session.can_write() { (new_key(origin, session)) } @else { (layout::read_only()) }
    };
    Ok(layout::page(session, "Keys", &[], content).with_status(status).into_response())
}

fn row(session: &Session, key: &ApiKey, is_own: bool) -> Markup {
    let access = match key.access {
        KeyAccess::Full => "full",
        KeyAccess::ReadOnly => "read-only",
    };
    html! {
        tr {
            th scope="row" { (key.name) @if is_own { " (yours)" } }
            td { (access) }
            td { (parts::moment(key.created_at.0)) }
            td { (layout::optional_moment(key.expires_at.map(|at| at.0))) }
            td { (layout::optional_moment(key.last_used_at.map(|at| at.0))) }
            td {
                @if session.can_write() {
                    form.row method="post" action={ "/console/keys/" (key.id) "/revoke" } {
                        (layout::csrf(session))
                        button aria-label={ "Revoke the key " (key.name) } { "Revoke" }
                    }
                }
            }
        }
    }
}

fn new_key(origin: &Origin, session: &Session) -> Markup {
    let body = json!({ "name": "CI", "access": "read_only" });
    html! {
        h2 { "New key" }
        form method="post" action="/console/keys" {
            (layout::csrf(session))
            label for="name" { "What it is for" }
            input #name type="text" name="name" maxlength="100" required;
            div.row {
                label for="access" { "Access" }
                select #access name="access" {
                    option value="full" { "full" }
                    option value="read_only" { "read-only" }
                }
                label for="days" { "Expires after days (never, if empty)" }
                input #days type="number" name="days" min="1" max="3650";
            }
            button.primary { "Make key" }
        }
        (layout::curl(&origin.0, "POST", "/api-keys", Some(&body)))
    }
}
