//! Notes what happened with a verifier (§10).

use db::{Sql, StoreError, Transaction, Write, apply_each_in_lock_order};
use domain::verification::FailureReason;
use domain::{ProviderId, Timestamp};

use crate::ChallengeStore;

/// Notes what happened last with the verifier of a provider.
#[derive(Clone, Debug)]
pub struct NoteVerifier {
    /// The provider.
    pub provider_id: ProviderId,
    /// What happened.
    pub news: VerifierNews,
    /// When.
    pub at: Timestamp,
}

/// What can happen with a verifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VerifierNews {
    /// The provider's discovery document was read.
    Discovered,
    /// A person was sent back, verified or not.
    Returned,
    /// A person was sent back and verified.
    Succeeded,
    /// A verification failed for a reason that is not the tester's.
    Failed(FailureReason),
}

impl NoteVerifier {
    /// The time, if the news is one of these.
    fn at_if(&self, is_it: impl Fn(VerifierNews) -> bool) -> Option<Timestamp> {
        is_it(self.news).then_some(self.at)
    }
}

impl Write for NoteVerifier {
    type Outcome = ();

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<()>, StoreError> {
        static SQL: Sql = Sql::new(
            "INSERT INTO verifier_health
                (provider_id, discovered_at, returned_at, succeeded_at, failed_at, failure_reason)
            VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (provider_id) DO UPDATE SET
                discovered_at = COALESCE(excluded.discovered_at, verifier_health.discovered_at),
                returned_at = COALESCE(excluded.returned_at, verifier_health.returned_at),
                succeeded_at = COALESCE(excluded.succeeded_at, verifier_health.succeeded_at),
                failed_at = COALESCE(excluded.failed_at, verifier_health.failed_at),
                failure_reason = COALESCE(excluded.failure_reason, verifier_health.failure_reason)",
        );
        let key = |write: &Self| write.provider_id.to_string();
        apply_each_in_lock_order(writes, key, async |write| {
            use VerifierNews::{Discovered, Failed, Returned, Succeeded};
            let reason = match write.news {
                Failed(reason) => Some(reason.as_str()),
                Discovered | Returned | Succeeded => None,
            };
            let parameters = [
                write.provider_id.as_str().into(),
                write.at_if(|news| news == Discovered).into(),
                write.at_if(|news| matches!(news, Returned | Succeeded)).into(),
                write.at_if(|news| news == Succeeded).into(),
                write.at_if(|news| matches!(news, Failed(_))).into(),
                reason.into(),
            ];
            transaction.execute(&SQL, &parameters).await.map(drop)
        })
        .await
    }
}

impl ChallengeStore {
    /// Notes what happened with the verifier of a provider (§10).
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn note_verifier(&self, write: NoteVerifier) -> Result<(), StoreError> {
        self.database.write(write).await
    }
}
