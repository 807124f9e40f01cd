//! How a verifier reports an outcome (§10).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
#[cfg(feature = "openapi")]
use utoipa::openapi::schema::Object;

use crate::error::FieldError;
use crate::fields::{Fields, text};
use crate::participation::ParticipationStatus;
#[cfg(feature = "openapi")]
use crate::schema;

/// What a verifier reports (§10).
///
/// [`VerificationEventSchema`] is its schema.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", content = "data")]
pub enum VerificationEvent {
    /// The person was verified.
    #[serde(rename = "verification.completed")]
    Completed(CompletedVerification),
    /// The person was not verified.
    #[serde(rename = "verification.failed")]
    Failed(FailedVerification),
}

/// What a verifier reports (§10).
// A schema only, as the two below: each variant has a name, for languages that have no variants.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = VerificationEvent)]
pub enum VerificationEventSchema {
    /// The person was verified.
    Completed(VerificationCompletedEvent),
    /// The person was not verified.
    Failed(VerificationFailedEvent),
}

/// The person was verified (§10).
#[derive(Serialize, ToSchema)]
pub struct VerificationCompletedEvent {
    #[schema(schema_with = always_verification_completed)]
    event: (),
    /// Who was verified, and for which participation.
    data: CompletedVerification,
}

/// The person was not verified (§10).
#[derive(Serialize, ToSchema)]
pub struct VerificationFailedEvent {
    #[schema(schema_with = always_verification_failed)]
    event: (),
    /// For which participation.
    data: FailedVerification,
}

#[cfg(feature = "openapi")]
fn always_verification_completed() -> Object {
    schema::constant("verification.completed", "Says that the person was verified.")
}

#[cfg(feature = "openapi")]
fn always_verification_failed() -> Object {
    schema::constant("verification.failed", "Says that the person was not verified.")
}

/// Who was verified, and for which participation (§10).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CompletedVerification {
    /// The participation that the verification was for.
    #[schema(
        pattern = "^par_[0-9a-f-]{36}$",
        example = "par_019d6c8b-7b2a-7c44-9b2e-5d1f0a3c4e6b"
    )]
    pub participation_id: String,
    /// The provider's stable name for the person. Only a keyed hash of it is kept.
    #[schema(min_length = 1, max_length = 255, pattern = r"[^\s\u0000-\u001f\u007f-\u009f\ufeff]")]
    pub subject: String,
}

/// For which participation a verification failed (§10).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FailedVerification {
    /// The participation that the verification was for.
    #[schema(
        pattern = "^par_[0-9a-f-]{36}$",
        example = "par_019d6c8b-7b2a-7c44-9b2e-5d1f0a3c4e6b"
    )]
    pub participation_id: String,
}

/// What became of the participation (§10).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VerificationResult {
    /// The participation.
    #[schema(example = "par_019d6c8b-7b2a-7c44-9b2e-5d1f0a3c4e6b")]
    pub id: String,
    /// Where it stands now.
    pub status: ParticipationStatus,
}

/// What the person does on the sandbox simulator's page (§10).
///
/// [`SimulateVerificationSchema`] is its schema.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "lowercase")]
pub enum SimulateVerification {
    /// Is verified.
    Completed {
        /// Who the person is: any text, the same text meaning the same person.
        subject: String,
    },
    /// Is not verified.
    Failed,
}

/// What the person does on the sandbox simulator's page (§10).
// A schema only, as the two below.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = SimulateVerification)]
pub enum SimulateVerificationSchema {
    /// Is verified.
    Completed(CompletedSimulation),
    /// Is not verified.
    Failed(FailedSimulation),
}

/// The person is verified (§10).
#[derive(Serialize, ToSchema)]
pub struct CompletedSimulation {
    #[schema(schema_with = always_completed)]
    outcome: (),
    /// Who the person is: any text, the same text meaning the same person.
    #[schema(
        min_length = 1,
        max_length = 255,
        pattern = r"[^\s\u0000-\u001f\u007f-\u009f\ufeff]",
        example = "Ada"
    )]
    subject: String,
}

/// The person is not verified (§10).
#[derive(Serialize, ToSchema)]
pub struct FailedSimulation {
    #[schema(schema_with = always_failed)]
    outcome: (),
}

#[cfg(feature = "openapi")]
fn always_completed() -> Object {
    schema::constant("completed", "Says that the person is verified.")
}

#[cfg(feature = "openapi")]
fn always_failed() -> Object {
    schema::constant("failed", "Says that the person is not verified.")
}

/// How a verification ended, once what a verifier or the simulator says of it has been read.
#[derive(Clone, PartialEq, Eq)]
pub enum Outcome {
    /// This person was verified. Who it is does not belong in a log: there is no `Debug` here.
    Completed {
        /// The provider's stable name for the person.
        subject: String,
    },
    /// Nobody was.
    Failed,
}

/// The longest name of a person that is taken, in characters.
const LONGEST_SUBJECT: usize = 255;

/// Reads a verifier's event: which participation, as it is written, and how it ended.
///
/// # Errors
/// Every offending field. What was said about the person is not repeated.
pub fn read_event(body: &Map<String, Value>) -> Result<(String, Outcome), Vec<FieldError>> {
    let mut fields = Fields::of(body);
    let rule = "\"verification.completed\" or \"verification.failed\"";
    let is_completed = fields.required("event", "event", rule, |value| match value.as_str()? {
        "verification.completed" => Some(true),
        "verification.failed" => Some(false),
        _ => None,
    });
    let Some(data) = fields.required("data", "data", "an object", Value::as_object) else {
        return fields.finish(None);
    };
    let mut inner = Fields::of(data);
    let id =
        inner.required("participationId", "data.participationId", "the participation's id", text);
    let outcome = is_completed
        .and_then(|is_completed| read_outcome(&mut inner, is_completed, "data.subject"));
    let inner_errors = inner.finish(id.clone()).err().unwrap_or_default();
    for error in inner_errors {
        fields.refuse(error);
    }
    fields.finish(id.zip(outcome))
}

/// Reads what the person does on the simulator's page.
///
/// # Errors
/// Every offending field. What was said about the person is not repeated.
pub fn read_simulation(body: &Map<String, Value>) -> Result<Outcome, Vec<FieldError>> {
    let mut fields = Fields::of(body);
    let is_completed =
        fields.required("outcome", "outcome", "\"completed\" or \"failed\"", |value| {
            match value.as_str()? {
                "completed" => Some(true),
                "failed" => Some(false),
                _ => None,
            }
        });
    let outcome =
        is_completed.and_then(|is_completed| read_outcome(&mut fields, is_completed, "subject"));
    fields.finish(outcome)
}

fn read_outcome(
    fields: &mut Fields<'_>,
    is_completed: bool,
    parameter: &'static str,
) -> Option<Outcome> {
    if !is_completed {
        return Some(Outcome::Failed);
    }
    let rule = format!("a text of at most {LONGEST_SUBJECT} characters that says who was verified");
    let is_short = |subject: &String| subject.chars().count() <= LONGEST_SUBJECT;
    let subject = fields
        .required_secret("subject", parameter, &rule, |value| text(value).filter(is_short))?;
    Some(Outcome::Completed { subject })
}
