//! What all pages of the console have in common (§14).

use domain::Timestamp;
use http_support::page::{Page, parts};
use maud::{Markup, html};
use wire::production_test::TestState;

use crate::session::Session;

/// A page for somebody who is signed in. `crumbs` are the pages above it, with their paths.
pub(crate) fn page(
    session: &Session,
    title: &str,
    crumbs: &[(&str, &str)],
    content: Markup,
) -> Page {
    let main = html! {
        @if !crumbs.is_empty() {
            nav.crumbs aria-label="Breadcrumb" {
                @for (name, path) in crumbs { a href=(path) { (name) } " / " }
            }
        }
        h1 { (title) }
        (content)
    };
    Page::new(title, main).with_navigation(bar(session, title))
}

fn bar(session: &Session, title: &str) -> Markup {
    let link = |path: &str, name: &str| {
        html! { a href=(path) aria-current=[(name == title).then_some("page")] { (name) } }
    };
    html! {
        nav.row aria-label="Console" {
            (link("/console", "Apps"))
            (link("/console/keys", "Keys"))
            (link("/docs", "API reference"))
        }
        form.row method="post" action="/console/sign-out" {
            (csrf(session))
            span.who {
                "Key " (session.key.name) @if !session.can_write() { " (read-only)" }
            }
            button { "Sign out" }
        }
    }
}

/// The hidden field that every form has.
pub(crate) fn csrf(session: &Session) -> Markup {
    html! { input type="hidden" name="csrf" value=(session.csrf); }
}

/// Says that a key that may only read cannot do what the page is for.
pub(crate) fn read_only() -> Markup {
    parts::notice("You are signed in with a read-only key: you see everything, and change nothing.")
}

/// The state of a production test.
pub(crate) fn state(state: TestState) -> Markup {
    html! { span class={ "state " (state.name()) } { (state.name()) } }
}

/// A point in time, if there is one.
pub(crate) fn optional_moment(at: Option<Timestamp>) -> Markup {
    html! { @match at { Some(at) => (parts::moment(at)), None => "–" } }
}

/// The same as a command for a terminal.
pub(crate) fn curl(
    origin: &str,
    method: &str,
    path: &str,
    body: Option<&serde_json::Value>,
) -> Markup {
    let mut command = format!("curl -X {method} -H \"Authorization: Bearer $FIELDTEST_API_KEY\"");
    if let Some(body) = body {
        // A single quote cannot stand inside single quotes.
        let body = body.to_string().replace('\'', r"'\''");
        command
            .push_str(&format!(" \\\n  -H \"Content-Type: application/json\" \\\n  -d '{body}'"));
    }
    command.push_str(&format!(" \\\n  \"{origin}/connect/v1{path}\""));
    html! {
        details {
            summary { "The same with curl" }
            pre tabindex="0" { code { (command) } }
        }
    }
}
