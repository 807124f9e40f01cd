//! `POST /t/{challenge_id}/participations`: a tester begins (§14).

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_support::body;
use http_support::error::ApiError;
use http_support::page::Page;
use http_support::path::PathParameters;
use serde_json::{Map, Value};
use store_challenge::{ChallengeRecord, JoinChallenge, JoinOutcome};
use wire::participation::read_join;

use super::challenge::{View, participations};
use super::device::Device;
use super::{challenge_path, check_same_site, find_challenge, participation_path, see_other};
use crate::origin::Origin;
use crate::participations::browser::Browser;
use crate::participations::create::{new_participation, refusal};
use crate::participations::limits::JoiningAddress;
use crate::service::ChallengeService;

pub(super) async fn join(
    State(service): State<ChallengeService>,
    path: PathParameters,
    browser: Browser,
    device: Device,
    (origin, address): (Origin, JoiningAddress),
    request: Request,
) -> Result<Response, ApiError> {
    check_same_site(request.headers())?;
    let fields = body::form(&body::read(request, &()).await?)?;
    let record = find_challenge(&service, &path).await?;
    let page = async |problem| -> Result<Page, ApiError> {
        let mine = participations(&service, &record, &browser).await?;
        let link = format!("{}{}", origin.0, challenge_path(record.challenge.id));
        Ok(View { service: &service, record: &record, mine, device, link, problem }.page())
    };

    let Ok(choice) = read(&fields, &record) else {
        let problem = "Choose the phone that has your eID, and one of the eIDs of this test.";
        let page = page(Some(problem)).await?;
        return Ok(page.with_status(StatusCode::BAD_REQUEST).into_response());
    };
    let (provider_id, platform) = choice;
    service.parts.verifiers.check(&provider_id)?;
    let id = record.challenge.id;
    address.count_join(&service, id)?;
    let write = JoinChallenge {
        participation: new_participation(&service, id, provider_id, platform),
        browser_hash: service.parts.secrets.browser_hash(id, &browser.value),
        idempotency: None,
    };
    let participation = write.participation.clone();
    match service.store().join_challenge(write).await? {
        JoinOutcome::Joined => {
            service.trace_join(&participation);
            let mut response = see_other(&participation_path(&participation));
            if let Some(cookie) = browser.set_cookie(&origin) {
                response.headers_mut().insert(header::SET_COOKIE, cookie);
            }
            Ok(response)
        }
        // Pressed twice, or in another tab: the page leads to what was begun.
        JoinOutcome::AlreadyJoined => {
            let mine = participations(&service, &record, &browser).await?;
            let earlier = mine.iter().find(|it| it.provider_id == participation.provider_id);
            let path = earlier.map_or_else(|| challenge_path(id), participation_path);
            Ok(see_other(&path))
        }
        // The page says how the test has ended.
        JoinOutcome::Inactive => Ok(see_other(&challenge_path(id))),
        refused => Err(refusal(&refused)),
    }
}

fn read(
    fields: &[(String, String)],
    record: &ChallengeRecord,
) -> Result<(domain::ProviderId, domain::Platform), ()> {
    let field = |name: &str| fields.iter().find(|(field, _)| field == name);
    let member = |name: &str, field: Option<&(String, String)>| {
        let value = field.map_or(Value::Null, |(_, value)| Value::String(value.clone()));
        (name.to_owned(), value)
    };
    let members: Map<String, Value> =
        [member("providerId", field("provider")), member("platform", field("platform"))]
            .into_iter()
            .collect();
    let payload = &record.payload;
    read_join(&members, &payload.provider_ids, payload.target_platform).map_err(|_| ())
}
