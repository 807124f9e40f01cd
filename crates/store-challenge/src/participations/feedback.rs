//! Stores what testers say about participations that have ended (§10).

use db::{Sql, StoreError, Transaction, Write, apply_each};
use domain::ParticipationId;
use domain::feedback::{Feedback, FeedbackReason, FeedbackText};

use crate::ChallengeStore;
use crate::participations::lock;

/// Stores what a tester says.
#[derive(Clone, Debug)]
pub struct GiveFeedback {
    /// The participation, which has ended.
    pub id: ParticipationId,
    /// What is said.
    pub feedback: Feedback,
}

impl Write for GiveFeedback {
    /// `false` if there is feedback on this participation already.
    type Outcome = bool;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<bool>, StoreError> {
        static SQL: Sql = Sql::new(
            "INSERT INTO feedback (challenge_id, participation_id, provider_id, platform, status,
                reasons, text, given_at)
            SELECT challenge_id, id, provider_id, platform, $2, $3, $4, $5
            FROM participations WHERE id = $1
            ON CONFLICT (challenge_id, participation_id) DO NOTHING",
        );
        lock(transaction, writes.iter().map(|write| write.id)).await?;
        apply_each(writes, async |Self { id, feedback }| {
            let parameters = [
                id.as_bytes().into(),
                feedback.status.as_str().into(),
                reasons_to_json(feedback).into(),
                feedback.text.as_ref().map(FeedbackText::as_str).into(),
                feedback.at.into(),
            ];
            Ok(transaction.execute(&SQL, &parameters).await? > 0)
        })
        .await
    }
}

fn reasons_to_json(feedback: &Feedback) -> String {
    let names: Vec<&str> = feedback.reasons.iter().map(|it| it.as_str()).collect();
    serde_json::Value::from(names).to_string()
}

/// The reasons in a row. Those that this release does not know are left out.
pub(crate) fn reasons_from(names: &[String]) -> impl Iterator<Item = FeedbackReason> {
    names.iter().filter_map(|name| FeedbackReason::from_name(name))
}

impl ChallengeStore {
    /// Stores what a tester says (§10). Returns `false` if there is feedback already.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn give_feedback(&self, write: GiveFeedback) -> Result<bool, StoreError> {
        self.database.write(write).await
    }

    /// Whether there is feedback on this participation.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn has_feedback(
        &self,
        challenge: domain::ChallengeId,
        id: ParticipationId,
    ) -> Result<bool, StoreError> {
        static SQL: Sql = Sql::new(
            "SELECT given_at FROM feedback WHERE challenge_id = $1 AND participation_id = $2",
        );
        let parameters = [challenge.as_bytes().into(), id.as_bytes().into()];
        let parameters = parameters.map(db::Value::into_owned);
        let found = self.database.find(&SQL, parameters.into(), |row| row.time("given_at")).await?;
        Ok(found.is_some())
    }
}
