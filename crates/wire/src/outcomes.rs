//! The outcomes of a production test (§8): why it went as it did.

use domain::feedback::FeedbackText;
use domain::participation::Status;
use domain::verification;
use domain::{ChallengeId, ProviderId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Moment;
use crate::feedback::FeedbackReason;
use crate::participation::ParticipationStatus;
use crate::production_test::Platform;
use crate::verification::FailureReason;

/// The outcomes of a production test (§8). No person can be recognised in them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ProductionTestOutcomes)]
pub struct Outcomes {
    /// The challenge's id.
    #[schema(example = "ch_019d6c8b-6c00-7b1e-8f1a-0c3d5b6e7f8a")]
    pub challenge_id: String,
    /// How far testers came, all providers together.
    pub funnel: Funnel,
    /// One row for each provider and platform, in the order of the challenge's payload.
    pub outcomes: Vec<OutcomeRow>,
    /// At most 100 equal steps from the challenge's beginning to its end, or to now.
    pub timeline: Vec<Step>,
    /// What testers said, the newest first, at most 100.
    pub feedback: Vec<Feedback>,
}

/// The format of the outcomes (§8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = OutcomesFormat)]
pub enum Format {
    /// The whole answer.
    Json,
    /// The rows of `outcomes`.
    Csv,
}

/// How far testers came (§8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OutcomeFunnel)]
pub struct Funnel {
    /// Participations.
    pub joined: u64,
    /// Those whose verification began.
    pub verification_started: u64,
    /// Those that were verified, with a stamp or without.
    pub verified: u64,
    /// Those that got a stamp.
    pub claimed: u64,
}

/// What became of the participations of one provider on one platform (§8).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OutcomeRow {
    /// The provider's id.
    #[schema(example = "bankidse")]
    pub provider_id: String,
    /// The platform.
    pub platform: Platform,
    /// Stamps.
    pub claimed: u64,
    /// Failed verifications.
    pub failed: u64,
    /// Verified, but no stamp was left.
    pub missed: u64,
    /// Verified, but the person had a stamp already.
    pub duplicate: u64,
    /// Without an outcome in time.
    pub lapsed: u64,
    /// Not ended yet.
    pub started: u64,
    /// Why verifications failed; reasons that did not occur are left out.
    pub failure_reasons: Vec<ReasonCount>,
    /// The times from joining to the stamp; null without stamps.
    #[schema(required = true)]
    pub completion_seconds: Option<CompletionSeconds>,
}

/// How often verifications failed for a reason (§8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = FailureReasonCount)]
pub struct ReasonCount {
    /// The reason.
    pub reason: FailureReason,
    /// How often.
    pub count: u64,
}

/// The times from joining to the stamp, in seconds, to a tenth (§8).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CompletionSeconds {
    /// Half of the stamps took at most this long.
    pub p50: f64,
    /// Nine of ten stamps took at most this long.
    pub p90: f64,
    /// The slowest.
    pub max: f64,
}

/// What happened in one step of the timeline (§8).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = OutcomeStep)]
pub struct Step {
    /// When the step begins.
    pub at: Moment,
    /// Participations that started in it.
    pub joined: u64,
    /// Stamps that were granted in it.
    pub claimed: u64,
}

/// What a tester said (§8).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OutcomeFeedback)]
pub struct Feedback {
    /// The provider.
    #[schema(example = "bankidse")]
    pub provider_id: String,
    /// The platform of the tester's device.
    pub platform: Platform,
    /// How the participation ended.
    pub status: ParticipationStatus,
    /// What was said with one tap.
    pub reasons: Vec<FeedbackReason>,
    /// What was said in words; null if nothing was.
    #[schema(required = true)]
    pub text: Option<String>,
    /// When.
    pub at: Moment,
}

impl Outcomes {
    /// The body for these outcomes.
    #[must_use]
    pub fn new(id: ChallengeId, outcomes: &domain::outcomes::Outcomes) -> Self {
        let domain::outcomes::Outcomes { rows, timeline, feedback } = outcomes;
        let sum = |of: fn(&domain::outcomes::OutcomeCounts) -> u64| {
            rows.iter().map(|(_, _, counts)| of(counts)).sum()
        };
        Self {
            challenge_id: id.to_string(),
            funnel: Funnel {
                joined: sum(|counts| counts.joined),
                verification_started: sum(|counts| counts.verification_started),
                verified: sum(domain::outcomes::OutcomeCounts::verified),
                claimed: sum(|counts| counts.with(Status::Claimed)),
            },
            outcomes: rows
                .iter()
                .map(|(provider, platform, counts)| OutcomeRow::new(provider, *platform, counts))
                .collect(),
            timeline: timeline
                .iter()
                .map(|domain::outcomes::Step { at, joined, claimed }| Step {
                    at: (*at).into(),
                    joined: *joined,
                    claimed: *claimed,
                })
                .collect(),
            feedback: feedback.iter().map(Feedback::from).collect(),
        }
    }

    /// The rows as CSV (RFC 4180) with a header line. No cell begins a formula, whatever opens it.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let mut lines = vec![
            "providerId,platform,claimed,failed,missed,duplicate,lapsed,started,p50Seconds,p90Seconds,\
             maxSeconds,failureReasons"
                .to_owned(),
        ];
        lines.extend(self.outcomes.iter().map(OutcomeRow::to_csv));
        lines.push(String::new());
        lines.join("\r\n")
    }
}

impl OutcomeRow {
    fn new(
        provider: &ProviderId,
        platform: domain::Platform,
        counts: &domain::outcomes::OutcomeCounts,
    ) -> Self {
        let percentiles = [50, 90, 100].map(|percent| counts.percentile(percent).map(seconds));
        let completion_seconds = match percentiles {
            [Some(p50), Some(p90), Some(max)] => Some(CompletionSeconds { p50, p90, max }),
            _ => None,
        };
        let reasons = counts.failure_reasons.iter();
        Self {
            provider_id: provider.to_string(),
            platform: platform.into(),
            claimed: counts.with(Status::Claimed),
            failed: counts.with(Status::Failed),
            missed: counts.with(Status::Missed),
            duplicate: counts.with(Status::Duplicate),
            lapsed: counts.with(Status::Lapsed),
            started: counts.with(Status::Started),
            failure_reasons: reasons
                .map(|(reason, count)| ReasonCount { reason: (*reason).into(), count: *count })
                .collect(),
            completion_seconds,
        }
    }

    fn to_csv(&self) -> String {
        let seconds = |of: fn(&CompletionSeconds) -> f64| {
            self.completion_seconds.as_ref().map_or(String::new(), |it| of(it).to_string())
        };
        let reason = |ReasonCount { reason, count }: &ReasonCount| {
            format!("{}={count}", verification::FailureReason::from(*reason).as_str())
        };
        let reasons: Vec<String> = self.failure_reasons.iter().map(reason).collect();
        let platform = domain::Platform::from(self.platform).as_str();
        let Self { claimed, failed, missed, duplicate, lapsed, started, .. } = self;
        let numbers = [claimed, failed, missed, duplicate, lapsed, started].map(u64::to_string);
        let mut cells = vec![safe_cell(&self.provider_id), platform.to_owned()];
        cells.extend(numbers);
        cells.extend([seconds(|it| it.p50), seconds(|it| it.p90), seconds(|it| it.max)]);
        cells.push(reasons.join(" "));
        cells.join(",")
    }
}

/// A text that a spreadsheet does not take for a formula. Provider ids need no quotes.
fn safe_cell(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text.to_owned() }
}

#[expect(clippy::cast_precision_loss, reason = "a duration is far below 2^53 tenths of a second")]
fn seconds(tenths: u64) -> f64 {
    tenths as f64 / 10.0
}

impl From<&domain::feedback::Feedback> for Feedback {
    fn from(feedback: &domain::feedback::Feedback) -> Self {
        let domain::feedback::Feedback { provider_id, platform, status, reasons, text, at } =
            feedback;
        Self {
            provider_id: provider_id.to_string(),
            platform: (*platform).into(),
            status: (*status).into(),
            reasons: reasons.iter().map(|reason| (*reason).into()).collect(),
            text: text.as_ref().map(FeedbackText::as_str).map(str::to_owned),
            at: (*at).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_begins_a_formula() {
        assert_eq!(safe_cell("-2+3"), "'-2+3");
        assert_eq!(safe_cell("bankidse"), "bankidse");
    }
}
