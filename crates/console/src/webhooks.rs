//! `GET /console/apps/{client_id}/webhooks`: the app's webhook and its deliveries (§12, §14).

use axum::extract::{Path, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use http_support::error::ApiError;
use http_support::page::parts;
use maud::{Markup, html};
use serde_json::{Value, json};
use wire::app::App;
use wire::webhook::{Delivery, DeliveryStatus, WebhookAttempt, WebhookConfig};

use crate::form::Form;
use crate::layout;
use crate::origin::Origin;
use crate::session::{Session, see_other};
use crate::state::Console;

pub(super) async fn show(
    State(console): State<Console>,
    Path(client_id): Path<String>,
    origin: Origin,
    session: Session,
) -> Result<Response, ApiError> {
    page(&console, &origin, &session, &client_id, html! {}, StatusCode::OK).await
}

pub(super) async fn update(
    State(console): State<Console>,
    Path(client_id): Path<String>,
    origin: Origin,
    form: Form,
) -> Result<Response, ApiError> {
    let mut body = json!({
        "enabled": form.filled("enabled").is_some(),
        "timeoutSeconds": form.get("timeoutSeconds").parse::<i64>().ok(),
    });
    if let (Some(url), Some(members)) = (form.filled("url"), body.as_object_mut()) {
        members.insert("url".into(), url.into());
    }
    let path = format!("/apps/{client_id}/webhook-config");
    let sent: Result<Value, _> =
        console.api(&form.session).send(Method::PATCH, &path, Some(&body)).await;
    after(&console, &origin, &form, &client_id, sent.map(|_| None)).await
}

pub(super) async fn rotate(
    State(console): State<Console>,
    Path(client_id): Path<String>,
    origin: Origin,
    form: Form,
) -> Result<Response, ApiError> {
    let path = format!("/apps/{client_id}/webhook-config/rotate-secret");
    let sent: Result<Value, _> = console.api(&form.session).send(Method::POST, &path, None).await;
    after(&console, &origin, &form, &client_id, sent.map(|_| None)).await
}

pub(super) async fn test(
    State(console): State<Console>,
    Path(client_id): Path<String>,
    origin: Origin,
    form: Form,
) -> Result<Response, ApiError> {
    let path = format!("/apps/{client_id}/webhook-config/test");
    let sent: Result<WebhookAttempt, _> =
        console.api(&form.session).send(Method::POST, &path, None).await;
    let said = sent.map(|attempt| Some(format!("The receiver: {}.", said(&attempt))));
    after(&console, &origin, &form, &client_id, said).await
}

pub(super) async fn redeliver(
    State(console): State<Console>,
    Path((client_id, id)): Path<(String, String)>,
    origin: Origin,
    form: Form,
) -> Result<Response, ApiError> {
    let path = format!("/apps/{client_id}/webhook-deliveries/{id}/redeliver");
    let sent: Result<Value, _> = console.api(&form.session).send(Method::POST, &path, None).await;
    after(&console, &origin, &form, &client_id, sent.map(|_| None)).await
}

/// Shows what came of a form: a text, what the API says against it, or the page again.
async fn after(
    console: &Console,
    origin: &Origin,
    form: &Form,
    client_id: &str,
    outcome: Result<Option<String>, ApiError>,
) -> Result<Response, ApiError> {
    let (top, status) = match outcome {
        Ok(None) => return Ok(see_other(&format!("/console/apps/{client_id}/webhooks"))),
        Ok(Some(text)) => (parts::notice(&text), StatusCode::OK),
        Err(error) if error.status().is_client_error() => {
            (parts::problem(error.message()), error.status())
        }
        Err(error) => return Err(error),
    };
    page(console, origin, &form.session, client_id, top, status).await
}

async fn page(
    console: &Console,
    origin: &Origin,
    session: &Session,
    client_id: &str,
    top: Markup,
    status: StatusCode,
) -> Result<Response, ApiError> {
    let api = console.api(session);
    let app: App = api.get(&format!("/apps/{client_id}")).await?;
    let path = format!("/apps/{client_id}/webhook-config");
    let config: WebhookConfig = api.get(&path).await?;
    let deliveries: Vec<Delivery> =
        api.get(&format!("/apps/{client_id}/webhook-deliveries?limit=50")).await?;
    let above = format!("/console/apps/{client_id}");
    let here = format!("{above}/webhooks");
    let example = json!({ "url": "https://bank.example/hooks/fieldtest", "enabled": true });
    let content = html! {
        (top)
        p { "Your server is told of each event of this app, signed, instead of asking for it." }
        @if let Some(since) = &config.failing_since {
            (parts::problem("No delivery succeeds. After three days the webhook is turned off."))
            p.hint { "Since " (parts::moment(since.0)) }
        }
        @if session.can_write() { (form(session, &here, &config)) } @else {
            (layout::read_only())
            p { "URL: " (config.url.as_deref().unwrap_or("none")) }
        }
        (layout::curl(&origin.0, "PATCH", &path, Some(&example)))
        div #live data-live={ (above) "/events" } data-page=(here) {
            (log(session, &here, &deliveries))
        }
    };
    let crumbs = [("Apps", "/console"), (app.name.as_str(), above.as_str())];
    Ok(layout::page(session, "Webhook", &crumbs, content).with_status(status).into_response())
}

fn form(session: &Session, here: &str, config: &WebhookConfig) -> Markup {
    html! {
        form method="post" action=(here) {
            (layout::csrf(session))
            label for="url" { "URL" }
            input #url type="url" name="url" maxlength="2048"
                value=(config.url.as_deref().unwrap_or_default());
            div.row {
                label for="timeoutSeconds" { "Seconds to answer" }
                input #timeoutSeconds type="number" name="timeoutSeconds" min="1" max="30"
                    value=(config.timeout_seconds);
            }
            label.choice {
                input type="checkbox" name="enabled" value="yes" checked[config.enabled];
                "Deliver events"
            }
            button.primary { "Save" }
        }
        @if let Some(secret) = &config.secret {
            h2 { "Secret" }
            details { summary { "Show the secret" } (parts::copy_link(secret)) }
            div.row {
                form.row method="post" action={ (here) "/rotate-secret" } {
                    (layout::csrf(session))
                    button { "Rotate secret" }
                }
                form.row method="post" action={ (here) "/test" } {
                    (layout::csrf(session))
                    button { "Send test event" }
                }
            }
        }
    }
}

fn log(session: &Session, here: &str, deliveries: &[Delivery]) -> Markup {
    html! {
        h2 { "Deliveries" }
        @if deliveries.is_empty() {
            p.empty { "Nothing was delivered in the last seven days." }
        } @else {
            div.scroll tabindex="0" {
                table {
                    caption { "The newest first" }
                    thead { tr {
                        th scope="col" { "Event" } th scope="col" { "Status" }
                        th scope="col" { "Attempts" } th scope="col" { "Last answer" }
                        th scope="col" { "Next" } th scope="col" { "Again" }
                    } }
                    tbody { @for delivery in deliveries { (row(session, here, delivery)) } }
                }
            }
        }
    }
}

fn row(session: &Session, here: &str, delivery: &Delivery) -> Markup {
    let name = serde_json::to_value(delivery.event).ok();
    let name = name.as_ref().and_then(Value::as_str).unwrap_or_default();
    let (class, status) = match delivery.status {
        DeliveryStatus::Pending => ("state pending", "pending"),
        DeliveryStatus::Delivered => ("state complete", "delivered"),
        DeliveryStatus::Failed => ("state failed", "failed"),
    };
    html! {
        tr {
            th scope="row" { (name) br; (parts::moment(delivery.created_at.0)) }
            td { span class=(class) { (status) } }
            td.number { (delivery.attempt_count) }
            td { @if let Some(attempt) = delivery.attempts.last() { (said(attempt)) } @else { "–" } }
            td { (layout::optional_moment(delivery.next_attempt_at.map(|at| at.0))) }
            td {
                @if session.can_write() {
                    form.row method="post" action={ (here) "/" (delivery.id) "/redeliver" } {
                        (layout::csrf(session))
                        button aria-label={ "Deliver " (name) " " (delivery.id) " again" } { "Again" }
                    }
                }
            }
        }
    }
}

fn said(attempt: &WebhookAttempt) -> String {
    let answer = match (attempt.status, &attempt.error) {
        (Some(status), _) => status.to_string(),
        (None, error) => error.clone().unwrap_or_default(),
    };
    format!("{answer} after {} ms", attempt.duration_milliseconds)
}
