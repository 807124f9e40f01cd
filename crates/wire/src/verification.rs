//! How a verifier reports the outcome of a verification (§10).

use domain::verification::{self, Outcome, Subject};
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

/// The outcome that a verifier reports (§10).
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

/// The outcome that a verifier reports (§10).
// For the OpenAPI document only, like the two types below: a named type per variant suits generated
// clients in languages without tagged unions.
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
    /// The verified person and the participation.
    data: CompletedVerification,
}

/// The person was not verified (§10).
#[derive(Serialize, ToSchema)]
pub struct VerificationFailedEvent {
    #[schema(schema_with = always_verification_failed)]
    event: (),
    /// The participation.
    data: FailedVerification,
}

#[cfg(feature = "openapi")]
fn always_verification_completed() -> Object {
    schema::constant("verification.completed", "The person was verified.")
}

#[cfg(feature = "openapi")]
fn always_verification_failed() -> Object {
    schema::constant("verification.failed", "The person was not verified.")
}

/// The data of a completed verification (§10).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CompletedVerification {
    /// The id of the participation that the verification was for.
    #[schema(
        pattern = "^par_[0-9a-f-]{36}$",
        example = "par_019d6c8b-7b2a-7c44-9b2e-5d1f0a3c4e6b"
    )]
    pub participation_id: String,
    /// The provider's stable name for the person. Only an HMAC of it is stored.
    #[schema(min_length = 1, max_length = 255, pattern = r"[^\s\u0000-\u001f\u007f-\u009f\ufeff]")]
    pub subject: String,
    /// The state that was added to the tester's URL; required where the verifier is the relying
    /// party's own login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

/// The data of a failed verification (§10).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FailedVerification {
    /// The id of the participation that the verification was for.
    #[schema(
        pattern = "^par_[0-9a-f-]{36}$",
        example = "par_019d6c8b-7b2a-7c44-9b2e-5d1f0a3c4e6b"
    )]
    pub participation_id: String,
    /// Why it failed. `other` if omitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<FailureReason>,
    /// The state that was added to the tester's URL; required where the verifier is the relying
    /// party's own login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

/// Why a verification failed (§8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FailureReason {
    /// The tester cancelled at the provider.
    CancelledByTester,
    /// The provider refused the person.
    RefusedByProvider,
    /// The level of assurance was too low.
    AssuranceTooLow,
    /// The provider did not answer, or not in time.
    ProviderUnreachable,
    /// The provider's answer cannot be trusted or read.
    ProviderAnswerInvalid,
    /// The verifier and the provider are not configured to work together.
    Misconfigured,
    /// Anything else.
    Other,
}

impl From<verification::FailureReason> for FailureReason {
    fn from(reason: verification::FailureReason) -> Self {
        use verification::FailureReason as Domain;
        match reason {
            Domain::CancelledByTester => Self::CancelledByTester,
            Domain::RefusedByProvider => Self::RefusedByProvider,
            Domain::AssuranceTooLow => Self::AssuranceTooLow,
            Domain::ProviderUnreachable => Self::ProviderUnreachable,
            Domain::ProviderAnswerInvalid => Self::ProviderAnswerInvalid,
            Domain::Misconfigured => Self::Misconfigured,
            Domain::Other => Self::Other,
        }
    }
}

impl From<FailureReason> for verification::FailureReason {
    fn from(reason: FailureReason) -> Self {
        match reason {
            FailureReason::CancelledByTester => Self::CancelledByTester,
            FailureReason::RefusedByProvider => Self::RefusedByProvider,
            FailureReason::AssuranceTooLow => Self::AssuranceTooLow,
            FailureReason::ProviderUnreachable => Self::ProviderUnreachable,
            FailureReason::ProviderAnswerInvalid => Self::ProviderAnswerInvalid,
            FailureReason::Misconfigured => Self::Misconfigured,
            FailureReason::Other => Self::Other,
        }
    }
}

/// The participation after the outcome (§10).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VerificationResult {
    /// The id of the participation.
    #[schema(example = "par_019d6c8b-7b2a-7c44-9b2e-5d1f0a3c4e6b")]
    pub id: String,
    /// Its status.
    pub status: ParticipationStatus,
}

/// The outcome that a tester chooses on the sandbox simulator's page (§10).
///
/// [`SimulateVerificationSchema`] is its schema.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "lowercase")]
pub enum SimulateVerification {
    /// The person is verified.
    Completed {
        /// The person: any text; the same text means the same person.
        subject: String,
    },
    /// The person is not verified.
    Failed {
        /// Why. `other` if omitted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<FailureReason>,
    },
}

/// The outcome that a tester chooses on the sandbox simulator's page (§10).
// For the OpenAPI document only, like the two types below.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = SimulateVerification)]
pub enum SimulateVerificationSchema {
    /// The person is verified.
    Completed(CompletedSimulation),
    /// The person is not verified.
    Failed(FailedSimulation),
}

/// The person is verified (§10).
#[derive(Serialize, ToSchema)]
pub struct CompletedSimulation {
    #[schema(schema_with = always_completed)]
    outcome: (),
    /// The person: any text; the same text means the same person.
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
    /// Why. `other` if omitted.
    reason: Option<FailureReason>,
}

#[cfg(feature = "openapi")]
fn always_completed() -> Object {
    schema::constant("completed", "The person is verified.")
}

#[cfg(feature = "openapi")]
fn always_failed() -> Object {
    schema::constant("failed", "The person is not verified.")
}

/// A verifier's event.
pub struct ReportedOutcome {
    /// The id of the participation, unchecked.
    pub participation_id: String,
    /// The state that was added to the tester's URL.
    pub state: Option<String>,
    /// The outcome.
    pub outcome: Outcome<Subject>,
}

/// Reads a verifier's event.
///
/// # Errors
/// One error per invalid field. The subject is not repeated in them.
pub fn read_event(body: &Map<String, Value>) -> Result<ReportedOutcome, Vec<FieldError>> {
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
    let outcome =
        is_completed.and_then(|is_completed| read_outcome(&mut inner, is_completed, &IN_DATA));
    let state = inner.optional_secret("state", "data.state", "a text", text);
    let inner_errors = inner.finish(id.clone()).err().unwrap_or_default();
    for error in inner_errors {
        fields.refuse(error);
    }
    let reported = id.zip(state).zip(outcome).map(|((participation_id, state), outcome)| {
        ReportedOutcome { participation_id, state, outcome }
    });
    fields.finish(reported)
}

/// Reads the outcome that a tester chooses on the simulator's page.
///
/// # Errors
/// One error per invalid field. The subject is not repeated in them.
pub fn read_simulation(body: &Map<String, Value>) -> Result<Outcome<Subject>, Vec<FieldError>> {
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
        is_completed.and_then(|is_completed| read_outcome(&mut fields, is_completed, &AT_TOP));
    fields.finish(outcome)
}

/// The names in errors of an outcome's members.
struct OutcomeParameters {
    subject: &'static str,
    reason: &'static str,
}

const IN_DATA: OutcomeParameters =
    OutcomeParameters { subject: "data.subject", reason: "data.reason" };
const AT_TOP: OutcomeParameters = OutcomeParameters { subject: "subject", reason: "reason" };

fn read_outcome(
    fields: &mut Fields<'_>,
    is_completed: bool,
    parameters: &OutcomeParameters,
) -> Option<Outcome<Subject>> {
    if !is_completed {
        let names = verification::FailureReason::ALL.map(verification::FailureReason::as_str);
        let rule = format!("one of {}", names.join(", "));
        let reason = fields.optional("reason", parameters.reason, &rule, |value| {
            verification::FailureReason::from_name(value.as_str()?)
        })?;
        let reason = reason.unwrap_or(verification::FailureReason::Other);
        return Some(Outcome::Failed { reason });
    }
    let rule =
        format!("a text of at most {} characters that says who was verified", Subject::MAX_LENGTH);
    let subject = fields.required_secret("subject", parameters.subject, &rule, |value| {
        Subject::new(text(value)?).ok()
    })?;
    Some(Outcome::Completed { subject })
}
