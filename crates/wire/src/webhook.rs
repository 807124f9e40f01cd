//! Webhooks: the bodies to configure them and to see how deliveries went (§12).

use std::collections::BTreeSet;

use domain::event::EventName as Name;
use domain::webhook::WebhookConfig as Config;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::Moment;
use crate::error::FieldError;
use crate::event::EventName;
use crate::fields::{Fields, integer, text, texts};

/// The configuration of an app's webhook (§12).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WebhookConfig {
    /// Where events are delivered to; left out until it is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "https://bank.example/hooks/fieldtest")]
    pub url: Option<String>,
    /// Whether they are.
    pub enabled: bool,
    /// How many quick attempts follow a failed one: of those after 1, 5 and 30 seconds.
    #[schema(minimum = 0, maximum = 10, example = 3)]
    pub retry_attempts: u32,
    /// How long an attempt may take, in seconds.
    #[schema(minimum = 1, maximum = 30, example = 10)]
    pub timeout_seconds: u32,
    /// The events; empty means all.
    pub events: Vec<EventName>,
    /// Since when no delivery has succeeded; left out while they do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub failing_since: Option<Moment>,
    /// The secret that signs; only where the configuration itself is read, with full access.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "whsec_…")]
    pub secret: Option<String>,
}

impl From<&Config> for WebhookConfig {
    fn from(config: &Config) -> Self {
        let Config { url, enabled, retry_attempts, timeout_seconds, events, failing_since } =
            config;
        Self {
            url: url.clone(),
            enabled: *enabled,
            retry_attempts: *retry_attempts,
            timeout_seconds: *timeout_seconds,
            events: events.iter().map(|name| (*name).into()).collect(),
            failing_since: failing_since.map(Moment::from),
            secret: None,
        }
    }
}

impl Default for WebhookConfig {
    fn default() -> Self {
        (&Config::default()).into()
    }
}

/// A change of a webhook's configuration (§12). Members that are left out stay as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({ "url": "https://bank.example/hooks/fieldtest", "enabled": true }))]
pub struct UpdateWebhookConfig {
    /// Where events are delivered to: https, and in a sandbox http too; a public address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2048)]
    pub url: Option<String>,
    /// Whether they are. It needs a `url`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// How many quick attempts follow a failed one: of those after 1, 5 and 30 seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 10)]
    pub retry_attempts: Option<u32>,
    /// How long an attempt may take, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 30)]
    pub timeout_seconds: Option<u32>,
    /// The events; empty means all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<EventName>>,
}

/// A change as it was read. The caller checks the URL: it knows where deliveries may go.
pub struct WebhookChange {
    url: Option<String>,
    enabled: Option<bool>,
    retry_attempts: Option<u32>,
    timeout_seconds: Option<u32>,
    events: Option<BTreeSet<Name>>,
}

impl WebhookChange {
    /// The configuration after this change.
    #[must_use]
    pub fn apply(self, config: Config) -> Config {
        Config {
            url: self.url.or(config.url),
            enabled: self.enabled.unwrap_or(config.enabled),
            retry_attempts: self.retry_attempts.unwrap_or(config.retry_attempts),
            timeout_seconds: self.timeout_seconds.unwrap_or(config.timeout_seconds),
            events: self.events.unwrap_or(config.events),
            failing_since: None,
        }
    }
}

/// What is wrong with a URL, as what it must be; `Ok` if nothing is.
pub type UrlRule<'a> = &'a dyn Fn(&str) -> Result<(), &'static str>;

/// Reads a change of a webhook's configuration. `check_url` knows where deliveries may go.
///
/// # Errors
/// One error per invalid field.
pub fn read_webhook_change(
    body: &Map<String, Value>,
    check_url: UrlRule<'_>,
) -> Result<WebhookChange, Vec<FieldError>> {
    let mut fields = Fields::of(body);
    let url = fields.optional("url", "url", "a text", text);
    let url = url.and_then(|url| {
        let refused = url.as_deref().and_then(|url| check_url(url).err());
        let Some(rule) = refused else { return Some(url) };
        let given = url.map_or(Value::Null, Value::from);
        fields.refuse(FieldError::invalid("url", format!("url must be {rule}."), &given));
        None
    });
    let enabled = fields.optional("enabled", "enabled", "true or false", Value::as_bool);
    let within = |range: std::ops::RangeInclusive<i64>| {
        move |value: &Value| {
            let number = integer(value).filter(|number| range.contains(number))?;
            u32::try_from(number).ok()
        }
    };
    let retry_attempts = fields.optional(
        "retryAttempts",
        "retryAttempts",
        "an integer from 0 to 10",
        within(0..=10),
    );
    let timeout_seconds = fields.optional(
        "timeoutSeconds",
        "timeoutSeconds",
        "an integer from 1 to 30",
        within(1..=30),
    );
    let events = fields.optional("events", "events", &events_rule(), |value| {
        texts(value)?.iter().map(|name| Name::from_name(name)).collect()
    });
    let change = || {
        Some(WebhookChange {
            url: url?,
            enabled: enabled?,
            retry_attempts: retry_attempts?,
            timeout_seconds: timeout_seconds?,
            events: events?,
        })
    };
    let change = change();
    fields.finish(change)
}

fn events_rule() -> String {
    let names: Vec<&str> = Name::ALL.iter().map(|name| name.as_str()).collect();
    format!("a list of names out of {}; empty means all", names.join(", "))
}

/// A new secret of a webhook (§12).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookSecret {
    /// The secret.
    #[schema(example = "whsec_…")]
    pub secret: String,
}

/// An attempt to deliver an event (§12).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WebhookAttempt)]
pub struct WebhookAttempt {
    /// When it began.
    pub at: Moment,
    /// The receiver's status; null if there was no answer.
    #[schema(required = true)]
    pub status: Option<u16>,
    /// Why there was none; null if there was.
    #[schema(required = true)]
    pub error: Option<String>,
    /// How long it took.
    pub duration_milliseconds: u64,
    /// The beginning of the answer.
    pub answer: String,
}

/// The state of a delivery (§12).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = WebhookDeliveryStatus)]
pub enum DeliveryStatus {
    /// It is tried, or tried again.
    Pending,
    /// The receiver has accepted it.
    Delivered,
    /// It was given up.
    Failed,
}

/// A delivery of an event (§12).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WebhookDelivery)]
pub struct Delivery {
    /// The number of the event in the app's stream (§7): the id of the delivery.
    #[schema(example = "42")]
    pub id: String,
    /// The event's id, which is the `webhook-id` of every attempt.
    #[schema(example = "evt_5d0c6d0e-8f3b-8a52-9d0f-3a1b6c7d8e9f")]
    pub event_id: String,
    /// The event's name.
    pub event: EventName,
    /// The challenge request.
    #[schema(example = "req_7f3a9c1e-4b2d-4f88-9e1a-0c3d5b6e7f8a")]
    pub request_id: String,
    /// Where it stands.
    pub status: DeliveryStatus,
    /// How many attempts have been made.
    pub attempt_count: u32,
    /// The last attempts, the newest last, at most ten.
    pub attempts: Vec<WebhookAttempt>,
    /// When it was written, or delivered again.
    pub created_at: Moment,
    /// When it is attempted next; null if it is not.
    #[schema(required = true)]
    pub next_attempt_at: Option<Moment>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(body: &Value) -> Result<Config, Vec<&'static str>> {
        let check = |url: &str| if url.contains("inside") { Err("public") } else { Ok(()) };
        read_webhook_change(body.as_object().unwrap(), &check)
            .map(|change| change.apply(Config::default()))
            .map_err(|errors| errors.iter().map(|error| error.parameter).collect())
    }

    #[test]
    fn what_is_left_out_stays_as_it_is() {
        assert_eq!(read(&json!({})), Ok(Config::default()));
        let config = read(&json!({ "url": "https://a", "events": ["production_test.failed"] }));
        let config = config.unwrap();
        assert_eq!((config.url.as_deref(), config.enabled), (Some("https://a"), false));
        assert!(config.events.contains(&Name::Failed) && config.events.len() == 1);
    }

    #[test]
    fn every_invalid_member_is_named() {
        let body = json!({
            "url": "http://inside", "enabled": "yes", "retryAttempts": 11, "timeoutSeconds": 0,
            "events": ["production_test.made_up"]
        });
        let all = ["url", "enabled", "retryAttempts", "timeoutSeconds", "events"];
        assert_eq!(read(&body), Err(all.to_vec()));
    }

    #[test]
    fn the_object_is_that_of_an_app_without_a_webhook() {
        let body = serde_json::to_value(WebhookConfig::default()).unwrap();
        let expected =
            json!({ "enabled": false, "retryAttempts": 3, "timeoutSeconds": 10, "events": [] });
        assert_eq!(body, expected);
    }
}
