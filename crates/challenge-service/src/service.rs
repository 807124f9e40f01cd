//! The state that all handlers share, and the operations that the handle also calls.

use std::collections::HashMap;
use std::sync::Arc;

use db::StoreError;
use domain::catalogue::Catalogue;
use domain::challenge::Host;
use domain::challenge_update::{ChallengeUpdate, UpdateRefusal};
use domain::idempotency::IdempotencyKey;
use domain::production_test::{Payload, StampLimit};
use domain::{ChallengeId, ClockAndRng, Environment, ParticipationId, RequestId};
use http_support::in_flight::InFlight;
use http_support::public_url::PublicUrl;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use store_challenge::{
    ChallengeRecord, ChallengeStore, CloseChallenge, CreateChallenge, StartVerification,
    UpdateChallenge,
};
use tokio::sync::mpsc;
use traces::Traces;
use wire::outcomes::Outcomes;
use wire::report::Report;

use crate::participations::limits::JoinLimits;
use crate::secrets::Secrets;
use crate::verifier::Verifiers;
use crate::verifier::health::{Written, count_from_zero};

/// The state of the handlers and of the in-process [`crate::handle`]. Clones share it.
#[derive(Clone)]
pub struct ChallengeService {
    pub(crate) parts: Arc<Parts>,
    pub(crate) written: Arc<Written>,
}

/// A counter of decided participations, by `outcome`.
pub type DecisionCounter = Family<[(&'static str, &'static str); 1], Counter>;

/// A counter of reported verifications.
pub type VerificationCounter = Family<VerificationLabels, Counter>;

/// The labels of reported verifications. Nothing in them is of a tester.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct VerificationLabels {
    /// The provider's id.
    pub provider: String,
    /// What verifies: `simulator`, `oidc` or `external`.
    pub kind: &'static str,
    /// `succeeded`, or why it failed.
    pub outcome: &'static str,
}

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
    /// Who verifies the testers of each provider.
    pub verifiers: Verifiers,
    /// The bearer tokens of the service surface: one, or two while it is being changed. None closes
    /// that surface.
    pub service_tokens: Vec<String>,
    /// The URL at which testers reach this deployment.
    pub public_url: PublicUrl,
    /// Idempotency keys whose first request is in flight, by challenge.
    pub in_flight: InFlight<(ChallengeId, IdempotencyKey)>,
    /// Receives each challenge whose state or stamps changed in this process.
    pub changes: mpsc::UnboundedSender<ChallengeId>,
    /// Counts decided participations.
    pub stamp_decisions: DecisionCounter,
    /// Follow each order.
    pub traces: Traces,
    /// Counts reported verifications.
    pub verifications: VerificationCounter,
    /// How often testers may join; `None` means without limits.
    pub join_limits: Option<JoinLimits>,
}

impl ChallengeService {
    /// The state for [`crate::routes`] and for the handle.
    pub fn new(parts: Parts) -> Self {
        count_from_zero(&parts);
        Self { parts: Arc::new(parts), written: Arc::default() }
    }

    pub(crate) fn store(&self) -> &ChallengeStore {
        &self.parts.store
    }

    pub(crate) fn clock_and_rng(&self) -> &ClockAndRng {
        &self.parts.clock_and_rng
    }

    /// Creates the challenge of a request, or finds it. Also returns whether it is new.
    pub(crate) async fn schedule(
        &self,
        request_id: RequestId,
        payload: Payload,
        host: Host,
    ) -> Result<(ChallengeRecord, bool), StoreError> {
        let write = CreateChallenge { request_id, payload, host, now: self.clock_and_rng().now() };
        let scheduled = self.store().create_challenge(write.clone()).await?;
        self.catch_up(&write, scheduled).await
    }

    /// An earlier attempt may have created the challenge, and the request got more room or another
    /// end since then.
    async fn catch_up(
        &self,
        order: &CreateChallenge,
        (record, is_new): (ChallengeRecord, bool),
    ) -> Result<(ChallengeRecord, bool), StoreError> {
        let Payload { max_stamp_claims, expires_at, .. } = order.payload;
        let update = ChallengeUpdate {
            max_stamps: StampLimit::new(max_stamp_claims.into())
                .ok()
                .filter(|limit| limit.get() > record.payload.max_stamp_claims),
            expires_at: expires_at.filter(|end| *end != record.challenge.expires_at),
        };
        if is_new || update == ChallengeUpdate::default() {
            return Ok((record, is_new));
        }
        let updated = self.update(record.challenge.id, update).await?;
        // One that has ended stays as it is.
        Ok((updated.and_then(Result::ok).unwrap_or(record), is_new))
    }

    /// [`Self::schedule`] for several requests, each with its own result, in the same order.
    pub(crate) async fn schedule_all(
        &self,
        orders: impl Iterator<Item = (RequestId, Payload, Host)>,
    ) -> Vec<Result<(ChallengeRecord, bool), StoreError>> {
        let now = self.clock_and_rng().now();
        let write =
            |(request_id, payload, host)| CreateChallenge { request_id, payload, host, now };
        let orders: Vec<CreateChallenge> = orders.map(write).collect();
        let made = self.store().create_challenges(orders.clone()).await;
        let mut scheduled = Vec::with_capacity(orders.len());
        for (order, made) in orders.iter().zip(made) {
            scheduled.push(match made {
                Ok(made) => self.catch_up(order, made).await,
                Err(error) => Err(error),
            });
        }
        scheduled
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

    /// Gives a challenge more room and more time. The inner error says why it stays as it is. `None`
    /// if there is no such challenge.
    pub(crate) async fn update(
        &self,
        id: ChallengeId,
        update: ChallengeUpdate,
    ) -> Result<Option<Result<ChallengeRecord, UpdateRefusal>>, StoreError> {
        let write = UpdateChallenge { id, update, now: self.clock_and_rng().now() };
        let updated = self.store().update_challenge(write).await?;
        if matches!(updated, Some(Ok(_))) {
            self.notify_changed(id);
        }
        Ok(updated)
    }

    /// The report of a challenge. `None` if there is no such challenge.
    pub(crate) async fn report(&self, id: ChallengeId) -> Result<Option<Report>, StoreError> {
        let report = self.store().report(id).await?;
        Ok(report
            .map(|report| Report::at(self.clock_and_rng().now(), &report, &self.provider_names())))
    }

    /// The outcomes of a challenge. `None` if there is no such challenge.
    pub(crate) async fn outcomes(&self, id: ChallengeId) -> Result<Option<Outcomes>, StoreError> {
        let Some(record) = self.store().challenge(id).await? else { return Ok(None) };
        let outcomes = self.store().outcomes(&record, self.clock_and_rng().now()).await?;
        Ok(Some(Outcomes::new(id, &outcomes)))
    }

    /// Records that a tester has gone to be verified.
    pub(crate) async fn start_verification(&self, id: ParticipationId) -> Result<(), StoreError> {
        let now = self.clock_and_rng().now();
        self.store().start_verification(StartVerification { id, now }).await
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
    pub(crate) fn provider_name<'a>(&'a self, id: &'a str) -> &'a str {
        self.parts.catalogue.get(id).map_or(id, |provider| &provider.name)
    }

    /// Notifies the scheduler of this process that a challenge has changed.
    pub(crate) fn notify_changed(&self, id: ChallengeId) {
        // Without a scheduler in this process there is no receiver. Schedulers elsewhere poll.
        let _ = self.parts.changes.send(id);
    }
}

pub(crate) const NO_SUCH_CHALLENGE: &str = "There is no such challenge. Check the id in the path.";
