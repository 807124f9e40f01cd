//! Sends spans to the collector, many at once.

use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, header};
use tokio::sync::mpsc;

use crate::SpanCounter;
use crate::otlp::{self, Resource};
use crate::span::Span;

/// How many spans are sent at once.
const LARGEST_BATCH: usize = 512;

/// How long spans wait for others to be sent with.
const PERIOD: Duration = Duration::from_secs(1);

/// How long the collector may take. What it does not take is lost.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Sends what is recorded, until it is told to stop.
pub struct Exporter {
    client: Client,
    url: String,
    resource: Resource,
    spans: mpsc::Receiver<Span>,
    counter: SpanCounter,
    /// Whether the last batch failed: the log says so once.
    is_failing: bool,
}

impl Exporter {
    pub(crate) fn new(
        collector: &str,
        resource: Resource,
        spans: mpsc::Receiver<Span>,
        counter: SpanCounter,
    ) -> Result<Self, reqwest::Error> {
        // Fails if the process has installed a provider before, which is then used.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().redirect(Policy::none()).timeout(TIMEOUT).build()?;
        let url = format!("{}/v1/traces", collector.trim_end_matches('/'));
        Ok(Self { client, url, resource, spans, counter, is_failing: false })
    }

    /// Sends spans until `stop`, and then those that wait.
    pub async fn run(mut self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        loop {
            let is_stopping = tokio::select! {
                () = tokio::time::sleep(PERIOD) => false,
                () = &mut stop => true,
            };
            // While the collector fails, one batch a period is enough to notice its return.
            while self.send_waiting().await && !self.is_failing {}
            if is_stopping {
                return;
            }
        }
    }

    /// Sends what waits, up to a batch. Returns whether there was anything.
    async fn send_waiting(&mut self) -> bool {
        let mut batch = Vec::new();
        while batch.len() < LARGEST_BATCH
            && let Ok(span) = self.spans.try_recv()
        {
            batch.push(span);
        }
        if batch.is_empty() {
            return false;
        }
        let problem = self.send(&batch).await.err();
        let outcome = if problem.is_some() { "failed" } else { "exported" };
        let count = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        self.counter.get_or_create(&[("outcome", outcome)]).inc_by(count);
        match (&problem, self.is_failing) {
            (Some(reason), false) => tracing::warn!(reason, "the collector takes no traces"),
            (None, true) => tracing::info!("the collector takes traces again"),
            _ => {}
        }
        self.is_failing = problem.is_some();
        true
    }

    async fn send(&self, batch: &[Span]) -> Result<(), String> {
        let body = otlp::request(&self.resource, batch).to_string();
        let request = self.client.post(&self.url).header(header::CONTENT_TYPE, "application/json");
        // The URL may have a password.
        let answer = request.body(body).send().await.map_err(|it| it.without_url().to_string())?;
        let status = answer.status();
        if status.is_success() { Ok(()) } else { Err(format!("it answers {status}")) }
    }
}
