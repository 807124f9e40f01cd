//! Production tests: the bodies to order, list and read them (§5, §6, §7).

mod order;
mod refusal;
mod state;
mod update;

use domain::Timestamp;
use domain::challenge_request::{
    ChallengeRequest as Request, Scheduling as RequestScheduling, Status,
};
use domain::production_test::Payload as RequestPayload;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::order::{CreateProductionTest, read_order};
pub(crate) use self::order::{
    PLATFORM_RULE, platform, read_allow_duplicates, read_description, read_target_platform,
    read_title, stamp_limit_rule,
};
pub use self::refusal::{RefusalReason, RefusedProvider};
pub use self::state::TestState;
pub(crate) use self::update::MOMENT_RULE;
pub use self::update::{UpdateProductionTest, read_update};
use crate::Moment;
use crate::challenge::Challenge;

/// The platform of a tester's device (§5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    /// An iPhone or iPad.
    Ios,
    /// An Android phone or tablet.
    Android,
}

impl From<domain::Platform> for Platform {
    fn from(platform: domain::Platform) -> Self {
        match platform {
            domain::Platform::Ios => Self::Ios,
            domain::Platform::Android => Self::Android,
        }
    }
}

impl From<Platform> for domain::Platform {
    fn from(platform: Platform) -> Self {
        match platform {
            Platform::Ios => Self::Ios,
            Platform::Android => Self::Android,
        }
    }
}

/// The status of a challenge request (§9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ChallengeRequestStatus)]
pub enum RequestStatus {
    /// Not yet scheduled.
    Pending,
    /// It became a challenge.
    Scheduled,
    /// It could not be scheduled.
    Failed,
    /// It was cancelled.
    Cancelled,
}

impl From<Status> for RequestStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Pending => Self::Pending,
            Status::Scheduled => Self::Scheduled,
            Status::Failed => Self::Failed,
            Status::Cancelled => Self::Cancelled,
        }
    }
}

/// A challenge request: an order that is to become a challenge (§5).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChallengeRequest {
    /// The id: `req_` and a UUID.
    #[schema(example = "req_7f3a9c1e-4b2d-4f88-9e1a-0c3d5b6e7f8a")]
    pub id: String,
    /// The client id of the app under test.
    #[schema(example = "FK5b0KSM")]
    pub client_id: String,
    /// The status.
    pub status: RequestStatus,
    /// The part of the order that the challenge service gets.
    pub payload: Payload,
    /// The challenge's id, exactly when the status is `scheduled`. The report has the same id.
    #[schema(required = true)]
    pub challenge_id: Option<String>,
    /// When it was created.
    pub created_at: Moment,
}

/// The part of an order that the challenge service gets (§5).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ChallengeRequestPayload)]
pub struct Payload {
    /// The title.
    #[schema(example = "BankID SE Test")]
    pub title: String,
    /// Instructions for testers; present if the order has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub description: Option<String>,
    /// The providers under test, without repetitions.
    #[schema(example = json!(["bankidse"]))]
    pub provider_ids: Vec<String>,
    /// How many stamps the challenge grants.
    #[schema(example = 3, minimum = 1, maximum = 2_147_483_647)]
    pub max_stamp_claims: u32,
    /// The only platform that can take part; null means all.
    #[schema(required = true)]
    pub target_platform: Option<Platform>,
    /// Whether one person can hold several stamps for one provider; present if the order says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub allow_duplicate_participation: Option<bool>,
    /// When the challenge is to expire; present if that was changed before it was scheduled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub expires_at: Option<Moment>,
}

impl From<&RequestPayload> for Payload {
    fn from(payload: &RequestPayload) -> Self {
        let RequestPayload {
            title,
            description,
            provider_ids,
            max_stamp_claims,
            target_platform,
            allow_duplicate_participation,
            expires_at,
        } = payload;
        Self {
            title: title.clone(),
            description: description.clone(),
            provider_ids: provider_ids.iter().map(ToString::to_string).collect(),
            max_stamp_claims: *max_stamp_claims,
            target_platform: target_platform.map(Platform::from),
            allow_duplicate_participation: *allow_duplicate_participation,
            expires_at: expires_at.map(Moment::from),
        }
    }
}

impl From<&Request> for ChallengeRequest {
    fn from(request: &Request) -> Self {
        let Request { id, client_id, payload, status, challenge, created_at, .. } = request;
        Self {
            id: id.to_string(),
            client_id: client_id.to_string(),
            status: (*status).into(),
            payload: payload.into(),
            challenge_id: challenge.as_ref().map(|challenge| challenge.id.to_string()),
            created_at: (*created_at).into(),
        }
    }
}

/// The attempts to hand a request over to the challenge service (§7).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Scheduling {
    /// How many attempts have ended, successfully or not.
    pub attempts: u32,
    /// When the next attempt is due; null if there is none.
    #[schema(required = true)]
    pub next_attempt_at: Option<Moment>,
    /// Why the last attempt did not succeed; null if it did, or if there was none.
    #[schema(required = true)]
    pub last_error: Option<String>,
}

impl From<&RequestScheduling> for Scheduling {
    fn from(scheduling: &RequestScheduling) -> Self {
        let RequestScheduling { attempts, next_attempt_at, give_up_at: _, last_error } = scheduling;
        Self {
            attempts: *attempts,
            next_attempt_at: next_attempt_at.map(Moment::from),
            last_error: last_error.clone(),
        }
    }
}

/// A production test: its request, its challenge and its scheduling (§7).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProductionTest {
    /// The challenge request.
    #[serde(flatten)]
    pub request: ChallengeRequest,
    /// The challenge; null until it is scheduled.
    #[schema(required = true)]
    pub challenge: Option<Challenge>,
    /// The attempts to schedule it.
    pub scheduling: Scheduling,
    /// When any part of it last changed.
    pub updated_at: Moment,
}

impl ProductionTest {
    /// The body for this request at `now`.
    #[must_use]
    pub fn at(now: Timestamp, request: &Request) -> Self {
        Self {
            request: request.into(),
            challenge: request.challenge.as_ref().map(|challenge| Challenge::at(now, challenge)),
            scheduling: (&request.scheduling).into(),
            updated_at: request.updated_at.into(),
        }
    }
}

/// An item of the list (§6): a challenge if the production test is scheduled, a request if it is
/// not.
// One type and not a union: generators disagree about unions whose members are null.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ProductionTestItem)]
pub struct ListItem {
    /// The name of the member that is set.
    #[serde(rename = "type")]
    pub kind: ItemType,
    /// The challenge; null while the type is `request`.
    #[schema(required = true)]
    pub challenge: Option<Challenge>,
    /// The request; null once the type is `challenge`.
    #[schema(required = true)]
    pub request: Option<ChallengeRequest>,
}

/// The type of an item of the list (§6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ProductionTestItemType)]
pub enum ItemType {
    /// Scheduled.
    Challenge,
    /// Not scheduled: pending, failed or cancelled.
    Request,
}

impl ListItem {
    /// The list item for this request at `now`.
    #[must_use]
    pub fn at(now: Timestamp, request: &Request) -> Self {
        match &request.challenge {
            Some(challenge) => Self {
                kind: ItemType::Challenge,
                challenge: Some(Challenge::at(now, challenge)),
                request: None,
            },
            None => {
                Self { kind: ItemType::Request, challenge: None, request: Some(request.into()) }
            }
        }
    }
}
