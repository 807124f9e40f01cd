//! Claims of stamps: the end of a verification decides whether its participation gets a stamp,
//! first come, first served (§10).

mod locked;
mod write;

use std::collections::HashMap;

use db::{StoreError, Transaction, Write, split_on_conflict};
use domain::claim::status_after;
use domain::participation::Status;
use domain::verification::{Outcome, SubjectHash};
use domain::{ChallengeId, ParticipationId, Timestamp};

use self::locked::Locked;
use self::write::{Concluded, StampClaim, conclude, count, insert_claims};
use crate::counts::Counts;
use crate::{ChallengeStore, challenges, participations};

/// Finishes a participation whose verification has ended.
#[derive(Clone, Debug)]
pub struct FinishVerification {
    /// The participation.
    pub id: ParticipationId,
    /// The result of the verification. The person is known by the HMAC of the identity.
    pub outcome: Outcome<SubjectHash>,
    /// The present.
    pub now: Timestamp,
}

/// The state of a participation after its verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The participation's challenge.
    pub challenge_id: ChallengeId,
    /// The participation's status.
    pub status: Status,
    /// `false` if the participation had ended before, so that the result changed nothing.
    pub is_new: bool,
}

/// Two writes with the same conflict key are not applied by the same statement: the later one
/// depends on the outcome of the earlier one.
#[derive(PartialEq, Eq, Hash)]
enum ConflictKey<'a> {
    Participation(ParticipationId),
    Subject(&'a SubjectHash),
}

impl Write for FinishVerification {
    /// `None` if the participation does not exist.
    type Outcome = Option<Decision>;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<Self::Outcome>, StoreError> {
        let slices = split_on_conflict(writes, |write| {
            let subject = write.outcome.subject().map(ConflictKey::Subject);
            [ConflictKey::Participation(write.id)].into_iter().chain(subject)
        });
        if slices.len() > 1 {
            // Locks the challenges of all slices at once. Slice by slice, the order would start
            // again with each slice, and transactions could deadlock.
            let ids = writes.iter().map(|write| write.id);
            let challenge_ids = participations::challenges_of(transaction, ids).await?;
            challenges::lock(transaction, challenge_ids).await?;
        }
        let mut outcomes = Vec::with_capacity(writes.len());
        let mut counts = Counts::default();
        for slice in slices {
            let verified: Vec<_> =
                slice.iter().map(|write| (write.id, write.outcome.subject())).collect();
            let locked = Locked::read(&verified, transaction).await?;
            outcomes.extend(apply_slice(slice, locked, &mut counts, transaction).await?);
        }
        counts.store(transaction).await?;
        Ok(outcomes)
    }
}

/// Applies writes without conflicts, in their order.
async fn apply_slice(
    slice: &[FinishVerification],
    mut locked: Locked,
    counts: &mut Counts,
    transaction: &Transaction<'_>,
) -> Result<Vec<Option<Decision>>, StoreError> {
    let granted_before: HashMap<ChallengeId, u32> =
        locked.challenges.iter().map(|(id, record)| (*id, record.granted)).collect();
    let mut outcomes = Vec::with_capacity(slice.len());
    let mut concluded = Vec::new();
    let mut claims = Vec::new();
    for FinishVerification { id, outcome, now } in slice {
        let participation = locked.participations.get(id);
        let with_challenge =
            participation.and_then(|it| Some((it, locked.challenges.get_mut(&it.challenge_id)?)));
        let Some((participation, record)) = with_challenge else {
            outcomes.push(None);
            continue;
        };
        let (challenge, stamps) = (&record.challenge, record.stamps());
        let holds_stamp = locked.holders.contains(id);
        let decided = status_after(participation, challenge, stamps, outcome, holds_stamp, *now);
        if let Some(status) = decided {
            let failure_reason = outcome.failure_reason();
            counts.add_ended(participation, status, failure_reason, *now);
            concluded.push(Concluded { participation, status, failure_reason, now: *now });
        }
        if let (Some(Status::Claimed), Some(subject_hash)) = (decided, outcome.subject()) {
            record.granted += 1;
            let is_last = record.granted >= record.payload.max_stamp_claims;
            record.challenge.completed_at = is_last.then_some(*now);
            let number = record.granted;
            claims.push(StampClaim { participation, subject_hash, number, now: *now });
        }
        outcomes.push(Some(Decision {
            challenge_id: participation.challenge_id,
            status: decided.unwrap_or_else(|| participation.status_at(*now)),
            is_new: decided.is_some(),
        }));
    }
    conclude(&concluded, transaction).await?;
    insert_claims(&claims, transaction).await?;
    count(&locked.challenges, &granted_before, transaction).await?;
    Ok(outcomes)
}

impl ChallengeStore {
    /// Finishes a participation whose verification has ended (§10). Returns `None` if it does not
    /// exist.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn finish_verification(
        &self,
        write: FinishVerification,
    ) -> Result<Option<Decision>, StoreError> {
        self.database.write(write).await
    }
}
