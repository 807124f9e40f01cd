//! Delivers what is due (§12).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use db::{Channel, StoreError};
use domain::webhook::{GIVE_UP_AFTER, pause_after};
use domain::{ClockAndRng, Timestamp};
use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use serde_json::{Value, json};
use store_workspace::{
    DeliveryResult, DeliveryState, DueDelivery, ExtendWebhookLease, FinishDeliveries, TakeWebhooks,
    Webhook, WorkspaceStore,
};

use crate::sender::{Attempt, Message, Sender};

/// How many webhooks are served at once.
const WEBHOOKS: u32 = 64;

/// How many deliveries of one webhook are in flight at once.
const DELIVERIES: u32 = 16;

/// How long a lease lasts: what a killed process held goes on within 30 seconds (§12).
const LEASE: Duration = Duration::from_secs(20);

/// How often a lease is extended.
const EXTENSION: Duration = Duration::from_secs(5);

/// How often further webhooks are taken while some are served.
const POLL: Duration = Duration::from_millis(250);

/// How long a webhook rests that was due although none of its deliveries was.
const REST: Duration = Duration::from_secs(5);

/// How many attempts of a delivery are kept.
const KEPT_ATTEMPTS: usize = 10;

/// What delivering needs. Clones share it.
#[derive(Clone)]
pub struct Webhooks {
    /// The store of webhooks and deliveries.
    pub store: WorkspaceStore,
    /// Makes the attempts.
    pub sender: Sender,
    /// Time and randomness.
    pub clock_and_rng: ClockAndRng,
    /// The name of this process for leases.
    pub holder: Arc<str>,
    /// Counts attempts, by `outcome`.
    pub attempts: Family<[(&'static str, &'static str); 1], Counter>,
}

/// Serves all webhooks that are due. A receiver that does not answer takes one of the places, for
/// as long as its timeout, and then rests.
///
/// # Errors
/// When the workspace database fails.
pub async fn run(webhooks: &Webhooks, is_stopping: impl Fn() -> bool) -> Result<(), StoreError> {
    let mut served = FuturesUnordered::new();
    let mut result = Ok(());
    loop {
        let free = WEBHOOKS.saturating_sub(u32::try_from(served.len()).unwrap_or(WEBHOOKS));
        if free > 0 && !is_stopping() && result.is_ok() {
            let now = webhooks.clock_and_rng.now();
            let write = TakeWebhooks {
                holder: Arc::clone(&webhooks.holder),
                now,
                until: now.plus(LEASE),
                limit: free,
            };
            match webhooks.store.take_webhooks(write).await {
                Ok(taken) => {
                    served.extend(taken.into_iter().map(|it| serve(webhooks, Arc::new(it))));
                }
                Err(error) => result = Err(error),
            }
        }
        if served.is_empty() {
            return result;
        }
        // What becomes due meanwhile does not wait for a receiver that does not answer.
        tokio::select! {
            Some(done) = served.next() => result = result.and(done),
            () = webhooks.store.database().notified(Channel::NewEvents) => {}
            () = tokio::time::sleep(POLL) => {}
        }
    }
}

/// Makes one round of the deliveries of a webhook, and gives it back.
async fn serve(webhooks: &Webhooks, webhook: Arc<Webhook>) -> Result<(), StoreError> {
    let now = webhooks.clock_and_rng.now();
    let due = webhooks.store.due_deliveries(&webhook, now, DELIVERIES).await?;
    let round = join_all(due.iter().map(|delivery| attempt(webhooks, &webhook, delivery)));
    let attempts = with_lease(webhooks, &webhook, round).await;
    let write = finish(webhooks, &webhook, due.iter().zip(&attempts));
    if !webhooks.store.finish_deliveries(write).await? {
        tracing::info!(app = %webhook.client_id, "a webhook was taken over by another process");
    }
    Ok(())
}

/// Waits for a round, and extends the lease meanwhile.
async fn with_lease<T>(
    webhooks: &Webhooks,
    webhook: &Arc<Webhook>,
    round: impl Future<Output = T>,
) -> T {
    let mut round = std::pin::pin!(round);
    loop {
        tokio::select! {
            done = &mut round => return done,
            () = tokio::time::sleep(EXTENSION) => {
                let write = ExtendWebhookLease {
                    webhook: Arc::clone(webhook),
                    holder: Arc::clone(&webhooks.holder),
                    until: webhooks.clock_and_rng.now().plus(LEASE),
                };
                // If it fails, another process may deliver the same: receivers know the id.
                if let Err(error) = webhooks.store.extend_webhook_lease(write).await {
                    tracing::debug!(%error, "the lease of a webhook could not be extended");
                }
            }
        }
    }
}

async fn attempt(webhooks: &Webhooks, webhook: &Webhook, delivery: &DueDelivery) -> Attempt {
    let id = delivery.event.id().to_string();
    let event = wire::event::Event::from(&delivery.event);
    let body = delivery_body(&event, delivery.event.sequence.as_number()).to_string();
    let message = Message {
        url: webhook.config.url.as_deref().unwrap_or_default(),
        secrets: &webhook.secrets,
        id: &id,
        body: &body,
        timeout: Duration::from_secs(webhook.config.timeout_seconds.into()),
    };
    let attempt = webhooks.sender.send(&message).await;
    let outcome = match (attempt.is_success(), attempt.status) {
        (true, _) => "delivered",
        (false, Some(_)) => "refused",
        (false, None) => "unreachable",
    };
    webhooks.attempts.get_or_create(&[("outcome", outcome)]).inc();
    attempt
}

/// The body of a delivery: the event of §7, with its place in the order of the app's events.
#[must_use]
pub fn delivery_body(event: &wire::event::Event, sequence: i64) -> Value {
    let mut body = json!(event);
    if let Some(data) = body.get_mut("data").and_then(Value::as_object_mut) {
        data.insert("sequence".into(), sequence.into());
    }
    body
}

/// How a round went: what becomes of each delivery, and of the webhook.
fn finish<'a>(
    webhooks: &Webhooks,
    webhook: &Arc<Webhook>,
    round: impl Iterator<Item = (&'a DueDelivery, &'a Attempt)> + Clone,
) -> FinishDeliveries {
    let now = webhooks.clock_and_rng.now();
    let random = webhooks.clock_and_rng.randomness().number();
    let config = &webhook.config;
    let mut round_attempts = round.clone().map(|(_, attempt)| attempt);
    let has_success = round_attempts.clone().any(Attempt::is_success);
    let has_answer = round_attempts.clone().any(|attempt| attempt.status.is_some());
    let is_gone = round_attempts.clone().any(Attempt::is_gone);
    let has_attempts = round_attempts.next().is_some();
    let failing_since = match (has_attempts, has_success) {
        (true, true) => None,
        (true, false) => Some(config.failing_since.unwrap_or(now)),
        (false, _) => config.failing_since,
    };
    let failures = match (has_attempts, has_answer) {
        (true, true) => 0,
        (true, false) => webhook.failures.saturating_add(1),
        (false, _) => webhook.failures,
    };
    let rests_until = (has_attempts && !has_answer)
        .then(|| now.plus(pause_after(failures, config.retry_attempts, None, random)));
    let results = round.map(|(delivery, attempt)| {
        let pause =
            pause_after(delivery.attempts + 1, config.retry_attempts, attempt.retry_after, random);
        DeliveryResult {
            sequence: delivery.event.sequence,
            request_id: delivery.event.body.request_id,
            state: state(delivery, attempt, now, now.plus(pause)),
            attempt_log: with_attempt(&delivery.attempt_log, attempt),
        }
    });
    let too_long = failing_since.is_some_and(|since| now.since(since) >= GIVE_UP_AFTER);
    FinishDeliveries {
        webhook: Arc::clone(webhook),
        holder: Arc::clone(&webhooks.holder),
        results: results.collect(),
        enabled: !is_gone && !too_long,
        failing_since,
        failures,
        rests_until,
        not_before: (!has_attempts).then(|| now.plus(REST)),
        now,
    }
}

fn state(
    delivery: &DueDelivery,
    attempt: &Attempt,
    now: Timestamp,
    next: Timestamp,
) -> DeliveryState {
    if attempt.is_success() {
        DeliveryState::Delivered
    } else if now.since(delivery.created_at) >= GIVE_UP_AFTER || attempt.is_gone() {
        DeliveryState::Failed
    } else {
        DeliveryState::Pending(next)
    }
}

/// The kept attempts with one more.
fn with_attempt(log: &str, attempt: &Attempt) -> String {
    let mut attempts: Vec<Value> = serde_json::from_str(log).unwrap_or_default();
    attempts.push(to_json(attempt));
    let surplus = attempts.len().saturating_sub(KEPT_ATTEMPTS);
    attempts.drain(..surplus);
    Value::Array(attempts).to_string()
}

/// An attempt as the API shows it.
fn to_json(attempt: &Attempt) -> Value {
    let members: HashMap<&str, Value> = HashMap::from([
        ("at", attempt.at.to_string().into()),
        ("status", attempt.status.into()),
        ("error", attempt.error.into()),
        (
            "durationMilliseconds",
            u64::try_from(attempt.duration.as_millis()).unwrap_or(u64::MAX).into(),
        ),
        ("answer", attempt.answer.clone().into()),
    ]);
    json!(members)
}

impl Attempt {
    /// The body that shows this attempt.
    #[must_use]
    pub fn to_body(&self) -> Value {
        to_json(self)
    }
}
