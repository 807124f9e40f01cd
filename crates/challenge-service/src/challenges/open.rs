//! `GET /tpas/v1/challenges/open` (§10)

use std::fmt;
use std::str::FromStr;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use domain::challenge::{Challenge, OpenRank};
use domain::{Platform, Timestamp};
use http_support::documentation::ServerErrors;
use http_support::error::ApiError;
use http_support::query::QueryParameters;
use store_challenge::{ChallengeRecord, OpenPlace};
use wire::participation::{OpenChallenge, ProviderChoice};

use crate::service::ChallengeService;

/// How many challenges a page of the list has at most, and unless the client asks for fewer.
const LONGEST_PAGE: u32 = 100;

/// Find challenges to join
///
/// The challenges that can be joined now. The first one of each host comes before all second ones, and
/// so on; of these, the soonest to expire first. A page has at most 100; the header `Link` leads to
/// the next one.
#[utoipa::path(
    get,
    path = "/tpas/v1/challenges/open",
    operation_id = "listOpenChallenges",
    tag = "Testers",
    params(
        ("platform" = Option<wire::production_test::Platform>, Query,
            description = "What the tester's device runs"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100,
            description = "The largest number of challenges in the page"),
        ("cursor" = Option<String>, Query,
            pattern = r"^[0-5]\.[0-9]{1,13}\.ch_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
            description = "Where the page begins: as the `Link` of the page before says"),
    ),
    responses(
        (status = 200, description = "The open challenges", body = Vec<OpenChallenge>, headers(
            ("Link" = String, description = "The next page, if there is one: RFC 8288"))),
        QueryParameters, ServerErrors,
    ),
)]
pub(crate) async fn open(
    State(service): State<ChallengeService>,
    mut query: QueryParameters,
) -> Result<Response, ApiError> {
    let platform = query.take("platform", "ios or android", |_: &Platform| true);
    let limit = query
        .take("limit", "an integer from 1 to 100", |limit| (1..=LONGEST_PAGE).contains(limit))
        .unwrap_or(LONGEST_PAGE);
    let cursor: Option<Cursor> =
        query.take("cursor", "the cursor of the Link header of the page before", |_| true);
    query.finish()?;
    let now = service.clock_and_rng().now();
    let after = cursor.map(|Cursor(place)| place);
    let records = service.store().open_challenges(platform, now, after, limit).await?;
    let is_full = u32::try_from(records.len()).is_ok_and(|count| count == limit);
    let next = records.last().filter(|_| is_full).map(|last| next_page(last, platform, limit));
    let records = records.into_iter().map(|(_, record)| record);
    let body: Vec<_> = records.map(|record| to_body(&service, record)).collect();
    let mut response = Json(body).into_response();
    if let Some(link) = next.and_then(|next| HeaderValue::try_from(next).ok()) {
        response.headers_mut().insert(header::LINK, link);
    }
    Ok(response)
}

/// The value of `Link` for the page after this challenge.
fn next_page(
    (rank, last): &(OpenRank, ChallengeRecord),
    platform: Option<Platform>,
    limit: u32,
) -> String {
    let Challenge { expires_at, id, .. } = last.challenge;
    let platform = platform.map_or(String::new(), |platform| format!("platform={platform}&"));
    let cursor = Cursor(OpenPlace { rank: *rank, expires_at, id });
    let query = format!("{platform}limit={limit}&cursor={cursor}");
    format!("</tpas/v1/challenges/open?{query}>; rel=\"next\"")
}

/// A place in the list as text: the rank, the expiry in milliseconds and the id.
struct Cursor(OpenPlace);

impl fmt::Display for Cursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let OpenPlace { rank, expires_at, id } = self.0;
        write!(formatter, "{}.{}.{id}", rank.number(), expires_at.as_millis())
    }
}

impl FromStr for Cursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (rank, place) = text.split_once('.').ok_or(())?;
        let (expiry, id) = place.split_once('.').ok_or(())?;
        let millis = expiry.parse().map_err(|_| ())?;
        Ok(Self(OpenPlace {
            rank: rank.parse().ok().and_then(OpenRank::from_number).ok_or(())?,
            expires_at: Timestamp::from_millis(millis),
            id: id.parse().map_err(|_| ())?,
        }))
    }
}

fn to_body(service: &ChallengeService, record: ChallengeRecord) -> OpenChallenge {
    let ChallengeRecord { challenge, payload, host, granted } = record;
    let choice = |id: &domain::ProviderId| ProviderChoice {
        id: id.to_string(),
        name: service.provider_name(id.as_str()).to_owned(),
    };
    OpenChallenge {
        id: challenge.id.to_string(),
        title: payload.title,
        description: payload.description,
        host_name: host.name,
        providers: payload.provider_ids.iter().map(choice).collect(),
        target_platform: payload.target_platform.map(Into::into),
        max_stamp_claims: payload.max_stamp_claims,
        remaining_stamps: payload.max_stamp_claims.saturating_sub(granted),
        expires_at: challenge.expires_at.into(),
    }
}
