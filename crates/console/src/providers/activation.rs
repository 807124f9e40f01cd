//! `/console/apps/{client_id}/providers/{provider_id}/activation`: how far the activation of a provider
//! is, and the form that asks for it (§11, §14).

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use domain::Environment;
use http_support::error::ApiError;
use http_support::page::parts;
use maud::{Markup, html};
use serde_json::{Map, Value, json};
use wire::app::App;
use wire::provider::{ActivationOutcome, Provider, ProviderStatus, Requirement, Steps};

use crate::form::Form;
use crate::layout;
use crate::origin::Origin;
use crate::session::{Session, see_other};
use crate::state::Console;

pub(crate) async fn show(
    State(console): State<Console>,
    Path((client_id, provider_id)): Path<(String, String)>,
    origin: Origin,
    session: Session,
) -> Result<Response, ApiError> {
    let page = Activation::read(&console, &session, &client_id, &provider_id).await?;
    Ok(page.render(&session, &origin, None, &Map::new(), StatusCode::OK))
}

pub(crate) async fn request(
    State(console): State<Console>,
    Path((client_id, provider_id)): Path<(String, String)>,
    origin: Origin,
    form: Form,
) -> Result<Response, ApiError> {
    let page = Activation::read(&console, &form.session, &client_id, &provider_id).await?;
    let told: Map<String, Value> = page
        .requirements()
        .iter()
        .filter_map(|it| Some((it.id.clone(), form.filled(&it.id)?.into())))
        .collect();
    let body = json!({ "providers": { &provider_id: &told } });
    let path = format!("/apps/{client_id}/activation");
    let api = console.api(&form.session);
    let outcomes: Result<BTreeMap<String, ActivationOutcome>, _> =
        api.send(Method::POST, &path, Some(&body)).await;
    let (problem, status) = match outcomes {
        Ok(outcomes) => match outcomes.get(&provider_id).and_then(refusal) {
            None => return Ok(see_other(&page_path(&client_id, &provider_id))),
            Some(problem) => (problem, StatusCode::BAD_REQUEST),
        },
        Err(error) if error.status().is_client_error() => {
            (error.message().to_owned(), error.status())
        }
        Err(error) => return Err(error),
    };
    Ok(page.render(&form.session, &origin, Some(&problem), &told, status))
}

/// The path of the page.
pub(super) fn page_path(client_id: &str, provider_id: &str) -> String {
    format!("/console/apps/{client_id}/providers/{provider_id}/activation")
}

/// Why the provider was not activated, and whom to write to.
fn refusal(outcome: &ActivationOutcome) -> Option<String> {
    outcome.error.as_ref()?;
    let message = outcome.message.clone().unwrap_or_default();
    Some(match &outcome.contact {
        Some(contact) => format!("{message} {contact}"),
        None => message,
    })
}

/// What the page shows.
struct Activation {
    environment: Environment,
    app: App,
    provider: Provider,
    steps: Steps,
}

impl Activation {
    async fn read(
        console: &Console,
        session: &Session,
        client_id: &str,
        provider_id: &str,
    ) -> Result<Self, ApiError> {
        let api = console.api(session);
        let app: App = api.get(&format!("/apps/{client_id}")).await?;
        let path = format!("/apps/{client_id}/providers");
        // The steps say whether there is such a provider.
        let steps = api.get(&format!("{path}/{provider_id}/activation/steps")).await?;
        let providers: Vec<Provider> = api.get(&format!("{path}?include=activation")).await?;
        let provider = providers.into_iter().find(|it| it.id == provider_id);
        let provider = provider.ok_or_else(|| ApiError::not_found("There is no such provider."))?;
        Ok(Self { environment: console.parts.environment, app, provider, steps })
    }

    /// What has to be told: nothing in a sandbox, where a provider is activated at once.
    fn requirements(&self) -> &[Requirement] {
        match (&self.provider.activation, self.environment) {
            (Some(activation), Environment::Production) => &activation.requirements,
            _ => &[],
        }
    }

    fn render(
        &self,
        session: &Session,
        origin: &Origin,
        problem: Option<&str>,
        told: &Map<String, Value>,
        status: StatusCode,
    ) -> Response {
        let (client_id, name) = (&self.app.client_id, &self.provider.name);
        let app_path = format!("/console/apps/{client_id}");
        let list_path = format!("{app_path}/providers");
        let is_open = self.provider.status == Some(ProviderStatus::NotActivated);
        let content = html! {
            @if let Some(problem) = problem { (parts::problem(problem)) }
            p { (self.provider.description) }
            h2 { "Steps" }
            (self.steps())
            @if !session.can_write() { (layout::read_only()) } @else if is_open {
                h2 { "Activate" }
                form method="post" action=(page_path(client_id, &self.provider.id)) {
                    (layout::csrf(session))
                    @for requirement in self.requirements() { (field(requirement, told)) }
                    button.primary { "Activate " (name) }
                }
                (layout::curl(&origin.0, "POST", &format!("/apps/{client_id}/activation"),
                    Some(&json!({ "providers": { &self.provider.id: self.example() } }))))
            }
        };
        let crumbs = [
            ("Apps", "/console"),
            (self.app.name.as_str(), app_path.as_str()),
            ("Providers", list_path.as_str()),
        ];
        layout::page(session, &format!("Activation of {name}"), &crumbs, content)
            .with_status(status)
            .into_response()
    }

    fn steps(&self) -> Markup {
        let current = usize::try_from(self.steps.current_step_index).ok();
        html! {
            ol {
                @for (index, step) in self.steps.steps.iter().enumerate() {
                    li aria-current=[(current == Some(index)).then_some("step")] {
                        strong { (step.title) } br; (step.description)
                    }
                }
            }
            p { "Status: " strong { (status_text(self.provider.status)) } }
        }
    }

    /// What the request has to tell, with a text in place of each value.
    fn example(&self) -> Value {
        let members = self.requirements().iter().map(|it| (it.id.clone(), json!(it.label)));
        Value::Object(members.collect())
    }
}

fn status_text(status: Option<ProviderStatus>) -> &'static str {
    match status {
        Some(ProviderStatus::Activated) => "activated",
        Some(ProviderStatus::ActivationRequested | ProviderStatus::ActivationProcessing) => {
            "requested: the operator of this deployment has to approve it"
        }
        Some(ProviderStatus::Rejected) => "rejected by the operator",
        Some(ProviderStatus::NotActivated) | None => "not activated",
    }
}

fn field(requirement: &Requirement, told: &Map<String, Value>) -> Markup {
    let Requirement { id, label, required, .. } = requirement;
    let value = told.get(id).and_then(Value::as_str);
    html! {
        label for=(id) { (label) }
        input #(id) type="text" name=(id) maxlength="100" required[*required] value=[value];
    }
}
