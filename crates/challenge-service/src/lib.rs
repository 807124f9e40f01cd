//! The challenge service: challenges, the testers who join them, and the stamps that they are
//! granted (§10).
//!
//! It is a separate service: only this crate reads its tables, and the rest of the program reaches
//! it through [`handle`], in the same process or over HTTP. The published API calls it `tpas`. That
//! name stands in its paths (`/tpas/v1`), options, files, schema and metrics; the code says
//! "challenge service".
//!
//! [`routes`] lists the operations. Each has a file of its own, `<noun>/<verb>.rs`. The numbers in
//! brackets (§10) are sections of `docs/api-design.md`.

mod challenge_requests;
mod challenges;
mod documentation;
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
use domain::{ChallengeId, ClockAndRng, Environment, RequestId};
use http_support::in_flight::InFlight;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use store_challenge::{ChallengeRecord, ChallengeStore, CloseChallenge, CreateChallenge};
use tokio::sync::mpsc;
use utoipa::OpenApi;
use wire::report::Report;

pub use self::routes::routes;
pub use self::secrets::{Secrets, VerificationSecret};
pub use self::verifier::Verifier;

/// The part of the OpenAPI document about the challenge service.
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

/// The state of the handlers and of the in-process [`handle`]. Clones share it.
#[derive(Clone)]
pub struct ChallengeService {
    parts: Arc<Parts>,
}

/// A counter of decided participations, by `outcome`.
pub type DecisionCounter = Family<[(&'static str, &'static str); 1], Counter>;

/// The dependencies of the challenge service.
pub struct Parts {
    /// The store of challenges, participations and stamps.
    pub store: ChallengeStore,
    /// The providers of this deployment, for their names.
    pub catalogue: Arc<Catalogue>,
    /// Sandbox or production: only a sandbox has the simulator.
    pub environment: Environment,
    /// Time and randomness.
    pub clock_and_rng: ClockAndRng,
    /// The keys for tokens, hashes and signatures.
    pub secrets: Secrets,
    /// Where testers are verified.
    pub verifier: Verifier,
    /// The bearer token of the service surface. `None` closes that surface.
    pub service_token: Option<String>,
    /// The URL at which testers reach this deployment, if the operator configured it.
    pub public_url: Option<String>,
    /// Idempotency keys whose first request is in flight, by challenge.
    pub in_flight: InFlight<(ChallengeId, IdempotencyKey)>,
    /// Receives each challenge whose state or stamps changed in this process.
    pub changes: mpsc::UnboundedSender<ChallengeId>,
    /// Counts decided participations.
    pub stamp_decisions: DecisionCounter,
}

impl ChallengeService {
    /// The state for [`routes`] and for the handle.
    pub fn new(parts: Parts) -> Self {
        Self { parts: Arc::new(parts) }
    }

    pub(crate) fn store(&self) -> &ChallengeStore {
        &self.parts.store
    }

    fn clock_and_rng(&self) -> &ClockAndRng {
        &self.parts.clock_and_rng
    }

    /// Creates the challenge of a request, or finds it. Also returns whether it is new.
    pub(crate) async fn schedule(
        &self,
        request_id: RequestId,
        payload: Payload,
        host_name: String,
    ) -> Result<(ChallengeRecord, bool), StoreError> {
        let write =
            CreateChallenge { request_id, payload, host_name, now: self.clock_and_rng().now() };
        self.store().create_challenge(write).await
    }

    /// [`Self::schedule`] for several requests, each with a result of its own, in the same order.
    pub(crate) async fn schedule_all(
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

    /// Closes a challenge, unless it has ended in another way. `None` if there is no such
    /// challenge.
    pub(crate) async fn close(
        &self,
        id: ChallengeId,
    ) -> Result<Option<ChallengeRecord>, StoreError> {
        let closed = self
            .store()
            .close_challenge(CloseChallenge { id, now: self.clock_and_rng().now() })
            .await?;
        if closed.is_some() {
            self.notify_changed(id);
        }
        Ok(closed)
    }

    /// The report of a challenge. `None` if there is no such challenge.
    pub(crate) async fn report(&self, id: ChallengeId) -> Result<Option<Report>, StoreError> {
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

    /// The display name of a provider; its id if it is no longer in the catalogue.
    fn provider_name<'a>(&'a self, id: &'a str) -> &'a str {
        self.parts.catalogue.get(id).map_or(id, |provider| &provider.name)
    }

    /// Notifies the scheduler of this process that a challenge has changed.
    fn notify_changed(&self, id: ChallengeId) {
        // Without a scheduler in this process there is no receiver. Schedulers elsewhere poll.
        let _ = self.parts.changes.send(id);
    }
}

const NO_SUCH_CHALLENGE: &str = "There is no such challenge. Check the id in the path.";
