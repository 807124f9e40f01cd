//! What is to see of a test: for the engineer, and for a colleague with a link (§14).

use domain::Timestamp;
use http_support::error::ApiError;
use http_support::page::parts;
use maud::{Markup, html};
use wire::outcomes::Outcomes;
use wire::production_test::{Platform, ProductionTest, TestState};

use super::outcomes;
use crate::api::Api;
use crate::layout;

/// A test, and what is known of its outcomes.
pub(super) struct View {
    pub(super) test: ProductionTest,
    /// `None` before it is scheduled; the error if the challenge service does not answer.
    outcomes: Option<Result<Outcomes, ApiError>>,
    now: Timestamp,
}

impl View {
    /// Reads a test by the id of its request or its challenge.
    pub(super) async fn read(
        api: &Api<'_>,
        client_id: &str,
        id: &str,
        now: Timestamp,
    ) -> Result<Self, ApiError> {
        let path = format!("/apps/{client_id}/production-tests");
        let test: ProductionTest = api.get(&format!("{path}/{id}")).await?;
        let outcomes = match &test.challenge {
            Some(challenge) => {
                Some(api.get::<Outcomes>(&format!("{path}/{}/outcomes", challenge.id)).await)
            }
            None => None,
        };
        Ok(Self { test, outcomes, now })
    }

    pub(super) fn title(&self) -> &str {
        &self.test.request.payload.title
    }

    pub(super) fn state(&self) -> TestState {
        TestState::of(&self.test, self.now)
    }

    /// The part of the page that changes while it is looked at. `origin` is where testers find the
    /// test.
    pub(super) fn live(&self, origin: &str) -> Markup {
        html! {
            (self.steps())
            (self.what_is_wrong())
            div.split {
                section { (self.stamps()) (self.facts()) }
                section { (self.link(origin)) }
            }
            @match &self.outcomes {
                None => {},
                Some(Ok(outcomes)) => (outcomes::show(outcomes)),
                Some(Err(error)) => (parts::problem(error.message())),
            }
        }
    }

    /// Where the test stands, step by step.
    fn steps(&self) -> Markup {
        let state = self.state();
        let request = &self.test.request;
        let is_scheduled = self.test.challenge.is_some();
        let is_over = !matches!(state, TestState::Pending | TestState::Open);
        let is_bad = matches!(state, TestState::Failed | TestState::Cancelled);
        let class = |is_done: bool, is_bad: bool| match (is_bad, is_done) {
            (true, _) => "bad",
            (false, true) => "done",
            (false, false) => "",
        };
        let scheduled_at = self.test.challenge.as_ref().map(|challenge| challenge.created_at.0);
        let handed_over = match state {
            TestState::Failed => "failed",
            TestState::Cancelled => "cancelled before",
            _ if is_scheduled => "done",
            _ => "waiting",
        };
        html! {
            ol.steps {
                li.done { strong { "Ordered" } (parts::moment(request.created_at.0)) }
                li class=(class(is_scheduled, is_bad)) {
                    strong { "Handed over" } (handed_over)
                }
                li class=(class(is_scheduled, false)) {
                    strong { "Open" } (layout::optional_moment(scheduled_at))
                }
                li class=(class(state == TestState::Complete, is_over && state != TestState::Complete)) {
                    strong { "Complete" }
                    @if is_over { (layout::state(state)) } @else { "not yet" }
                }
            }
        }
    }

    /// What stands in the way, and what to do.
    fn what_is_wrong(&self) -> Markup {
        let Some(error) = &self.test.scheduling.last_error else { return html! {} };
        match self.state() {
            TestState::Failed => parts::problem(&format!(
                "It could not be handed over: {error} Retry it once the cause is fixed."
            )),
            TestState::Pending => html! {
                (parts::notice(&format!(
                    "It is not handed over yet: {error} It is tried again by itself."
                )))
                @if let Some(next) = self.test.scheduling.next_attempt_at {
                    p.hint { "Next attempt: " (parts::moment(next.0)) }
                }
            },
            _ => html! {},
        }
    }

    fn stamps(&self) -> Markup {
        let limit = self.test.request.payload.max_stamp_claims;
        let claimed = match &self.outcomes {
            Some(Ok(outcomes)) => Some(outcomes.funnel.claimed),
            Some(Err(_)) => None,
            None => Some(0),
        };
        html! {
            h2 { "Stamps" }
            @if let Some(claimed) = claimed {
                p.big #stamps { (claimed) " of " (limit) }
                meter min="0" max=(limit) value=(claimed) aria-labelledby="stamps" {}
            } @else {
                p { "At most " (limit) }
            }
        }
    }

    fn facts(&self) -> Markup {
        let payload = &self.test.request.payload;
        let platform = match payload.target_platform {
            None => "iOS and Android",
            Some(Platform::Ios) => "iOS",
            Some(Platform::Android) => "Android",
        };
        let ends = self.test.challenge.as_ref().map(|it| it.expires_at).or(payload.expires_at);
        html! {
            dl.facts {
                dt { "State" } dd { (layout::state(self.state())) }
                dt { "eIDs" } dd { (payload.provider_ids.join(", ")) }
                dt { "Phones" } dd { (platform) }
                @if let Some(ends) = ends { dt { "Ends" } dd { (parts::moment(ends.0)) } }
                dt { "Request" } dd { code { (self.test.request.id) } }
                @if let Some(id) = &self.test.request.challenge_id {
                    dt { "Challenge" } dd { code { (id) } }
                }
            }
            @if let Some(description) = &payload.description { p { (description) } }
        }
    }

    /// How testers get there, while they can take the test.
    fn link(&self, origin: &str) -> Markup {
        let challenge = self.test.challenge.as_ref();
        let Some(challenge) = challenge.filter(|challenge| challenge.is_active) else {
            return html! {};
        };
        let link = format!("{origin}/t/{}", challenge.id);
        html! {
            h2 { "For testers" }
            @if let Some(code) = parts::qr_code(&link, "QR code with the link for testers") { (code) }
            (parts::copy_link(&link))
            p { a href=(link) { "Take the test yourself" } }
        }
    }
}
