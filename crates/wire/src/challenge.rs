//! The challenge body (§6).

use std::time::Duration;

use domain::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Moment;

/// A challenge: a production test that testers can join (§6).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Challenge {
    /// The id: `ch_` and a UUID.
    #[schema(example = "ch_019d6c8b-6c00-7b1e-8f1a-0c3d5b6e7f8a")]
    pub id: String,
    /// The title of the production test.
    #[schema(example = "BankID SE Test")]
    pub title: String,
    /// Instructions for testers; null if there are none.
    #[schema(required = true)]
    pub description: Option<String>,
    /// When it expires: at 23:59:59 UTC of the seventh day after its creation.
    pub expires_at: Moment,
    /// When it was created.
    pub created_at: Moment,
    /// When its last stamp was granted; null while stamps are left.
    #[schema(required = true)]
    pub completed_at: Option<Moment>,
    /// Whether testers can join and claim stamps.
    pub is_active: bool,
    /// How success is granted. The only mode is `stamp`.
    pub challenge_mode: ChallengeMode,
    /// Always null.
    #[schema(required = true)]
    pub sponsor: Option<String>,
    /// Always null.
    #[schema(required = true)]
    pub sources: Option<Vec<String>>,
}

/// How success is granted (§6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ChallengeMode {
    /// As a limited number of stamps, first come, first served.
    Stamp,
}

impl Challenge {
    /// The body for this challenge at `now`.
    #[must_use]
    pub fn at(now: Timestamp, challenge: &domain::challenge::Challenge) -> Self {
        let domain::challenge::Challenge {
            id,
            title,
            description,
            created_at,
            expires_at,
            completed_at,
            is_closed: _,
            stamp_limit: _,
        } = challenge;
        Self {
            id: id.to_string(),
            title: title.clone(),
            description: description.clone(),
            expires_at: (*expires_at).into(),
            created_at: (*created_at).into(),
            completed_at: completed_at.map(Moment::from),
            is_active: challenge.is_active_at(now),
            challenge_mode: ChallengeMode::Stamp,
            sponsor: None,
            sources: None,
        }
    }
}

/// The tolerated difference between the challenge service's clock and ours.
const CLOCK_DIFFERENCE: Duration = Duration::from_secs(2);

/// The challenge service's response is not a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the challenge service's answer has no valid challenge id")]
pub struct NotAChallenge;

impl Challenge {
    /// The challenge that the challenge service described at `now`. If it is inactive but neither
    /// completed nor expired, it was closed.
    ///
    /// # Errors
    /// When the id is not valid.
    pub fn into_domain(
        self,
        now: Timestamp,
    ) -> Result<domain::challenge::Challenge, NotAChallenge> {
        let Self {
            id,
            title,
            description,
            expires_at,
            created_at,
            completed_at,
            is_active,
            challenge_mode: ChallengeMode::Stamp,
            sponsor: _,
            sources: _,
        } = self;
        let has_expired = now.plus(CLOCK_DIFFERENCE) >= expires_at.0;
        Ok(domain::challenge::Challenge {
            id: id.parse().map_err(|_| NotAChallenge)?,
            title,
            description,
            created_at: created_at.0,
            expires_at: expires_at.0,
            completed_at: completed_at.map(|moment| moment.0),
            is_closed: !is_active && completed_at.is_none() && !has_expired,
            stamp_limit: None,
        })
    }
}
