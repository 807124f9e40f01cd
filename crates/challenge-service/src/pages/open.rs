//! `GET /t`: the tests that people can take now, as cards (§14).

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::ProviderId;
use domain::challenge::OpenRank;
use http_support::error::ApiError;
use http_support::page::{Page, parts};
use maud::{Markup, html};
use store_challenge::ChallengeRecord;

use super::device::Device;
use super::{challenge_path, texts};
use crate::service::ChallengeService;

/// How many tests a page shows at most.
const LONGEST_LIST: u32 = 30;

pub(super) async fn show(
    State(service): State<ChallengeService>,
    device: Device,
) -> Result<Response, ApiError> {
    let records = service
        .store()
        .open_challenges(device.platform, service.clock_and_rng().now(), None, LONGEST_LIST)
        .await?;
    let main = html! {
        h1 { "Open tests" }
        p { "Choose one, and confirm who you are with your eID. It takes about a minute." }
        (cards(&service, &records))
    };
    let description = "Tests of electronic identities that need people like you.";
    Ok(Page::new("Open tests", main).with_description(description).into_response())
}

/// The tests that people can take now, as cards for another page.
///
/// # Errors
/// If the database cannot be read.
pub async fn open_tests(service: &ChallengeService) -> Result<Markup, ApiError> {
    let now = service.clock_and_rng().now();
    let records = service.store().open_challenges(None, now, None, LONGEST_LIST).await?;
    Ok(cards(service, &records))
}

fn cards(service: &ChallengeService, records: &[(OpenRank, ChallengeRecord)]) -> Markup {
    if records.is_empty() {
        return html! { p.empty { "No test is open at the moment. Come back later." } };
    }
    let name = |id: &ProviderId| service.provider_name(id.as_str()).to_owned();
    html! {
        ul.cards {
            @for (_, record) in records {
                @let names: Vec<String> = record.payload.provider_ids.iter().map(name).collect();
                li {
                    a.card href=(challenge_path(record.challenge.id)) {
                        span.eyebrow { (record.host.name) }
                        strong { (record.payload.title) }
                        span.hint {
                            (names.join(", "))
                            @if let Some(target) = record.payload.target_platform {
                                " · " (texts::platform(target))
                            }
                            " · " (texts::stamps_left(record)) " stamps left · until "
                            (parts::moment(record.challenge.expires_at))
                        }
                    }
                }
            }
        }
    }
}
