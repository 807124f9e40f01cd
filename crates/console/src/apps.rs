//! `GET /console`: the apps of the workspace (§14).

use axum::extract::{Query, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use http_support::error::ApiError;
use http_support::page::parts;
use maud::{Markup, html};
use serde_json::json;
use wire::app::{App, AppPage};

use crate::form::Form;
use crate::layout;
use crate::origin::Origin;
use crate::paging::{self, PAGE, PageNumber};
use crate::session::{Session, see_other};
use crate::state::Console;

pub(super) async fn list(
    State(console): State<Console>,
    origin: Origin,
    session: Session,
    Query(page): Query<PageNumber>,
) -> Result<Response, ApiError> {
    show(&console, &origin, &session, page, None, StatusCode::OK).await
}

pub(super) async fn create(
    State(console): State<Console>,
    origin: Origin,
    form: Form,
) -> Result<Response, ApiError> {
    let session = &form.session;
    let body = json!({ "name": form.get("name") });
    let created: Result<App, _> =
        console.api(session).send(Method::POST, "/apps", Some(&body)).await;
    match created {
        Ok(app) => Ok(see_other(&format!("/console/apps/{}/providers", app.client_id))),
        Err(error) if error.status().is_client_error() => {
            let (first, status) = (PageNumber::default(), error.status());
            show(&console, &origin, session, first, Some(error.message()), status).await
        }
        Err(error) => Err(error),
    }
}

async fn show(
    console: &Console,
    origin: &Origin,
    session: &Session,
    page: PageNumber,
    problem: Option<&str>,
    status: StatusCode,
) -> Result<Response, ApiError> {
    let path = format!("/apps?limit={PAGE}&offset={}", page.offset());
    let AppPage { data, total, .. } = console.api(session).get(&path).await?;
    let content = html! {
        @if let Some(problem) = problem { (parts::problem(problem)) }
        @if data.is_empty() {
            p.empty { "There is no app yet. Create the one whose logins you want to test." }
        } @else {
            ul.cards { @for app in &data { li { (card(app)) } } }
            (paging::links("/console", page, total))
        }
        @if session.can_write() {
            h2 { "New app" }
            form method="post" action="/console/apps" {
                (layout::csrf(session))
                label for="name" { "Name" }
                input #name type="text" name="name" maxlength="100" required;
                p.hint { "Testers see it as the one who asks for the test." }
                button.primary { "Create app" }
            }
            (layout::curl(&origin.0, "POST", "/apps", Some(&json!({ "name": "Acme Bank" }))))
        } @else { (layout::read_only()) }
    };
    Ok(layout::page(session, "Apps", &[], content).with_status(status).into_response())
}

fn card(app: &App) -> Markup {
    html! {
        a.card href={ "/console/apps/" (app.client_id) } {
            strong { (app.name) }
            code { (app.client_id) }
        }
    }
}
