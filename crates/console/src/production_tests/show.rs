//! `GET /console/apps/{client_id}/production-tests/{id}`: a test, live (§14).

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use http_support::error::ApiError;
use http_support::page::parts;
use maud::{Markup, html};
use serde_json::json;
use store_workspace::SharedTestLink;
use wire::app::App;
use wire::production_test::TestState;

use super::share;
use super::view::View;
use crate::layout;
use crate::origin::Origin;
use crate::session::Session;
use crate::state::Console;

pub(crate) async fn show(
    State(console): State<Console>,
    Path((client_id, id)): Path<(String, String)>,
    origin: Origin,
    session: Session,
) -> Result<Response, ApiError> {
    page(&console, &origin, &session, (&client_id, &id), html! {}, StatusCode::OK).await
}

/// The page, with what came of a form at its top.
pub(super) async fn page(
    console: &Console,
    origin: &Origin,
    session: &Session,
    (client_id, id): (&str, &str),
    top: Markup,
    status: StatusCode,
) -> Result<Response, ApiError> {
    let api = console.api(session);
    let app: App = api.get(&format!("/apps/{client_id}")).await?;
    let view = View::read(&api, client_id, id, console.parts.clock_and_rng.now()).await?;
    let links = share::links(console, session, &view.test).await?;
    let here = format!("/console/apps/{client_id}/production-tests/{id}");
    let above = format!("/console/apps/{client_id}");
    let content = html! {
        (top)
        div #live data-live={ (above) "/events" } data-page=(here) { (view.live(&origin.0)) }
        h2 { "Downloads" }
        (downloads(&here, &view))
        @if session.can_write() {
            (actions(session, origin, &here, &view))
            (sharing(session, &here, &links))
        } @else { (layout::read_only()) }
    };
    let crumbs = [("Apps", "/console"), (app.name.as_str(), above.as_str())];
    Ok(layout::page(session, view.title(), &crumbs, content).with_status(status).into_response())
}

fn downloads(here: &str, view: &View) -> Markup {
    html! {
        @if view.test.challenge.is_some() {
            div.row {
                a href={ (here) "/report.json" } download { "Report (JSON)" }
                a href={ (here) "/outcomes.json" } download { "Outcomes (JSON)" }
                a href={ (here) "/outcomes.csv" } download { "Outcomes (CSV)" }
            }
        } @else { p.hint { "Once the test is scheduled, its report is here." } }
    }
}

fn actions(session: &Session, origin: &Origin, here: &str, view: &View) -> Markup {
    let state = view.state();
    let api_path =
        format!("/apps/{}/production-tests/{}", view.test.request.client_id, view.test.request.id);
    let can_grow = matches!(state, TestState::Pending | TestState::Open | TestState::Complete);
    let limit = view.test.request.payload.max_stamp_claims;
    html! {
        @if can_grow {
            h2 { "More room, more time" }
            form method="post" action={ (here) "/update" } {
                (layout::csrf(session))
                div.row {
                    label for="maxStamps" { "Stamps" }
                    input #maxStamps type="number" name="maxStamps" min=(limit) max="2147483647"
                        value=(limit);
                    label for="days" { "Ends in days (as it is, if empty)" }
                    input #days type="number" name="days" min="0" max="30";
                    button { "Change" }
                }
            }
            (layout::curl(&origin.0, "PATCH", &api_path,
                Some(&json!({ "maxStamps": limit.saturating_add(2) }))))
        }
        @if matches!(state, TestState::Pending | TestState::Open) {
            h2 { "Cancel" }
            form method="post" action={ (here) "/cancel" } {
                (layout::csrf(session))
                p.hint { "Nobody can join any more. Stamps that were granted stay." }
                button { "Cancel test" }
            }
            (layout::curl(&origin.0, "POST", &format!("{api_path}/cancel"), None))
        }
        @if state == TestState::Failed {
            h2 { "Retry" }
            form method="post" action={ (here) "/retry" } {
                (layout::csrf(session))
                button.primary { "Retry test" }
            }
            (layout::curl(&origin.0, "POST", &format!("{api_path}/retry"), None))
        }
    }
}

fn sharing(session: &Session, here: &str, links: &[SharedTestLink]) -> Markup {
    html! {
        h2 { "Show it to a colleague" }
        form method="post" action={ (here) "/share" } {
            (layout::csrf(session))
            p.hint {
                "A link that shows this page and nothing else, without signing in. It ends with the key \
                 that you are signed in with."
            }
            div.row {
                label for="share-days" { "Days" }
                input #share-days type="number" name="days" min="1" max="30" value="7" required;
                button { "Make link" }
            }
        }
        @for link in links {
            form.row method="post" action={ (here) "/share/revoke" } {
                (layout::csrf(session))
                input type="hidden" name="link" value=(hex::encode(link.token_hash.as_bytes()));
                span {
                    "Link of " (parts::moment(link.created_at)) ", until "
                    (parts::moment(link.expires_at))
                }
                button { "Revoke link" }
            }
        }
    }
}
