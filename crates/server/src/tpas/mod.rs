//! The challenge service: challenges, the testers who join them, and the stamps that they are granted (§10).
//!
//! A service of its own. Nobody else reads its tables; the rest of the server reaches it through [`crate::peer`].

mod challenge_requests;
mod challenges;
pub(crate) mod lapse;
mod origin;
mod participations;
pub(crate) mod prune;
mod routes;
mod secrets;
mod service_caller;
mod verification;
mod verifier;

use std::collections::HashMap;
use std::sync::Arc;

use domain::catalogue::Catalogue;
use domain::idempotency::IdempotencyKey;
use domain::production_test::Payload;
use domain::{ChallengeId, Environment, RequestId};
use store::StoreError;
use store::tpas::{ChallengeRecord, CloseChallenge, CreateChallenge, TpasStore};
use tokio::sync::mpsc;
use utoipa::OpenApi;
use wire::report::Report;

pub(crate) use self::routes::routes;
pub(crate) use self::secrets::{Secrets, VerificationSecret};
pub(crate) use self::verifier::Verifier;
use crate::World;
use crate::telemetry::Telemetry;
use crate::web::in_flight::InFlight;

/// What the OpenAPI document says about the challenge service.
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
pub(crate) struct Paths;

/// The challenge service, as its handlers and [`crate::peer`] see it. Clones share it.
#[derive(Clone)]
pub(crate) struct Tpas {
    parts: Arc<Parts>,
}

/// What the challenge service is made of.
pub(crate) struct Parts {
    pub(crate) store: TpasStore,
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) environment: Environment,
    pub(crate) world: World,
    pub(crate) secrets: Secrets,
    pub(crate) verifier: Verifier,
    /// The bearer token of the service surface; `None` leaves it shut.
    pub(crate) service_token: Option<String>,
    /// How testers reach this deployment, if the operator said so.
    pub(crate) public_url: Option<String>,
    pub(crate) in_flight: InFlight<(ChallengeId, IdempotencyKey)>,
    /// Told of challenges that have changed by themselves.
    pub(crate) changes: mpsc::UnboundedSender<ChallengeId>,
    pub(crate) telemetry: Telemetry,
}

impl Tpas {
    pub(crate) fn new(parts: Parts) -> Self {
        Self { parts: Arc::new(parts) }
    }

    pub(crate) fn store(&self) -> &TpasStore {
        &self.parts.store
    }

    fn world(&self) -> &World {
        &self.parts.world
    }

    /// Makes the one challenge of a request, or finds it; and whether it is new.
    pub(crate) async fn schedule(
        &self,
        request_id: RequestId,
        payload: Payload,
        host_name: String,
    ) -> Result<(ChallengeRecord, bool), StoreError> {
        let unit = CreateChallenge { request_id, payload, host_name, now: self.world().now() };
        self.store().create_challenge(unit).await
    }

    /// Makes or finds the challenges of many requests, each by itself: one answer each, in their order.
    pub(crate) async fn schedule_all(
        &self,
        orders: impl Iterator<Item = (RequestId, Payload, String)>,
    ) -> Vec<Result<(ChallengeRecord, bool), StoreError>> {
        let now = self.world().now();
        let unit = |(request_id, payload, host_name)| CreateChallenge { request_id, payload, host_name, now };
        self.store().create_challenges(orders.map(unit).collect()).await
    }

    /// Closes a challenge, unless it has ended otherwise; `None` when there is no such challenge.
    pub(crate) async fn close(&self, id: ChallengeId) -> Result<Option<ChallengeRecord>, StoreError> {
        let closed = self.store().close_challenge(CloseChallenge { id, now: self.world().now() }).await?;
        if closed.is_some() {
            self.has_changed(id);
        }
        Ok(closed)
    }

    /// How a challenge went; `None` when there is no such challenge.
    pub(crate) async fn report(&self, id: ChallengeId) -> Result<Option<Report>, StoreError> {
        let report = self.store().report(id).await?;
        Ok(report.map(|report| Report::at(self.world().now(), &report, &self.provider_names())))
    }

    fn provider_names(&self) -> HashMap<&str, &str> {
        self.parts.catalogue.providers().iter().map(|provider| (provider.id.as_str(), provider.name.as_str())).collect()
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
