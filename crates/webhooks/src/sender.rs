//! One attempt to deliver a message (§12).

use std::time::{Duration, UNIX_EPOCH};

use domain::webhook::WebhookSecrets;
use domain::{ClockAndRng, Timestamp};
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use wire::signature::HEADER;

use crate::address::AddressPolicy;
use crate::signature;

/// How much of an answer is read, in bytes.
const LARGEST_ANSWER: usize = 64 * 1024;

/// How much of an answer is kept, in characters.
const KEPT_ANSWER: usize = 200;

/// Sends messages. Clones share its connections.
#[derive(Clone)]
pub struct Sender {
    client: Client,
    policy: AddressPolicy,
    clock_and_rng: ClockAndRng,
}

/// What is to be delivered, and to whom.
pub struct Message<'a> {
    /// The receiver's URL.
    pub url: &'a str,
    /// The secrets that sign.
    pub secrets: &'a WebhookSecrets,
    /// The id, the same for every attempt.
    pub id: &'a str,
    /// The body.
    pub body: &'a str,
    /// How long the attempt may take.
    pub timeout: Duration,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// When it began.
    pub at: Timestamp,
    /// The receiver's status; `None` if there was no answer.
    pub status: Option<u16>,
    /// Why there was none.
    pub error: Option<&'static str>,
    /// How long it took.
    pub duration: Duration,
    /// The beginning of the answer.
    pub answer: String,
    /// When the receiver wants to be asked again.
    pub retry_after: Option<Duration>,
}

impl Attempt {
    /// Whether the receiver has accepted the message.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }

    /// Whether the receiver wants no more messages.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.status == Some(StatusCode::GONE.as_u16())
    }
}

impl Sender {
    /// A sender that reaches what the policy permits. It follows no redirect and uses no proxy of
    /// the environment: both lead where the policy does not look.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(policy: AddressPolicy, clock_and_rng: ClockAndRng) -> Result<Self, reqwest::Error> {
        // Fails if the process has installed a provider before, which is then used.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .dns_resolver(policy.clone())
            .pool_max_idle_per_host(4)
            .pool_idle_timeout(Duration::from_secs(20))
            .build()?;
        Ok(Self { client, policy, clock_and_rng })
    }

    /// The rule for receivers' URLs.
    #[must_use]
    pub fn policy(&self) -> &AddressPolicy {
        &self.policy
    }

    /// Makes one attempt.
    pub async fn send(&self, message: &Message<'_>) -> Attempt {
        let (at, start) = (self.clock_and_rng.now(), self.clock_and_rng.elapsed());
        let answered = tokio::time::timeout(message.timeout, self.answer(message, at)).await;
        let (status, error, answer, retry_after) = match answered {
            Ok(Ok((status, answer, retry_after))) => (Some(status), None, answer, retry_after),
            Ok(Err(error)) => (None, Some(error), String::new(), None),
            Err(_elapsed) => (None, Some("no answer in time"), String::new(), None),
        };
        let duration = self.clock_and_rng.elapsed().saturating_sub(start);
        Attempt { at, status, error, duration, answer, retry_after }
    }

    async fn answer(
        &self,
        message: &Message<'_>,
        now: Timestamp,
    ) -> Result<(u16, String, Option<Duration>), &'static str> {
        // The policy may have changed since the URL was stored.
        let url = self.policy.read_url(message.url).map_err(|_| "the URL is not permitted here")?;
        let secrets = || message.secrets.valid_at(now);
        let request = self
            .client
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, "fieldtest-webhooks")
            .header(HEADER, signature::published(secrets(), now, message.body))
            .header("webhook-id", message.id)
            .header("webhook-timestamp", now.as_seconds())
            .header(
                "webhook-signature",
                signature::standard(secrets(), message.id, now, message.body),
            )
            .body(message.body.to_owned());
        let response = request.send().await.map_err(|error| reason(&error))?;
        let (status, retry_after) = (response.status().as_u16(), retry_after(&response, now));
        Ok((status, beginning(response).await, retry_after))
    }
}

/// The beginning of an answer. What comes after it is not read to its end.
async fn beginning(mut response: Response) -> String {
    let mut bytes = Vec::new();
    while bytes.len() < LARGEST_ANSWER {
        match response.chunk().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) | Err(_) => break,
        }
    }
    let text = String::from_utf8_lossy(&bytes);
    // PostgreSQL cannot store U+0000, and nothing of it may steer a terminal.
    let printable = |it: char| if it.is_control() && it != '\n' { '\u{fffd}' } else { it };
    text.chars().take(KEPT_ANSWER).map(printable).collect()
}

/// The pause that the receiver asks for: seconds, or a date.
fn retry_after(response: &Response, now: Timestamp) -> Option<Duration> {
    let text = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(Timestamp::from_millis(i64::try_from(date.as_millis()).ok()?).since(now))
}

/// Why there is no answer, without the error's own text, which has the URL.
fn reason(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "no connection: the receiver is down, its certificate is not trusted, or its address is not permitted"
    } else {
        "the connection broke"
    }
}
