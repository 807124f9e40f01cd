//! Adds counts to those that are stored.

use db::{Sql, StoreError, Transaction, write_columns};
use domain::ChallengeId;

use super::{Counts, Part};

write_columns! {
    /// A row of `participation_counts`.
    ParticipationCount(((Part, &'static str, &'static str), (u32, u64))) = |(
        ((challenge, provider, platform), outcome, reason),
        (number, milliseconds),
    )| {
        challenge_id: Bytes = challenge.as_bytes(),
        provider_id: Text = provider.as_str(),
        platform: Text = *platform,
        outcome: Text = *outcome,
        reason: Text = *reason,
        number: Integer = *number,
        milliseconds: Integer = i64::try_from(*milliseconds).unwrap_or(i64::MAX),
    }
}

static ADD_PARTICIPATIONS: Sql = Sql::each(
    "INSERT INTO participation_counts {row of each}
    ON CONFLICT (challenge_id, provider_id, platform, outcome, reason) DO UPDATE SET
        number = participation_counts.number + excluded.number,
        milliseconds = participation_counts.milliseconds + excluded.milliseconds",
    &ParticipationCount::COLUMNS,
);

write_columns! {
    /// A row of `completion_counts`.
    CompletionCount(((Part, u64), u32)) = |(((challenge, provider, platform), tenths), number)| {
        challenge_id: Bytes = challenge.as_bytes(),
        provider_id: Text = provider.as_str(),
        platform: Text = *platform,
        tenths: Integer = i64::try_from(*tenths).unwrap_or(i64::MAX),
        number: Integer = *number,
    }
}

static ADD_COMPLETIONS: Sql = Sql::each(
    "INSERT INTO completion_counts {row of each}
    ON CONFLICT (challenge_id, provider_id, platform, tenths) DO UPDATE SET
        number = completion_counts.number + excluded.number",
    &CompletionCount::COLUMNS,
);

write_columns! {
    /// A row of `minute_counts`.
    MinuteCount(((ChallengeId, i64), (u32, u32))) = |((challenge, minute), (joined, claimed))| {
        challenge_id: Bytes = challenge.as_bytes(),
        minute: Integer = *minute,
        joined: Integer = *joined,
        claimed: Integer = *claimed,
    }
}

static ADD_MINUTES: Sql = Sql::each(
    "INSERT INTO minute_counts {row of each}
    ON CONFLICT (challenge_id, minute) DO UPDATE SET
        joined = minute_counts.joined + excluded.joined,
        claimed = minute_counts.claimed + excluded.claimed",
    &MinuteCount::COLUMNS,
);

/// Adds counts, in the order of their keys.
pub(super) async fn store(counts: Counts, transaction: &Transaction<'_>) -> Result<(), StoreError> {
    let Counts { participations, completions, minutes } = counts;
    let participations: Vec<_> = participations.into_iter().collect();
    let rows: Vec<_> = participations.iter().map(ParticipationCount::of).collect();
    transaction.execute_each(&ADD_PARTICIPATIONS, &rows).await?;
    let completions: Vec<_> = completions.into_iter().collect();
    let rows: Vec<_> = completions.iter().map(CompletionCount::of).collect();
    transaction.execute_each(&ADD_COMPLETIONS, &rows).await?;
    let minutes: Vec<_> = minutes.into_iter().collect();
    let rows: Vec<_> = minutes.iter().map(MinuteCount::of).collect();
    transaction.execute_each(&ADD_MINUTES, &rows).await?;
    Ok(())
}
