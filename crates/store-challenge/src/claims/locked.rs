//! The rows that a claim depends on. They are locked until the end of the transaction.

use std::collections::{HashMap, HashSet};

use db::{Sql, StoreError, Transaction, write_columns};
use domain::participation::Participation;
use domain::verification::SubjectHash;
use domain::{ChallengeId, ParticipationId};

use crate::challenges::{self, ChallengeRecord};
use crate::participations;

/// A participation and, if its verification succeeded, the HMAC of the tester's identity.
pub(super) type Verified<'a> = (ParticipationId, Option<&'a SubjectHash>);

/// The state that claims depend on.
pub(super) struct Locked {
    pub(super) participations: HashMap<ParticipationId, Participation>,
    pub(super) challenges: HashMap<ChallengeId, ChallengeRecord>,
    /// The participations of testers who already have a stamp for the same provider.
    pub(super) holders: HashSet<ParticipationId>,
}

impl Locked {
    pub(super) async fn read(
        verified: &[Verified<'_>],
        transaction: &Transaction<'_>,
    ) -> Result<Self, StoreError> {
        let ids = || verified.iter().map(|(id, _)| *id);
        // Locks the challenges first. Then no other transaction can change the rest.
        let challenge_ids = participations::challenges_of(transaction, ids()).await?;
        let challenges = challenges::lock(transaction, challenge_ids).await?;
        let participations: HashMap<_, _> = participations::lock(transaction, ids())
            .await?
            .into_iter()
            .map(|participation| (participation.id, participation))
            .collect();
        let holders = holders(verified, &participations, transaction).await?;
        Ok(Self { participations, challenges, holders })
    }
}

write_columns! {
    /// A participation, and the HMAC of its tester's identity.
    SubjectRow((&Participation, &SubjectHash)) = |(
        Participation { id, challenge_id, provider_id, .. },
        subject_hash,
    )| {
        participation: Bytes = id.as_bytes(),
        challenge: Bytes = challenge_id.as_bytes(),
        provider: Text = provider_id.as_str(),
        subject: Bytes = subject_hash.as_bytes(),
    }
}

async fn holders(
    verified: &[Verified<'_>],
    participations: &HashMap<ParticipationId, Participation>,
    transaction: &Transaction<'_>,
) -> Result<HashSet<ParticipationId>, StoreError> {
    static SQL: Sql = Sql::each(
        "SELECT each.participation AS participation {from each} WHERE EXISTS (
            SELECT 1 FROM stamp_claims
            WHERE challenge_id = each.challenge AND provider_id = each.provider
                AND subject_hash = each.subject)",
        &SubjectRow::COLUMNS,
    );
    let subjects: Vec<(&Participation, &SubjectHash)> = verified
        .iter()
        .filter_map(|(id, subject_hash)| Some((participations.get(id)?, (*subject_hash)?)))
        .collect();
    let rows: Vec<_> = subjects.iter().map(SubjectRow::of).collect();
    let found = transaction
        .query_each(&SQL, &rows, |row| row.bytes("participation").map(ParticipationId::from_bytes));
    Ok(found.await?.into_iter().collect())
}
