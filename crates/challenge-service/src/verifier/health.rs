//! Notes how it goes with the verifiers, so that every server says the same (§10).

use std::collections::HashMap;
use std::time::Duration;

use domain::verification::FailureReason;
use domain::{ProviderId, Timestamp};
use openid_connect::RelyingParty;
use parking_lot::Mutex;
use store_challenge::{NoteVerifier, VerifierNews};

use crate::service::{ChallengeService, Parts, VerificationLabels};
use crate::verifier::Verifier;

/// The same news of the same provider is written this often at most.
const PAUSE: Duration = Duration::from_secs(5);

/// When this process last wrote which news.
#[derive(Debug, Default)]
pub(crate) struct Written(Mutex<HashMap<(ProviderId, VerifierNews), Timestamp>>);

impl Written {
    /// Whether news of this time has to be written. Then it counts as written.
    fn take(&self, provider: &ProviderId, news: VerifierNews, at: Timestamp) -> bool {
        let mut written = self.0.lock();
        let last = written.get(&(provider.clone(), news)).copied();
        let is_recent = last.is_some_and(|last| last <= at && at < last.plus(PAUSE));
        if !is_recent {
            written.insert((provider.clone(), news), at);
        }
        !is_recent
    }
}

impl ChallengeService {
    /// Notes that a person was sent back, and why the verification failed, if it did.
    pub(crate) async fn note_return(&self, provider: &ProviderId, failure: Option<FailureReason>) {
        let news = match failure {
            None => VerifierNews::Succeeded,
            Some(_) => VerifierNews::Returned,
        };
        self.count(provider, failure);
        self.note(provider, news, self.clock_and_rng().now()).await;
        if let Some(reason) = failure {
            self.note_reason(provider, reason).await;
        }
    }

    /// Notes why a verification could not begin.
    pub(crate) async fn note_failure(&self, provider: &ProviderId, reason: FailureReason) {
        self.count(provider, Some(reason));
        self.note_reason(provider, reason).await;
    }

    /// Counts a verification, and why it failed, if it did.
    pub(crate) fn count(&self, provider: &ProviderId, failure: Option<FailureReason>) {
        if let Some(verifier) = self.parts.verifiers.get(provider) {
            let labels = labels(provider, verifier, failure);
            self.parts.verifications.get_or_create(&labels).inc();
        }
    }

    /// Notes why a verification failed, unless it is the tester's doing.
    async fn note_reason(&self, provider: &ProviderId, reason: FailureReason) {
        if reason.is_of_verifier() {
            let news = VerifierNews::Failed(reason);
            self.note(provider, news, self.clock_and_rng().now()).await;
        }
    }

    /// Notes when the provider's discovery document was last read.
    pub(crate) async fn note_discovery(&self, provider: &ProviderId, party: &RelyingParty) {
        if let Some(at) = party.health().last_discovery {
            self.note(provider, VerifierNews::Discovered, at).await;
        }
    }

    /// A tester does not depend on it: what cannot be written is logged, and written next time.
    async fn note(&self, provider: &ProviderId, news: VerifierNews, at: Timestamp) {
        if !self.written.take(provider, news, at) {
            return;
        }
        let write = NoteVerifier { provider_id: provider.clone(), news, at };
        if let Err(error) = self.store().note_verifier(write).await {
            tracing::info!(%provider, %error, "how it goes with a verifier could not be noted");
        }
    }
}

/// Has the counter of verifications begin at 0 for every provider that can be verified here.
pub(crate) fn count_from_zero(parts: &Parts) {
    for provider in parts.catalogue.providers() {
        let is_offered = provider.environments.contains(&parts.environment);
        if let Some(verifier) = parts.verifiers.get(&provider.id).filter(|_| is_offered) {
            for failure in FailureReason::ALL.into_iter().map(Some).chain([None]) {
                drop(parts.verifications.get_or_create(&labels(&provider.id, verifier, failure)));
            }
        }
    }
}

fn labels(
    provider: &ProviderId,
    verifier: &Verifier,
    failure: Option<FailureReason>,
) -> VerificationLabels {
    let kind = match verifier {
        Verifier::Simulator => "simulator",
        Verifier::OpenIdConnect(_) => "oidc",
        Verifier::External(_) => "external",
    };
    let outcome = failure.map_or("succeeded", FailureReason::as_str);
    VerificationLabels { provider: provider.to_string(), kind, outcome }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_news_is_written_every_few_seconds_and_other_news_at_once() {
        let written = Written::default();
        let provider: ProviderId = "mitid".parse().unwrap();
        let take = |news, millis| written.take(&provider, news, Timestamp::from_millis(millis));
        assert!(take(VerifierNews::Succeeded, 10_000));
        assert!(!take(VerifierNews::Succeeded, 14_999));
        assert!(take(VerifierNews::Failed(FailureReason::Misconfigured), 14_999));
        assert!(take(VerifierNews::Failed(FailureReason::ProviderUnreachable), 14_999));
        assert!(take(VerifierNews::Succeeded, 15_000));
        // A clock that was set back does not silence a provider.
        assert!(take(VerifierNews::Succeeded, 1_000));
    }
}
