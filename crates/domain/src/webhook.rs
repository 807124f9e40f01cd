//! Webhooks: which events an app is told of, with which secret, and when again (§12).

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::event::EventName;
use crate::{Randomness, Timestamp};

/// How long a delivery is tried again (§12).
pub const GIVE_UP_AFTER: Duration = Duration::from_hours(3 * 24);

/// How long the old secret signs beside the new one (§12).
pub const ROTATION_OVERLAP: Duration = Duration::from_hours(24);

/// How long deliveries are kept (§12).
pub const RETENTION: Duration = Duration::from_hours(7 * 24);

/// The pauses before the first attempts that follow a failed one.
const QUICK: [Duration; 3] =
    [Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(30)];

/// The pause after those, which doubles with each attempt, and the longest one.
const FIRST_BACKOFF: Duration = Duration::from_mins(1);
const LONGEST_BACKOFF: Duration = Duration::from_hours(6);

/// The longest `Retry-After` that is honoured.
const LONGEST_RETRY_AFTER: Duration = Duration::from_hours(24);

const PREFIX: &str = "whsec_";

/// How a webhook is configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookConfig {
    /// Where events are delivered to.
    pub url: Option<String>,
    /// Whether they are.
    pub enabled: bool,
    /// How many quick attempts follow a failed one: 0 to 3 of those after 1, 5 and 30 seconds.
    pub retry_attempts: u32,
    /// How long an attempt may take: 1 to 30 seconds.
    pub timeout_seconds: u32,
    /// The events; empty means all.
    pub events: BTreeSet<EventName>,
    /// Since when no delivery has succeeded; `None` while they do.
    pub failing_since: Option<Timestamp>,
}

impl Default for WebhookConfig {
    fn default() -> Self {
        Self {
            url: None,
            enabled: false,
            retry_attempts: 3,
            timeout_seconds: 10,
            events: BTreeSet::new(),
            failing_since: None,
        }
    }
}

impl WebhookConfig {
    /// Whether this event is delivered.
    #[must_use]
    pub fn wants(&self, name: EventName) -> bool {
        self.enabled && (self.events.is_empty() || self.events.contains(&name))
    }
}

/// The secrets that sign deliveries: one, or two while it is being rotated.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecrets {
    /// The secret.
    pub current: String,
    /// The one before it, and until when it signs as well.
    pub previous: Option<(String, Timestamp)>,
}

impl WebhookSecrets {
    /// The secrets that sign at `now`, the newest first.
    pub fn valid_at(&self, now: Timestamp) -> impl Iterator<Item = &str> {
        let previous = self.previous.as_ref().filter(|(_, until)| now < *until);
        [self.current.as_str()].into_iter().chain(previous.map(|(secret, _)| secret.as_str()))
    }
}

impl std::fmt::Debug for WebhookSecrets {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("WebhookSecrets")
    }
}

/// A new secret: `whsec_` and the base64 of 32 random bytes, as Standard Webhooks has it.
#[must_use]
pub fn new_secret(randomness: &dyn Randomness) -> String {
    let mut bytes = [0; 32];
    randomness.fill(&mut bytes);
    format!("{PREFIX}{}", STANDARD.encode(bytes))
}

/// The key of Standard Webhooks in a secret. `None` if the secret is not of that form.
#[must_use]
pub fn standard_key(secret: &str) -> Option<Vec<u8>> {
    STANDARD.decode(secret.strip_prefix(PREFIX)?).ok()
}

/// The pause after the failed attempt number `attempts`, counted from 1. `retry_after` is what the
/// receiver asked for, and `random` makes the pause vary by up to a fifth, so that receivers that
/// come back are not met by all at once.
#[must_use]
pub fn pause_after(
    attempts: u32,
    retry_attempts: u32,
    retry_after: Option<Duration>,
    random: u64,
) -> Duration {
    let index = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
    let quick = usize::try_from(retry_attempts).unwrap_or(usize::MAX).min(QUICK.len());
    let pause = match QUICK.get(..quick).and_then(|quick| quick.get(index)) {
        Some(pause) => *pause,
        None => {
            let doublings = u32::try_from(index.saturating_sub(quick)).unwrap_or(u32::MAX).min(16);
            let pause = FIRST_BACKOFF.saturating_mul(1 << doublings).min(LONGEST_BACKOFF);
            pause + (pause / 5).mul_f64(fraction(random))
        }
    };
    pause.max(retry_after.unwrap_or_default().min(LONGEST_RETRY_AFTER))
}

/// A number from 0 to 1.
fn fraction(random: u64) -> f64 {
    f64::from(u32::try_from(random >> 32).unwrap_or_default()) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SeededRandomness;

    #[test]
    fn a_secret_has_the_form_of_standard_webhooks() {
        let secret = new_secret(&SeededRandomness::from_seed(1));
        assert_eq!(standard_key(&secret).map(|key| key.len()), Some(32));
        assert_eq!(standard_key("hunter2"), None);
    }

    #[test]
    fn the_old_secret_signs_until_its_time_is_over() {
        let at = Timestamp::from_millis;
        let secrets =
            WebhookSecrets { current: "new".into(), previous: Some(("old".into(), at(10))) };
        assert_eq!(secrets.valid_at(at(9)).collect::<Vec<_>>(), ["new", "old"]);
        assert_eq!(secrets.valid_at(at(10)).collect::<Vec<_>>(), ["new"]);
        assert_eq!(format!("{secrets:?}"), "WebhookSecrets");
    }

    #[test]
    fn pauses_are_quick_at_first_and_then_grow() {
        let pause = |attempts| pause_after(attempts, 3, None, 0).as_secs();
        assert_eq!([1, 2, 3, 4, 5, 6].map(pause), [1, 5, 30, 60, 120, 240]);
        assert_eq!(pause(100), 6 * 3600);
        assert_eq!(pause_after(1, 0, None, 0).as_secs(), 60);
        assert_eq!(pause_after(4, 3, None, u64::MAX).as_secs(), 72, "a fifth more at most");
    }

    #[test]
    fn what_the_receiver_asks_for_is_honoured_up_to_a_day() {
        let asked = |seconds| pause_after(1, 3, Some(Duration::from_secs(seconds)), 0).as_secs();
        assert_eq!((asked(0), asked(90), asked(1_000_000)), (1, 90, 86_400));
    }

    #[test]
    fn no_events_means_all() {
        let config = WebhookConfig { enabled: true, ..WebhookConfig::default() };
        assert!(config.wants(EventName::Updated));
        let some = WebhookConfig { events: [EventName::Completed].into(), ..config.clone() };
        assert!(some.wants(EventName::Completed) && !some.wants(EventName::Scheduled));
        assert!(!WebhookConfig { enabled: false, ..config }.wants(EventName::Completed));
    }
}
