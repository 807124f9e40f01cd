//! `GET /t/{challenge_id}`: a test, for whoever opens its link (§14).

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::participation::{Participation, Status};
use domain::{Platform, ProviderId};
use http_support::error::ApiError;
use http_support::page::{Page, parts};
use http_support::path::PathParameters;
use maud::{Markup, html};
use store_challenge::ChallengeRecord;

use super::device::Device;
use super::{challenge_path, find_challenge, participation_path, texts};
use crate::origin::Origin;
use crate::participations::browser::Browser;
use crate::service::ChallengeService;

pub(super) async fn show(
    State(service): State<ChallengeService>,
    path: PathParameters,
    browser: Browser,
    device: Device,
    origin: Origin,
) -> Result<Response, ApiError> {
    let record = find_challenge(&service, &path).await?;
    let link = format!("{}{}", origin.0, challenge_path(record.challenge.id));
    let mine = participations(&service, &record, &browser).await?;
    let view = View { service: &service, record: &record, mine, device, link, problem: None };
    Ok(view.page().into_response())
}

/// The started and the successful participations of this browser, if one per provider is the limit.
pub(super) async fn participations(
    service: &ChallengeService,
    record: &ChallengeRecord,
    browser: &Browser,
) -> Result<Vec<Participation>, ApiError> {
    if !browser.is_returning() || record.stamps().allow_duplicates {
        return Ok(Vec::new());
    }
    let id = record.challenge.id;
    let hash = service.parts.secrets.browser_hash(id, &browser.value);
    let providers = &record.payload.provider_ids;
    let mut mine = service.store().participations_of_browser(id, providers, hash).await?;
    let now = service.clock_and_rng().now();
    mine.retain(|participation| participation.status_at(now) != Status::Lapsed);
    Ok(mine)
}

/// What the page shows.
pub(super) struct View<'a> {
    pub(super) service: &'a ChallengeService,
    pub(super) record: &'a ChallengeRecord,
    /// What this browser has begun or finished in this test.
    pub(super) mine: Vec<Participation>,
    pub(super) device: Device,
    /// The page's own address, to pass on.
    pub(super) link: String,
    /// What was wrong with the form.
    pub(super) problem: Option<&'static str>,
}

impl View<'_> {
    pub(super) fn page(&self) -> Page {
        let ending = self.record.challenge.ending_at(self.service.clock_and_rng().now());
        let main = match ending {
            Some(ending) => {
                let over = texts::over(ending);
                html! {
                    (parts::mark(over.tone))
                    p.eyebrow { (self.record.payload.title) }
                    h1 { (over.heading) }
                    p { (over.text) }
                    (self.mine())
                    p { a href="/t" { "See other open tests" } }
                }
            }
            None => self.open(),
        };
        let host = &self.record.host.name;
        Page::new(self.record.payload.title.clone(), main).with_description(format!(
            "{host} asks for testers with {}: confirm who you are with your eID, in about a minute.",
            self.provider_names()
        ))
    }

    fn open(&self) -> Markup {
        let payload = &self.record.payload;
        html! {
            p.eyebrow { (self.record.host.name) " asks for your help" }
            h1 { (payload.title) }
            @if let Some(problem) = self.problem { (parts::problem(problem)) }
            @if let Some(description) = &payload.description { p { (description) } }
            p {
                "Confirm who you are with " (self.provider_names()) ", as you would when you log in. If it "
                "works, your test gets a stamp."
            }
            (self.mine())
            (self.begin())
            (self.facts())
            (what_is_kept())
        }
    }

    /// How to begin on this device, or why that is not possible.
    fn begin(&self) -> Markup {
        let target = self.record.payload.target_platform;
        match (self.device.platform, target) {
            (Some(own), Some(target)) if own != target => html! {
                (parts::notice(&format!(
                    "This test is for an {}. Open the link on one.", texts::platform(target)
                )))
                (parts::copy_link(&self.link))
            },
            (Some(own), _) => html! {
                @if self.device.is_inside_app {
                    (parts::notice(
                        "You opened this link inside another app. If your eID does not open, copy the \
                         link and open it in your usual browser."
                    ))
                    (parts::copy_link(&self.link))
                }
                (self.form(html! { input type="hidden" name="platform" value=(own); }))
            },
            (None, _) => html! {
                h2 { "Go on with your phone" }
                @if let Some(code) = parts::qr_code(&self.link, "QR code with the link of this test") {
                    (code)
                }
                p.hint { "Scan the code with the phone that has your eID, or pass the link on:" }
                (parts::copy_link(&self.link))
                h2 { "Or in this browser" }
                (self.form(platforms(target)))
            },
        }
    }

    /// One button for each provider that this browser has not used yet.
    fn form(&self, platform: Markup) -> Markup {
        let used = |id: &ProviderId| self.mine.iter().any(|it| it.provider_id == *id);
        let free: Vec<&ProviderId> =
            self.record.payload.provider_ids.iter().filter(|id| !used(id)).collect();
        if free.is_empty() {
            return html! {};
        }
        let action = format!("{}/participations", challenge_path(self.record.challenge.id));
        html! {
            form method="post" action=(action) {
                (platform)
                @for id in free {
                    button.primary name="provider" value=(id) {
                        "Start with " (self.service.provider_name(id.as_str()))
                    }
                }
            }
        }
    }

    /// What this browser has begun or finished.
    fn mine(&self) -> Markup {
        html! {
            @for participation in &self.mine {
                @let name = self.service.provider_name(participation.provider_id.as_str());
                a.button href=(participation_path(participation)) {
                    @if participation.recorded_status == Status::Claimed {
                        "✓ " (name) ": stamp granted"
                    } @else {
                        "Go on with " (name)
                    }
                }
            }
        }
    }

    fn facts(&self) -> Markup {
        let payload = &self.record.payload;
        html! {
            dl.facts {
                dt { "Asked by" } dd { (self.record.host.name) }
                dt { "eID" } dd { (self.provider_names()) }
                @if let Some(target) = payload.target_platform {
                    dt { "Phone" } dd { (texts::platform(target)) }
                }
                dt { "Takes" } dd { "about a minute" }
                dt { "Stamps left" } dd { (texts::stamps_left(self.record)) }
                dt { "Open until" } dd { (parts::moment(self.record.challenge.expires_at)) }
            }
        }
    }

    fn provider_names(&self) -> String {
        let name = |id: &ProviderId| self.service.provider_name(id.as_str()).to_owned();
        let names: Vec<String> = self.record.payload.provider_ids.iter().map(name).collect();
        match names.split_last() {
            Some((last, [])) => last.clone(),
            Some((last, others)) => format!("{} or {last}", others.join(", ")),
            None => String::new(),
        }
    }
}

/// A choice of platform, for a browser that does not say what it runs on.
fn platforms(target: Option<Platform>) -> Markup {
    html! {
        fieldset {
            legend { "Which phone has your eID?" }
            @for platform in Platform::ALL {
                @if target.is_none_or(|target| target == platform) {
                    label.choice {
                        input type="radio" name="platform" value=(platform) required
                            checked[target.is_some()];
                        (texts::platform(platform))
                    }
                }
            }
        }
    }
}

fn what_is_kept() -> Markup {
    html! {
        details {
            summary { "What is kept of you" }
            p.hint {
                "That somebody took this test: with which eID, on which kind of phone, when, how long it "
                "took and how it ended. Your name and number are not kept. So that one person counts "
                "once, a fingerprint is kept that leads back to nobody, and a cookie in this browser."
            }
        }
    }
}
