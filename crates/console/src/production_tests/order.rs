//! `GET` and `POST /console/apps/{client_id}/production-tests/new`: ordering a test (§14).

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::base62;
use http_support::error::ApiError;
use http_support::page::parts;
use maud::{Markup, html};
use serde_json::{Value, json};
use wire::app::App;
use wire::production_test::ChallengeRequest;
use wire::provider::Provider;

use crate::form::Form;
use crate::layout;
use crate::origin::Origin;
use crate::providers::in_the_way;
use crate::session::{Session, see_other};
use crate::state::Console;

/// What the form contains, as it was sent or at first.
struct Entries {
    title: String,
    description: String,
    provider_ids: Vec<String>,
    platform: String,
    max_stamps: String,
    allow_duplicates: bool,
    /// A form that is sent twice orders once.
    key: String,
}

pub(crate) async fn form(
    State(console): State<Console>,
    Path(client_id): Path<String>,
    origin: Origin,
    session: Session,
) -> Result<Response, ApiError> {
    let entries = Entries {
        title: String::new(),
        description: String::new(),
        provider_ids: Vec::new(),
        platform: String::new(),
        max_stamps: "3".into(),
        allow_duplicates: false,
        key: base62::random(console.parts.clock_and_rng.randomness(), 22),
    };
    show(&console, &origin, &session, &client_id, &entries, None, StatusCode::OK).await
}

pub(crate) async fn order(
    State(console): State<Console>,
    Path(client_id): Path<String>,
    origin: Origin,
    form: Form,
) -> Result<Response, ApiError> {
    let owned = |name: &str| form.get(name).to_owned();
    let entries = Entries {
        title: owned("title"),
        description: owned("description"),
        provider_ids: form.all("provider").into_iter().map(str::to_owned).collect(),
        platform: owned("platform"),
        max_stamps: owned("maxStamps"),
        allow_duplicates: form.filled("allowDuplicates").is_some(),
        key: owned("key"),
    };
    let path = format!("/apps/{client_id}/production-tests");
    let ordered: Result<ChallengeRequest, _> =
        console.api(&form.session).send_once(&path, &entries.body(), &entries.key).await;
    match ordered {
        Ok(request) => Ok(see_other(&format!("/console{path}/{}", request.id))),
        Err(error) if error.status().is_client_error() => {
            let (problem, status) = (Some(error.message()), error.status());
            show(&console, &origin, &form.session, &client_id, &entries, problem, status).await
        }
        Err(error) => Err(error),
    }
}

impl Entries {
    /// The body of the order. What is empty is left out; what is not a number is for the API to refuse.
    fn body(&self) -> Value {
        let filled = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let max_stamps = self.max_stamps.parse::<i64>().map_or_else(
            |_| filled(&self.max_stamps).map_or(Value::Null, Value::from),
            Value::from,
        );
        let members = [
            ("title", json!(self.title)),
            ("description", json!(filled(&self.description))),
            ("providerIds", json!(self.provider_ids)),
            ("targetPlatform", json!(filled(&self.platform))),
            ("maxStamps", max_stamps),
            ("allowDuplicateParticipation", json!(self.allow_duplicates.then_some(true))),
        ];
        let members = members.into_iter().filter(|(_, value)| !value.is_null());
        Value::Object(members.map(|(name, value)| (name.to_owned(), value)).collect())
    }
}

async fn show(
    console: &Console,
    origin: &Origin,
    session: &Session,
    client_id: &str,
    entries: &Entries,
    problem: Option<&str>,
    status: StatusCode,
) -> Result<Response, ApiError> {
    let api = console.api(session);
    let app: App = api.get(&format!("/apps/{client_id}")).await?;
    let providers: Vec<Provider> = api.get(&format!("/apps/{client_id}/providers")).await?;
    let above = format!("/console/apps/{client_id}");
    let content = html! {
        @if let Some(problem) = problem { (parts::problem(problem)) }
        @if session.can_write() {
            form method="post" action={ (above) "/production-tests/new" } {
                (layout::csrf(session))
                input type="hidden" name="key" value=(entries.key);
                (fields(entries))
                (choices(&above, &providers, &entries.provider_ids))
                button.primary { "Order test" }
            }
        } @else { (layout::read_only()) }
        (layout::curl(&origin.0, "POST", &format!("/apps/{client_id}/production-tests"),
            Some(&example(entries, &providers))))
    };
    let crumbs = [("Apps", "/console"), (app.name.as_str(), above.as_str())];
    Ok(layout::page(session, "Order a test", &crumbs, content).with_status(status).into_response())
}

/// The order that the command shows: what was entered, or an example.
fn example(entries: &Entries, providers: &[Provider]) -> Value {
    if !entries.title.is_empty() {
        return entries.body();
    }
    let first = providers.iter().find(|provider| in_the_way(provider).is_none());
    let ids: Vec<&str> = first.map(|provider| provider.id.as_str()).into_iter().collect();
    json!({ "title": "BankID SE Test", "providerIds": ids, "maxStamps": 3 })
}

fn fields(entries: &Entries) -> Markup {
    html! {
        label for="title" { "Title" }
        input #title type="text" name="title" maxlength="200" required value=(entries.title);
        label for="maxStamps" { "Stamps: how many people, first come, first served" }
        input #maxStamps type="number" name="maxStamps" min="1" max="2147483647" required
            value=(entries.max_stamps);
        details open[!entries.description.is_empty() || !entries.platform.is_empty()
            || entries.allow_duplicates] {
            summary { "Description, platform, repetitions" }
            label for="description" { "What testers should know" }
            textarea #description name="description" maxlength="1000" rows="3" {
                (entries.description)
            }
            label for="platform" { "Phones" }
            select #platform name="platform" {
                @for (value, name) in [("", "iOS and Android"), ("ios", "iOS"), ("android", "Android")] {
                    option value=(value) selected[value == entries.platform] { (name) }
                }
            }
            label.choice {
                input type="checkbox" name="allowDuplicates" value="yes"
                    checked[entries.allow_duplicates];
                "A person may take part again"
            }
        }
    }
}

fn choices(above: &str, providers: &[Provider], chosen: &[String]) -> Markup {
    let eligible: Vec<&Provider> = providers.iter().filter(|it| in_the_way(it).is_none()).collect();
    let others = providers.iter().filter_map(|it| Some((it, in_the_way(it)?)));
    html! {
        fieldset {
            legend { "eIDs to test" }
            @if eligible.is_empty() {
                p.empty {
                    "No provider is enabled for this app yet. "
                    a href={ (above) "/providers" } { "Enable one" } "."
                }
            }
            @for (number, provider) in eligible.iter().enumerate() {
                label.choice {
                    input type="checkbox" name="provider" value=(provider.id)
                        checked[chosen.contains(&provider.id) || (chosen.is_empty() && number == 0)];
                    (provider.name) " (" (provider.id) ")"
                }
            }
        }
        details {
            summary { "Why other eIDs cannot be tested" }
            ul { @for (provider, why) in others { li { (provider.name) ": " (why) } } }
        }
    }
}
