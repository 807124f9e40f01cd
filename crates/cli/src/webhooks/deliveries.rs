//! `fieldtest webhooks deliveries` and `redeliver` (§12).

use wire::webhook::{Delivery, DeliveryStatus};

use super::Session;
use crate::failure::Failure;
use crate::table::Table;
use crate::terminal::{Style, Terminal};

pub(super) async fn list(session: &Session, app: &str) -> Result<(), Failure> {
    let deployment = &session.deployment;
    let found = deployment.api.webhook_deliveries(app).await;
    let found = found.map_err(|error| deployment.explain(&error))?;
    session.print(&found, || table(&found))
}

pub(super) async fn redeliver(session: &Session, app: &str, id: &str) -> Result<(), Failure> {
    let deployment = &session.deployment;
    let delivery = deployment.api.redeliver(app, id).await;
    let delivery = delivery.map_err(|error| deployment.explain(&error))?;
    session.print(&delivery, || format!("{} is delivered again\n", delivery.event_id))
}

fn table(deliveries: &[Delivery]) -> String {
    let headings = ["ID", "STATUS", "ATTEMPTS", "LAST", "CREATED", "EVENT"];
    let table = deliveries.iter().fold(Table::new(headings), |table, delivery| {
        let last = delivery.attempts.last();
        let last = match last.map(|attempt| (attempt.status, &attempt.error)) {
            Some((Some(status), _)) => status.to_string(),
            Some((None, error)) => error.clone().unwrap_or_default(),
            None => "–".into(),
        };
        let event = serde_json::to_value(delivery.event).ok();
        let event = event.as_ref().and_then(|event| event.as_str()).unwrap_or_default();
        table.row([
            delivery.id.clone(),
            name(delivery.status).to_owned(),
            delivery.attempt_count.to_string(),
            last,
            delivery.created_at.to_string(),
            event.to_owned(),
        ])
    });
    let style = |status: &str| match status {
        "delivered" => Style::Success,
        "failed" => Style::Error,
        _ => Style::Warning,
    };
    table.fit(Terminal::stdout(), 3).paint(1, style).to_string()
}

fn name(status: DeliveryStatus) -> &'static str {
    match status {
        DeliveryStatus::Pending => "pending",
        DeliveryStatus::Delivered => "delivered",
        DeliveryStatus::Failed => "failed",
    }
}
