//! Webhooks of an app: configure, rotate the secret, test, see and repeat deliveries (§12).

pub(super) mod deliveries;
pub(super) mod redeliver;
pub(super) mod rotate_secret;
pub(super) mod show;
pub(super) mod test;
pub(super) mod update;

use domain::event::Sequence;
use http_support::error::ApiError;
use store_workspace::{DeliveryRecord, Webhook};
#[cfg(feature = "openapi")]
use utoipa::OpenApi;
use wire::Moment;
use wire::webhook::{Delivery, DeliveryStatus, WebhookConfig};

/// The part of the OpenAPI document about webhooks.
#[cfg(feature = "openapi")]
#[derive(OpenApi)]
#[openapi(paths(
    show::show,
    update::update,
    rotate_secret::rotate,
    test::test,
    deliveries::list,
    redeliver::redeliver
))]
pub(crate) struct Paths;

const NO_WEBHOOK: &str = "This app has no webhook yet. Set its url first.";

/// The configuration of a webhook, without the secret.
pub(crate) fn to_body(webhook: Option<&Webhook>) -> WebhookConfig {
    webhook.map_or_else(WebhookConfig::default, |webhook| (&webhook.config).into())
}

fn delivery(record: &DeliveryRecord) -> Result<Delivery, ApiError> {
    let DeliveryRecord {
        sequence,
        event_id,
        name,
        request_id,
        state,
        attempts,
        attempt_log,
        created_at,
        next_attempt_at,
    } = record;
    Ok(Delivery {
        id: sequence.to_string(),
        event_id: event_id.to_string(),
        event: (*name).into(),
        request_id: request_id.to_string(),
        status: match state.as_str() {
            "delivered" => DeliveryStatus::Delivered,
            "failed" => DeliveryStatus::Failed,
            _ => DeliveryStatus::Pending,
        },
        attempt_count: *attempts,
        attempts: serde_json::from_str(attempt_log).map_err(ApiError::internal)?,
        created_at: (*created_at).into(),
        next_attempt_at: next_attempt_at.map(Moment::from),
    })
}

/// The id of a delivery: the number of its event.
struct DeliveryId(Sequence);

impl std::str::FromStr for DeliveryId {
    type Err = domain::event::MalformedSequence;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}
