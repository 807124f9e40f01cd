//! Reads how it goes with the verifiers (§10).

use db::{Sql, StoreError, read_columns};
use domain::verification::FailureReason;
use domain::{ProviderId, Timestamp};

use crate::ChallengeStore;

/// How it goes with the verifier of a provider, as all servers saw it last. Times are exact to a few
/// seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierHealth {
    /// The provider.
    pub provider_id: ProviderId,
    /// When the provider's discovery document was last read.
    pub discovered_at: Option<Timestamp>,
    /// When a person was last sent back, verified or not.
    pub returned_at: Option<Timestamp>,
    /// When a person was last verified.
    pub succeeded_at: Option<Timestamp>,
    /// When a verification last failed for a reason that is not the tester's.
    pub failed_at: Option<Timestamp>,
    /// That reason.
    pub failure_reason: Option<FailureReason>,
}

read_columns! {
    /// How it goes with a verifier.
    VERIFIER_HEALTH: VerifierHealth {
        provider_id: parsed,
        discovered_at: optional_time,
        returned_at: optional_time,
        succeeded_at: optional_time,
        failed_at: optional_time,
        failure_reason: optional_named(FailureReason::from_name),
    } => VerifierHealth {
        provider_id, discovered_at, returned_at, succeeded_at, failed_at, failure_reason,
    }
}

impl ChallengeStore {
    /// How it goes with the verifiers: a row for each provider that was ever verified here.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn verifier_health(&self) -> Result<Vec<VerifierHealth>, StoreError> {
        static SQL: Sql = Sql::new("SELECT {columns} FROM verifier_health ORDER BY provider_id")
            .reading(&VERIFIER_HEALTH);
        self.database.query(&SQL, vec![], VERIFIER_HEALTH.read).await
    }
}
