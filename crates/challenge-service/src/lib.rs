//! The challenge service: challenges, the testers who join them, and the stamps that they are
//! granted (§10).
//!
//! A service of its own. Nobody else reads its tables; the rest of the server reaches it through
//! [`crate::handle`].

#![cfg_attr(
    not(feature = "openapi"),
    expect(
        unused_imports,
        reason = "some types are named only in annotations for the OpenAPI document"
    )
)]

// The annotations for the OpenAPI document expand to nothing where it is not generated.
#[cfg(not(feature = "openapi"))]
extern crate openapi_off as utoipa;

mod challenge_requests;
mod challenges;
pub mod handle;
pub mod lapse;
mod origin;
mod participations;
pub mod prune;
mod routes;
mod secrets;
mod service_caller;
mod verification;
mod verifier;

use std::collections::HashMap;
use std::sync::Arc;

use db::StoreError;
use domain::catalogue::Catalogue;
use domain::idempotency::IdempotencyKey;
use domain::production_test::Payload;
use domain::{ChallengeId, Environment, RequestId};
use store_challenge::{ChallengeRecord, ChallengeStore, CloseChallenge, CreateChallenge};
use tokio::sync::mpsc;
#[cfg(feature = "openapi")]
use utoipa::OpenApi;
use wire::report::Report;

pub use self::routes::routes;
pub use self::secrets::{Secrets, VerificationSecret};
pub use self::verifier::Verifier;
use domain::ClockAndRng;
use http_support::in_flight::InFlight;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;

/// What the OpenAPI document says about the challenge service.
#[cfg(feature = "openapi")]
#[derive(OpenApi)]
#[openapi(paths(
    challenge_requests::put::put,
    challenges::open::open,
    challenges::show::show,
    challenges::report::report,
    challenges::close::close,
    participations::create::create,
    participations::show::show,
    verification::event::receive,
    verifier::simulator::page::show,
    verifier::simulator::play::play,
))]
pub struct Paths;

/// The challenge service, as its handlers and [`crate::handle`] see it. Clones share it.
#[derive(Clone)]
pub struct ChallengeService {
    parts: Arc<Parts>,
}

/// Decided participations, by `outcome`.
pub type DecisionCounter = Family<[(&'static str, &'static str); 1], Counter>;

/// What the challenge service is made of.
pub struct Parts {
    pub store: ChallengeStore,
    pub catalogue: Arc<Catalogue>,
    pub environment: Environment,
    pub clock_and_rng: ClockAndRng,
    pub secrets: Secrets,
    pub verifier: Verifier,
    /// The bearer token of the service surface; `None` leaves it shut.
    pub service_token: Option<String>,
    /// How testers reach this deployment, if the operator said so.
    pub public_url: Option<String>,
    pub in_flight: InFlight<(ChallengeId, IdempotencyKey)>,
    /// Told of challenges that have changed by themselves.
    pub changes: mpsc::UnboundedSender<ChallengeId>,
    /// Counts decided participations, by `outcome`.
    pub stamp_decisions: DecisionCounter,
}

impl ChallengeService {
    pub fn new(parts: Parts) -> Self {
        Self { parts: Arc::new(parts) }
    }

    pub fn store(&self) -> &ChallengeStore {
        &self.parts.store
    }

    fn clock_and_rng(&self) -> &ClockAndRng {
        &self.parts.clock_and_rng
    }

    /// Makes the one challenge of a request, or finds it; and whether it is new.
    pub async fn schedule(
        &self,
        request_id: RequestId,
        payload: Payload,
        host_name: String,
    ) -> Result<(ChallengeRecord, bool), StoreError> {
        let write =
            CreateChallenge { request_id, payload, host_name, now: self.clock_and_rng().now() };
        self.store().create_challenge(write).await
    }

    /// Makes or finds the challenges of many requests, each by itself: one answer each, in their
    /// order.
    pub async fn schedule_all(
        &self,
        orders: impl Iterator<Item = (RequestId, Payload, String)>,
    ) -> Vec<Result<(ChallengeRecord, bool), StoreError>> {
        let now = self.clock_and_rng().now();
        let write = |(request_id, payload, host_name)| CreateChallenge {
            request_id,
            payload,
            host_name,
            now,
        };
        self.store().create_challenges(orders.map(write).collect()).await
    }

    /// Closes a challenge, unless it has ended otherwise; `None` when there is no such challenge.
    pub async fn close(&self, id: ChallengeId) -> Result<Option<ChallengeRecord>, StoreError> {
        let closed = self
            .store()
            .close_challenge(CloseChallenge { id, now: self.clock_and_rng().now() })
            .await?;
        if closed.is_some() {
            self.has_changed(id);
        }
        Ok(closed)
    }

    /// How a challenge went; `None` when there is no such challenge.
    pub async fn report(&self, id: ChallengeId) -> Result<Option<Report>, StoreError> {
        let report = self.store().report(id).await?;
        Ok(report
            .map(|report| Report::at(self.clock_and_rng().now(), &report, &self.provider_names())))
    }

    fn provider_names(&self) -> HashMap<&str, &str> {
        self.parts
            .catalogue
            .providers()
            .iter()
            .map(|provider| (provider.id.as_str(), provider.name.as_str()))
            .collect()
    }

    /// What people call this provider; its id if the catalogue no longer knows it.
    fn provider_name<'a>(&'a self, id: &'a str) -> &'a str {
        self.parts.catalogue.get(id).map_or(id, |provider| &provider.name)
    }

    /// Tells whoever listens that a challenge has changed.
    fn has_changed(&self, id: ChallengeId) {
        // Nobody listens where the scheduler runs elsewhere; there it looks for itself.
        let _ = self.parts.changes.send(id);
    }
}

const NO_SUCH_CHALLENGE: &str = "There is no such challenge. Check the id in the path.";
