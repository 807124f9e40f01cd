//! Reads the outcomes of a challenge (§8).

use std::collections::HashMap;

use db::{Row, Sql, StoreError, Value};
use domain::challenge::Challenge;
use domain::feedback::{Feedback, FeedbackText};
use domain::outcomes::{OutcomeCounts, Outcomes, timeline};
use domain::participation::Status;
use domain::verification::FailureReason;
use domain::{ChallengeId, Platform, ProviderId, Timestamp};

use super::{JOINED, VERIFICATION_STARTED};
use crate::ChallengeStore;
use crate::challenges::ChallengeRecord;
use crate::participations::feedback::reasons_from;

/// How many pieces of feedback are read at most.
const MOST_FEEDBACK: u32 = 100;

type Rows = HashMap<(ProviderId, Platform), OutcomeCounts>;

impl ChallengeStore {
    /// The outcomes of a challenge at `now` (§8). It reads counts, and no participations.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn outcomes(
        &self,
        record: &ChallengeRecord,
        now: Timestamp,
    ) -> Result<Outcomes, StoreError> {
        let id = record.challenge.id;
        let mut counts = Rows::new();
        for (key, name, reason, number) in self.participation_counts(id).await? {
            add(counts.entry(key).or_default(), &name, &reason, number);
        }
        for (key, tenths, number) in self.completion_counts(id).await? {
            counts.entry(key).or_default().completions.insert(tenths, number);
        }
        let rows = record
            .payload
            .provider_ids
            .iter()
            .flat_map(|provider| Platform::ALL.map(|platform| (provider.clone(), platform)));
        let rows = rows
            .map(|(provider, platform)| {
                let counts = counts.remove(&(provider.clone(), platform)).unwrap_or_default();
                (provider, platform, counts)
            })
            .collect();
        let Challenge { created_at, expires_at, completed_at, .. } = record.challenge;
        let end = completed_at.unwrap_or(now).min(expires_at).min(now);
        let timeline = timeline(created_at, end, &self.minute_counts(id).await?);
        Ok(Outcomes { rows, timeline, feedback: self.newest_feedback(id).await? })
    }

    async fn participation_counts(
        &self,
        id: ChallengeId,
    ) -> Result<Vec<((ProviderId, Platform), String, String, u64)>, StoreError> {
        static SQL: Sql = Sql::new(
            "SELECT provider_id, platform, outcome, reason, number FROM participation_counts
            WHERE challenge_id = $1",
        );
        let read = |row: &Row<'_>| {
            Ok((
                read_key(row)?,
                row.string("outcome")?,
                row.string("reason")?,
                row.total("number")?,
            ))
        };
        self.database.query(&SQL, vec![Value::from(id.as_bytes()).into_owned()], read).await
    }

    async fn completion_counts(
        &self,
        id: ChallengeId,
    ) -> Result<Vec<((ProviderId, Platform), u64, u64)>, StoreError> {
        static SQL: Sql = Sql::new(
            "SELECT provider_id, platform, tenths, number FROM completion_counts
            WHERE challenge_id = $1",
        );
        let read = |row: &Row<'_>| Ok((read_key(row)?, row.total("tenths")?, row.total("number")?));
        self.database.query(&SQL, vec![Value::from(id.as_bytes()).into_owned()], read).await
    }

    async fn minute_counts(&self, id: ChallengeId) -> Result<Vec<(i64, u64, u64)>, StoreError> {
        static SQL: Sql =
            Sql::new("SELECT minute, joined, claimed FROM minute_counts WHERE challenge_id = $1");
        let read = |row: &Row<'_>| {
            Ok((row.integer("minute")?, row.total("joined")?, row.total("claimed")?))
        };
        self.database.query(&SQL, vec![Value::from(id.as_bytes()).into_owned()], read).await
    }

    async fn newest_feedback(&self, id: ChallengeId) -> Result<Vec<Feedback>, StoreError> {
        static SQL: Sql = Sql::new(
            "SELECT provider_id, platform, status, reasons, text, given_at FROM feedback
            WHERE challenge_id = $1 ORDER BY given_at DESC LIMIT $2",
        );
        let parameters = vec![Value::from(id.as_bytes()).into_owned(), MOST_FEEDBACK.into()];
        self.database.query(&SQL, parameters, read_feedback).await
    }
}

/// Adds a row of `participation_counts`. Outcomes that this release does not know are left out.
fn add(counts: &mut OutcomeCounts, name: &str, reason: &str, number: u64) {
    match (name, Status::from_name(name)) {
        (JOINED, _) => counts.joined = number,
        (VERIFICATION_STARTED, _) => counts.verification_started = number,
        (_, Some(status)) => {
            *counts.ended.entry(status).or_default() += number;
            if let Some(reason) = FailureReason::from_name(reason) {
                *counts.failure_reasons.entry(reason).or_default() += number;
            }
        }
        (_, None) => {}
    }
}

fn read_key(row: &Row<'_>) -> Result<(ProviderId, Platform), StoreError> {
    Ok((row.parsed("provider_id")?, row.parsed("platform")?))
}

fn read_feedback(row: &Row<'_>) -> Result<Feedback, StoreError> {
    Ok(Feedback {
        provider_id: row.parsed("provider_id")?,
        platform: row.parsed("platform")?,
        status: row.named("status", Status::from_name)?,
        reasons: reasons_from(&row.strings("reasons")?).collect(),
        text: row.optional_string("text")?.and_then(FeedbackText::new),
        at: row.time("given_at")?,
    })
}
