//! `GET /console/apps/{client_id}`: the app's production tests. Filter and order are in the URL.

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use domain::Timestamp;
use http_support::error::ApiError;
use http_support::page::parts;
use maud::{Markup, html};
use wire::app::App;
use wire::page::TOTAL_COUNT_HEADER;
use wire::production_test::{ListItem, TestState};

use crate::layout;
use crate::paging::{self, PAGE, PageNumber};
use crate::session::Session;
use crate::state::Console;

/// The filter and the order of the list.
#[derive(serde::Deserialize)]
pub(crate) struct Filter {
    status: Option<String>,
    order: Option<String>,
}

const STATUSES: [(&str, &str); 5] = [
    ("", "All"),
    ("pending", "Pending"),
    ("scheduled", "Scheduled"),
    ("failed", "Failed"),
    ("cancelled", "Cancelled"),
];

impl Filter {
    fn status(&self) -> &str {
        self.status.as_deref().unwrap_or_default()
    }

    fn is_ascending(&self) -> bool {
        self.order.as_deref() == Some("asc")
    }

    /// The query of the page with this status and order.
    fn query(status: &str, is_ascending: bool) -> String {
        let status = if status.is_empty() { String::new() } else { format!("&status={status}") };
        format!("?order={}{status}", if is_ascending { "asc" } else { "desc" })
    }
}

pub(crate) async fn list(
    State(console): State<Console>,
    Path(client_id): Path<String>,
    session: Session,
    Query(filter): Query<Filter>,
    Query(page): Query<PageNumber>,
) -> Result<Response, ApiError> {
    let api = console.api(&session);
    let app: App = api.get(&format!("/apps/{client_id}")).await?;
    let query = Filter::query(filter.status(), filter.is_ascending());
    let (offset, tests) = (page.offset(), format!("/apps/{client_id}/production-tests"));
    let path = format!("{tests}{query}&limit={PAGE}&offset={offset}");
    let (headers, items): (_, Vec<ListItem>) = api.get_with_headers(&path).await?;
    let total = headers.get(TOTAL_COUNT_HEADER).and_then(|total| total.to_str().ok()?.parse().ok());
    let here = format!("/console/apps/{client_id}");
    let content = html! {
        div.row {
            @if session.can_write() {
                a.button.primary href={ (here) "/production-tests/new" } { "Order a test" }
            }
            a.button href={ (here) "/providers" } { "Providers" }
            a.button href={ (here) "/webhooks" } { "Webhook" }
            code { (client_id) }
        }
        (filters(&here, &filter))
        div #live data-live={ (here) "/events" } {
            @if items.is_empty() {
                p.empty {
                    @if filter.status().is_empty() {
                        "No production test yet. Order one: three fields, and testers can begin."
                    } @else { "No production test has this status." }
                }
            } @else { (table(&here, &items, console.parts.clock_and_rng.now())) }
            (paging::links(&format!("{here}{query}"), page, total.unwrap_or_default()))
        }
    };
    Ok(layout::page(&session, &app.name, &[("Apps", "/console")], content).into_response())
}

fn filters(here: &str, filter: &Filter) -> Markup {
    let (status, ascending) = (filter.status(), filter.is_ascending());
    html! {
        nav.row aria-label="Filter" {
            @for (name, label) in STATUSES {
                a href={ (here) (Filter::query(name, ascending)) }
                    aria-current=[(name == status).then_some("true")] { (label) }
            }
            a href={ (here) (Filter::query(status, !ascending)) } {
                (if ascending { "Newest first" } else { "Oldest first" })
            }
        }
    }
}

fn table(here: &str, items: &[ListItem], now: Timestamp) -> Markup {
    html! {
        div.scroll tabindex="0" {
            table {
                caption { "Production tests" }
                thead { tr {
                    th scope="col" { "Title" } th scope="col" { "State" }
                    th scope="col" { "Ordered" } th scope="col" { "Ends" }
                } }
                tbody { @for item in items { (row(here, item, now)) } }
            }
        }
    }
}

fn row(here: &str, item: &ListItem, now: Timestamp) -> Markup {
    let (id, title, created_at, ends) = match (&item.challenge, &item.request) {
        (Some(it), _) => (&it.id, &it.title, it.created_at, Some(it.expires_at.0)),
        (None, Some(it)) => (&it.id, &it.payload.title, it.created_at, None),
        (None, None) => return html! {},
    };
    html! {
        tr {
            th scope="row" { a href={ (here) "/production-tests/" (id) } { (title) } }
            td { (layout::state(TestState::of_item(item, now))) }
            td { (parts::moment(created_at.0)) }
            td { (layout::optional_moment(ends)) }
        }
    }
}
