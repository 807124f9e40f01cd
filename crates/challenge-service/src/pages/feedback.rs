//! `POST /t/{challenge_id}/participations/{id}/feedback`: one optional question at the end (§14).

use std::collections::BTreeSet;

use axum::extract::{Request, State};
use axum::response::Response;
use domain::feedback::{FeedbackReason, FeedbackText};
use domain::participation::Participation;
use http_support::body;
use http_support::error::ApiError;
use http_support::path::PathParameters;
use maud::{Markup, html};
use serde_json::{Map, Value};

use super::{check_same_site, find_participation, participation_path, see_other, texts};
use crate::participations::browser::Browser;
use crate::participations::feedback;
use crate::service::ChallengeService;

pub(super) async fn give(
    State(service): State<ChallengeService>,
    path: PathParameters,
    browser: Browser,
    request: Request,
) -> Result<Response, ApiError> {
    check_same_site(request.headers())?;
    let fields = body::form(&body::read(request, &()).await?)?;
    let (_, participation) = find_participation(&service, &path, &browser).await?;
    let own = participation_path(&participation);
    let members = members(fields);
    if members.is_empty() {
        return Ok(see_other(&own));
    }
    feedback::store(&service, &participation, &members).await?;
    Ok(see_other(&own))
}

/// The form as JSON members, without what was left empty.
fn members(fields: Vec<(String, String)>) -> Map<String, Value> {
    let mut reasons = BTreeSet::new();
    let mut members = Map::new();
    for (name, value) in fields {
        match name.as_str() {
            "reason" => {
                reasons.insert(value);
            }
            "text" if !value.trim().is_empty() => {
                // Browsers send line breaks as two characters, and count them as one.
                members.insert("text".into(), Value::String(value.replace("\r\n", "\n")));
            }
            _ => {}
        }
    }
    if !reasons.is_empty() {
        members.insert("reasons".into(), reasons.into_iter().collect());
    }
    members
}

/// The form.
pub(super) fn form(participation: &Participation) -> Markup {
    let action = format!("{}/feedback", participation_path(participation));
    html! {
        details {
            summary { "How did it go? (optional)" }
            form method="post" action=(action) {
                fieldset {
                    legend { "What was in the way?" }
                    @for reason in FeedbackReason::ALL {
                        label.choice {
                            input type="checkbox" name="reason" value=(reason.as_str());
                            (texts::feedback_reason(reason))
                        }
                    }
                }
                label for="text" { "In your own words" }
                textarea #text name="text" rows="3" maxlength=(FeedbackText::MAX_LENGTH)
                    aria-describedby="text-hint" {}
                p.hint #text-hint {
                    "Whoever asked for this test reads it. Do not write who you are."
                }
                button { "Send" }
            }
        }
    }
}
