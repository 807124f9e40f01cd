//! The bodies of the testers' endpoints (§10).

use domain::participation::{Participation as Record, Status};
use domain::{ProviderId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::Moment;
use crate::error::FieldError;
use crate::fields::Fields;
use crate::production_test::{PLATFORM_RULE, Platform, platform};
use crate::verification::FailureReason;

/// A challenge that testers can join (§10).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OpenChallenge {
    /// The id: `ch_` and a UUID.
    #[schema(example = "ch_019d6c8b-6c00-7b1e-8f1a-0c3d5b6e7f8a")]
    pub id: String,
    /// The title of the production test.
    #[schema(example = "BankID SE Test")]
    pub title: String,
    /// Instructions for testers; null if there are none.
    #[schema(required = true)]
    pub description: Option<String>,
    /// The name of the app under test.
    #[schema(example = "Acme Bank")]
    pub host_name: String,
    /// The providers to choose from.
    pub providers: Vec<ProviderChoice>,
    /// The only platform that can take part; null means all.
    #[schema(required = true)]
    pub target_platform: Option<Platform>,
    /// How many stamps the challenge grants.
    pub max_stamp_claims: u32,
    /// How many stamps are left.
    pub remaining_stamps: u32,
    /// When it expires.
    pub expires_at: Moment,
}

/// A provider that a tester can choose (§10).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = OpenChallengeProvider)]
pub struct ProviderChoice {
    /// The provider's id.
    #[schema(example = "bankidse")]
    pub id: String,
    /// The display name.
    #[schema(example = "BankID SE")]
    pub name: String,
}

/// A request to join a challenge (§10).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JoinChallenge {
    /// The provider that the tester will use: one of the challenge's.
    #[schema(pattern = "^[a-z0-9-]{1,64}$", example = "bankidse")]
    pub provider_id: String,
    /// The platform of the tester's device.
    pub platform: Platform,
}

/// Reads a request to join a challenge with these providers and this target platform.
///
/// # Errors
/// One error per invalid field.
pub fn read_join(
    body: &Map<String, Value>,
    providers: &[ProviderId],
    target: Option<domain::Platform>,
) -> Result<(ProviderId, domain::Platform), Vec<FieldError>> {
    let mut fields = Fields::of(body);
    let names: Vec<&str> = providers.iter().map(ProviderId::as_str).collect();
    let choices = format!("one of this challenge's providers ({})", names.join(", "));
    let chosen = fields.required("providerId", "providerId", &choices, |value| {
        providers.iter().find(|id| value.as_str() == Some(id.as_str())).cloned()
    });
    let rule = match target {
        Some(target) => {
            format!("\"{target}\", the only platform that can take part in this challenge")
        }
        None => PLATFORM_RULE.to_owned(),
    };
    let platform = fields.required("platform", "platform", &rule, |value| {
        platform(value).filter(|platform| target.is_none_or(|target| target == *platform))
    });
    fields.finish(chosen.zip(platform))
}

/// The status of a participation (§10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ParticipationStatus {
    /// Joined, without an outcome yet.
    Started,
    /// Verified, and a stamp was granted.
    Claimed,
    /// The verification failed.
    Failed,
    /// Verified, but no stamp was left or the challenge had ended.
    Missed,
    /// Verified as a person who already holds a stamp for this provider.
    Duplicate,
    /// There was no outcome within 15 minutes.
    Lapsed,
}

impl From<Status> for ParticipationStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Started => Self::Started,
            Status::Claimed => Self::Claimed,
            Status::Failed => Self::Failed,
            Status::Missed => Self::Missed,
            Status::Duplicate => Self::Duplicate,
            Status::Lapsed => Self::Lapsed,
        }
    }
}

/// A tester's participation in a challenge (§10).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Participation {
    /// The id: `par_` and a UUID.
    #[schema(example = "par_019d6c8b-7b2a-7c44-9b2e-5d1f0a3c4e6b")]
    pub id: String,
    /// The challenge that was joined.
    #[schema(example = "ch_019d6c8b-6c00-7b1e-8f1a-0c3d5b6e7f8a")]
    pub challenge_id: String,
    /// The provider that the tester chose.
    #[schema(example = "bankidse")]
    pub provider_id: String,
    /// The platform of the tester's device.
    pub platform: Platform,
    /// The status.
    pub status: ParticipationStatus,
    /// Why the verification failed; null unless the status is `failed`.
    #[schema(required = true)]
    pub failure_reason: Option<FailureReason>,
    /// The page where the tester is verified.
    #[schema(example = "http://127.0.0.1:8080/tpas/v1/simulator/\
            par_019d6c8b-7b2a-7c44-9b2e-5d1f0a3c4e6b?code=5f0c")]
    pub verification_url: String,
    /// When the tester joined.
    pub created_at: Moment,
    /// When it lapses unless there is an outcome.
    pub expires_at: Moment,
}

impl Participation {
    /// The body for this participation at `now`.
    #[must_use]
    pub fn at(now: Timestamp, participation: &Record, verification_url: String) -> Self {
        let Record {
            id,
            challenge_id,
            provider_id,
            platform,
            recorded_status: _,
            failure_reason,
            verification_started_at: _,
            joined_at,
            lapses_at,
        } = participation;
        Self {
            id: id.to_string(),
            challenge_id: challenge_id.to_string(),
            provider_id: provider_id.to_string(),
            platform: (*platform).into(),
            status: participation.status_at(now).into(),
            failure_reason: failure_reason.map(Into::into),
            verification_url,
            created_at: (*joined_at).into(),
            expires_at: (*lapses_at).into(),
        }
    }
}

/// A participation that was just created, with the token that gives access to it (§10).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StartedParticipation {
    /// The participation.
    #[serde(flatten)]
    pub participation: Participation,
    /// The bearer token for reading this participation.
    pub token: String,
}
