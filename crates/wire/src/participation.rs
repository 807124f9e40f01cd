//! What testers see and do (§10).

use domain::participation::{Participation as Record, Status};
use domain::{ProviderId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::Moment;
use crate::error::FieldError;
use crate::fields::Fields;
use crate::production_test::{PLATFORM_RULE, Platform, platform};

/// A challenge that a tester can join now (§10).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OpenChallenge {
    /// `ch_` and a UUID.
    #[schema(example = "ch_019d6c8b-6c00-7b1e-8f1a-0c3d5b6e7f8a")]
    pub id: String,
    /// What the test is called.
    #[schema(example = "BankID SE Test")]
    pub title: String,
    /// What testers should know, if anything was said.
    #[schema(required = true)]
    pub description: Option<String>,
    /// Whose test it is.
    #[schema(example = "Acme Bank")]
    pub host_name: String,
    /// The providers to choose from.
    pub providers: Vec<ProviderChoice>,
    /// The only platform that may take part; null means both.
    #[schema(required = true)]
    pub target_platform: Option<Platform>,
    /// How many stamps there are in all.
    pub max_stamp_claims: u32,
    /// How many are left.
    pub remaining_stamps: u32,
    /// When it ends by itself.
    pub expires_at: Moment,
}

/// A provider that a tester can choose (§10).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = OpenChallengeProvider)]
pub struct ProviderChoice {
    /// What the API calls it.
    #[schema(example = "bankidse")]
    pub id: String,
    /// What people call it.
    #[schema(example = "BankID SE")]
    pub name: String,
}

/// What a tester says to join a challenge (§10).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JoinChallenge {
    /// The provider that the tester will use: one of the challenge's.
    #[schema(pattern = "^[a-z0-9-]{1,64}$", example = "bankidse")]
    pub provider_id: String,
    /// What the tester's device runs.
    pub platform: Platform,
}

/// Reads what a tester wants, against what the challenge offers.
///
/// # Errors
/// Every offending field.
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
    let made = chosen.zip(platform);
    fields.finish(made)
}

/// Where a participation stands (§10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ParticipationStatus {
    /// Joined; the outcome is not known yet.
    Started,
    /// Verified, and a stamp was granted.
    Claimed,
    /// The verification failed.
    Failed,
    /// Verified, but the last stamp was gone or the challenge was over.
    Missed,
    /// Verified as a person who has a stamp of this provider already.
    Duplicate,
    /// No outcome within 15 minutes.
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
    /// `par_` and a UUID.
    #[schema(example = "par_019d6c8b-7b2a-7c44-9b2e-5d1f0a3c4e6b")]
    pub id: String,
    /// The challenge that was joined.
    #[schema(example = "ch_019d6c8b-6c00-7b1e-8f1a-0c3d5b6e7f8a")]
    pub challenge_id: String,
    /// The provider that the tester chose.
    #[schema(example = "bankidse")]
    pub provider_id: String,
    /// What the tester's device runs.
    pub platform: Platform,
    /// Where it stands.
    pub status: ParticipationStatus,
    /// Where the tester goes to be verified.
    #[schema(
        example = "http://127.0.0.1:8080/tpas/v1/simulator/par_019d6c8b-7b2a-7c44-9b2e-5d1f0a3c4e6b?code=5f0c"
    )]
    pub verification_url: String,
    /// When the tester joined.
    pub created_at: Moment,
    /// When it lapses without an outcome.
    pub expires_at: Moment,
}

impl Participation {
    /// What the tester sees of this participation at `now`.
    #[must_use]
    pub fn at(now: Timestamp, participation: &Record, verification_url: String) -> Self {
        let Record {
            id,
            challenge_id,
            provider_id,
            platform,
            recorded_status: _,
            joined_at,
            lapses_at,
        } = participation;
        Self {
            id: id.to_string(),
            challenge_id: challenge_id.to_string(),
            provider_id: provider_id.to_string(),
            platform: (*platform).into(),
            status: participation.status_at(now).into(),
            verification_url,
            created_at: (*joined_at).into(),
            expires_at: (*lapses_at).into(),
        }
    }
}

/// A participation that has just begun, with the token that opens it (§10).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StartedParticipation {
    /// The participation.
    #[serde(flatten)]
    pub participation: Participation,
    /// The bearer token with which the tester can follow this participation.
    pub token: String,
}
