//! What becomes of participations: stamps, first come, first served (§10).

use std::collections::{HashMap, HashSet};

use db::{Kind, Sql, StoreError, Transaction, Value, Write, split_on_conflict};
use domain::claim::status_after;
use domain::participation::{Participation, Status};
use domain::verification::{Outcome, SubjectHash};
use domain::{ChallengeId, ParticipationId, Timestamp};

use super::challenges::ChallengeRecord;
use super::{ChallengeStore, challenges, participations};

/// Decides what becomes of a participation whose verification has ended.
#[derive(Clone, Debug)]
pub struct DecideParticipation {
    /// Which.
    pub id: ParticipationId,
    /// How the verification ended.
    pub outcome: Outcome<SubjectHash>,
    /// When.
    pub now: Timestamp,
}

/// What became of a participation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The challenge.
    pub challenge_id: ChallengeId,
    /// Where the participation stands now.
    pub status: Status,
    /// Whether this is news: an outcome that is told twice, or too late, changes nothing.
    pub is_new: bool,
}

impl Write for DecideParticipation {
    /// `None` when there is no such participation.
    type Outcome = Option<Decision>;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<Self::Outcome>, StoreError> {
        let slices = split_on_conflict(writes, |write| {
            [Shared::Participation(write.id)]
                .into_iter()
                .chain(write.outcome.subject().map(Shared::Person))
        });
        if slices.len() > 1 {
            // All at once, or each run would begin with its first challenge again.
            let challenge_ids =
                participations::challenges_of(transaction, writes.iter().map(|write| write.id))
                    .await?;
            challenges::lock(transaction, challenge_ids).await?;
        }
        let mut outcomes = Vec::with_capacity(writes.len());
        for slice in slices {
            outcomes
                .extend(Round::read(slice, transaction).await?.decide(slice, transaction).await?);
        }
        Ok(outcomes)
    }
}

/// Whoever shares one of these with another waits for what becomes of that one.
#[derive(PartialEq, Eq, Hash)]
enum Shared<'a> {
    Participation(ParticipationId),
    Person(&'a SubjectHash),
}

/// What is known when participations are decided together. It stays so until the end of the
/// transaction.
struct Round {
    participations: HashMap<ParticipationId, Participation>,
    challenges: HashMap<ChallengeId, ChallengeRecord>,
    /// Participations of persons who have a stamp for the same provider already.
    holders: HashSet<ParticipationId>,
}

/// A stamp that is granted.
struct Grant<'a> {
    participation: &'a Participation,
    subject_hash: &'a SubjectHash,
    number: u32,
    now: Timestamp,
}

impl Round {
    async fn read(
        writes: &[DecideParticipation],
        transaction: &Transaction<'_>,
    ) -> Result<Self, StoreError> {
        let ids = || writes.iter().map(|write| write.id);
        // The challenges first: what is read after that, nobody else can change.
        let challenge_ids = participations::challenges_of(transaction, ids()).await?;
        let challenges = challenges::lock(transaction, challenge_ids).await?;
        let participations = participations::lock(transaction, ids()).await?;
        let participations = participations
            .into_iter()
            .map(|participation| (participation.id, participation))
            .collect();
        let holders = holders(writes, &participations, transaction).await?;
        Ok(Self { participations, challenges, holders })
    }

    /// Decides one after the other, in the order in which the outcomes came, and writes everything
    /// down.
    async fn decide(
        mut self,
        writes: &[DecideParticipation],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<Option<Decision>>, StoreError> {
        let before: HashMap<ChallengeId, u32> =
            self.challenges.iter().map(|(id, record)| (*id, record.granted)).collect();
        let mut outcomes = Vec::with_capacity(writes.len());
        let mut concluded = Vec::new();
        let mut grants = Vec::new();
        for DecideParticipation { id, outcome, now } in writes {
            let found = self.participations.get(id);
            let with_challenge = found
                .and_then(|found| Some((found, self.challenges.get_mut(&found.challenge_id)?)));
            let Some((participation, record)) = with_challenge else {
                outcomes.push(None);
                continue;
            };
            let (challenge, stamps) = (&record.challenge, record.stamps());
            let holds_stamp = self.holders.contains(id);
            let decided =
                status_after(participation, challenge, stamps, outcome, holds_stamp, *now);
            if let Some(status) = decided {
                concluded.push((participation, status, *now));
            }
            if let (Some(Status::Claimed), Some(subject_hash)) = (decided, outcome.subject()) {
                record.granted += 1;
                let is_last = record.granted >= record.payload.max_stamp_claims;
                record.challenge.completed_at = is_last.then_some(*now);
                grants.push(Grant {
                    participation,
                    subject_hash,
                    number: record.granted,
                    now: *now,
                });
            }
            outcomes.push(Some(Decision {
                challenge_id: participation.challenge_id,
                status: decided.unwrap_or_else(|| participation.status_at(*now)),
                is_new: decided.is_some(),
            }));
        }
        conclude(&concluded, transaction).await?;
        claim(&grants, transaction).await?;
        count(&self.challenges, &before, transaction).await?;
        Ok(outcomes)
    }
}

async fn holders(
    writes: &[DecideParticipation],
    participations: &HashMap<ParticipationId, Participation>,
    transaction: &Transaction<'_>,
) -> Result<HashSet<ParticipationId>, StoreError> {
    static SQL: Sql = Sql::each(
        "SELECT each.participation AS participation {from each} WHERE EXISTS (
            SELECT 1 FROM stamp_claims
            WHERE challenge_id = each.challenge AND provider_id = each.provider AND subject_hash = each.subject)",
        &[
            ("participation", Kind::Bytes),
            ("challenge", Kind::Bytes),
            ("provider", Kind::Text),
            ("subject", Kind::Bytes),
        ],
    );
    let rows: Vec<_> = writes
        .iter()
        .filter_map(|write| {
            let Participation { id, challenge_id, provider_id, .. } =
                participations.get(&write.id)?;
            let subject_hash = write.outcome.subject()?;
            Some([
                id.as_bytes().into(),
                challenge_id.as_bytes().into(),
                provider_id.as_str().into(),
                subject_hash.as_bytes().into(),
            ])
        })
        .collect();
    let read = |row: &db::Row<'_>| row.bytes("participation").map(ParticipationId::from_bytes);
    Ok(transaction.query_each(&SQL, &rows, read).await?.into_iter().collect())
}

async fn conclude(
    concluded: &[(&Participation, Status, Timestamp)],
    transaction: &Transaction<'_>,
) -> Result<(), StoreError> {
    static SQL: Sql = Sql::each(
        "UPDATE participations SET status = each.outcome, decided_at = each.now {from each}
        WHERE challenge_id = each.challenge AND id = each.participation AND status = 'started'",
        &[
            ("challenge", Kind::Bytes),
            ("participation", Kind::Bytes),
            ("outcome", Kind::Text),
            ("now", Kind::Integer),
        ],
    );
    let rows: Vec<[Value<'_>; 4]> = concluded
        .iter()
        .map(|(Participation { id, challenge_id, .. }, status, now)| {
            [
                challenge_id.as_bytes().into(),
                id.as_bytes().into(),
                status.as_str().into(),
                (*now).into(),
            ]
        })
        .collect();
    let changed = transaction.execute_each(&SQL, &rows).await?;
    all(changed, rows.len(), "a participation was decided by somebody else")
}

async fn claim(grants: &[Grant<'_>], transaction: &Transaction<'_>) -> Result<(), StoreError> {
    static SQL: Sql = Sql::each(
        "INSERT INTO stamp_claims (challenge_id, number, participation_id, provider_id, subject_hash, claimed_at)
        {row of each}",
        &[
            ("challenge_id", Kind::Bytes),
            ("number", Kind::Integer),
            ("participation_id", Kind::Bytes),
            ("provider_id", Kind::Text),
            ("subject_hash", Kind::Bytes),
            ("claimed_at", Kind::Integer),
        ],
    );
    let rows: Vec<[Value<'_>; 6]> = grants
        .iter()
        .map(
            |Grant {
                 participation: Participation { id, challenge_id, provider_id, .. },
                 subject_hash,
                 number,
                 now,
             }| {
                [
                    challenge_id.as_bytes().into(),
                    (*number).into(),
                    id.as_bytes().into(),
                    provider_id.as_str().into(),
                    subject_hash.as_bytes().into(),
                    (*now).into(),
                ]
            },
        )
        .collect();
    transaction.execute_each(&SQL, &rows).await?;
    Ok(())
}

/// The stamp limit is this one conditional update: it counts on from what was read, and refuses one
/// too many whatever that was.
async fn count(
    challenges: &HashMap<ChallengeId, ChallengeRecord>,
    before: &HashMap<ChallengeId, u32>,
    transaction: &Transaction<'_>,
) -> Result<(), StoreError> {
    static SQL: Sql = Sql::each(
        "UPDATE challenges SET stamp_claims = each.granted, completed_at = each.completed {from each}
        WHERE id = each.challenge AND stamp_claims = each.granted_before AND each.granted <= max_stamp_claims
            AND completed_at IS NULL AND closed_at IS NULL",
        &[
            ("challenge", Kind::Bytes),
            ("granted_before", Kind::Integer),
            ("granted", Kind::Integer),
            ("completed", Kind::Integer),
        ],
    );
    let rows: Vec<[Value<'_>; 4]> = challenges
        .iter()
        .filter_map(|(id, record)| {
            let before = *before.get(id)?;
            let is_changed = record.granted != before;
            is_changed.then(|| {
                [
                    id.as_bytes().into(),
                    before.into(),
                    record.granted.into(),
                    record.challenge.completed_at.into(),
                ]
            })
        })
        .collect();
    let changed = transaction.execute_each(&SQL, &rows).await?;
    all(changed, rows.len(), "a stamp was granted by somebody else")
}

/// Makes sure that every row was changed. What was read is locked, so anything else is a bug.
fn all(changed: u64, rows: usize, otherwise: &str) -> Result<(), StoreError> {
    if usize::try_from(changed) == Ok(rows) {
        Ok(())
    } else {
        Err(StoreError::Internal(otherwise.into()))
    }
}

impl ChallengeStore {
    /// Decides what becomes of a participation; `None` when there is no such participation.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn decide_participation(
        &self,
        write: DecideParticipation,
    ) -> Result<Option<Decision>, StoreError> {
        self.database.write(write).await
    }
}
