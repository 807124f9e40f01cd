//! `GET /`: the welcome page, for a person who opens the address in a browser (§13).

use axum::response::Response;
use http_support::page;
use maud::html;

pub(super) async fn show() -> Response {
    let main = html! {
        h1 { "fieldtest" }
        p { "Production tests of electronic identities, with real people on real devices." }
        ul {
            li { a href="/docs" { "The API, operation by operation" } }
            li { a href="/openapi.json" { "The same as an OpenAPI document" } }
            li { a href="/tpas/v1/challenges/open" { "Challenges that testers can join now" } }
        }
    };
    page::respond("Welcome", &main)
}
