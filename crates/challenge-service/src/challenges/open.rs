//! `GET /tpas/v1/challenges/open` (§10)

use axum::Json;
use axum::extract::State;
use domain::Platform;
use http_support::documentation::ServerErrors;
use http_support::error::ApiError;
use http_support::query::QueryParameters;
use store_challenge::ChallengeRecord;
use wire::participation::{OpenChallenge, ProviderChoice};

use crate::service::ChallengeService;

/// How many challenges the list has at most.
const LONGEST_LIST: u32 = 100;

/// Find challenges to join
///
/// The challenges that can be joined now, soonest to expire first, at most 100.
#[utoipa::path(
    get,
    path = "/tpas/v1/challenges/open",
    operation_id = "listOpenChallenges",
    tag = "Testers",
    params(
        ("platform" = Option<wire::production_test::Platform>, Query,
            description = "What the tester's device runs"),
    ),
    responses(
        (status = 200, description = "The open challenges", body = Vec<OpenChallenge>),
        QueryParameters, ServerErrors,
    ),
)]
pub(crate) async fn open(
    State(service): State<ChallengeService>,
    mut query: QueryParameters,
) -> Result<Json<Vec<OpenChallenge>>, ApiError> {
    let platform = query.take("platform", "ios or android", |_: &Platform| true);
    query.finish()?;
    let records = service
        .store()
        .open_challenges(platform, service.clock_and_rng().now(), LONGEST_LIST)
        .await?;
    Ok(Json(records.into_iter().map(|record| to_body(&service, record)).collect()))
}

fn to_body(service: &ChallengeService, record: ChallengeRecord) -> OpenChallenge {
    let ChallengeRecord { challenge, payload, host_name, granted } = record;
    let choice = |id: &domain::ProviderId| ProviderChoice {
        id: id.to_string(),
        name: service.provider_name(id.as_str()).to_owned(),
    };
    OpenChallenge {
        id: challenge.id.to_string(),
        title: payload.title,
        description: payload.description,
        host_name,
        providers: payload.provider_ids.iter().map(choice).collect(),
        target_platform: payload.target_platform.map(Into::into),
        max_stamp_claims: payload.max_stamp_claims,
        remaining_stamps: payload.max_stamp_claims.saturating_sub(granted),
        expires_at: challenge.expires_at.into(),
    }
}
