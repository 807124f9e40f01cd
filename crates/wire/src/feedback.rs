//! What a tester says about a participation that has ended (§10).

use std::collections::BTreeSet;

use domain::feedback;
use domain::feedback::FeedbackText;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::error::FieldError;
use crate::fields::Fields;

/// What a tester says (§10).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GiveFeedback {
    /// What can be said with one tap.
    #[serde(default)]
    pub reasons: Vec<FeedbackReason>,
    /// Free text. Do not write who you are.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub text: Option<String>,
}

/// What can be said with one tap (§10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FeedbackReason {
    /// The eID's app did not open.
    AppDidNotOpen,
    /// The tester did not get back from the eID.
    DidNotComeBack,
    /// A code or a PIN was a problem.
    CodeOrPinProblem,
    /// It took too long.
    TooSlow,
    /// It was unclear what to do.
    UnclearInstructions,
    /// Something else.
    Other,
}

impl From<feedback::FeedbackReason> for FeedbackReason {
    fn from(reason: feedback::FeedbackReason) -> Self {
        match reason {
            feedback::FeedbackReason::AppDidNotOpen => Self::AppDidNotOpen,
            feedback::FeedbackReason::DidNotComeBack => Self::DidNotComeBack,
            feedback::FeedbackReason::CodeOrPinProblem => Self::CodeOrPinProblem,
            feedback::FeedbackReason::TooSlow => Self::TooSlow,
            feedback::FeedbackReason::UnclearInstructions => Self::UnclearInstructions,
            feedback::FeedbackReason::Other => Self::Other,
        }
    }
}

/// The reasons and the text, which is `None` if it is blank.
type Said = (BTreeSet<feedback::FeedbackReason>, Option<FeedbackText>);

/// Reads what a tester says: at least one reason or a text.
///
/// # Errors
/// One error per invalid field. The text is not repeated in them.
pub fn read_feedback(body: &Map<String, Value>) -> Result<Said, Vec<FieldError>> {
    let mut fields = Fields::of(body);
    let names = feedback::FeedbackReason::ALL.map(feedback::FeedbackReason::as_str).join(", ");
    let rule = format!("an array of {names}");
    let reasons = fields.optional("reasons", "reasons", &rule, |value| {
        let reason = |name: &Value| feedback::FeedbackReason::from_name(name.as_str()?);
        value.as_array()?.iter().map(reason).collect::<Option<BTreeSet<_>>>()
    });
    let rule = format!("a text of at most {} characters", FeedbackText::MAX_LENGTH);
    let text = fields.optional_secret("text", "text", &rule, |value| {
        FeedbackText::new(value.as_str()?.to_owned())
    });
    let said = reasons.zip(text).map(|(reasons, text)| {
        (reasons.unwrap_or_default(), text.and_then(FeedbackText::unless_blank))
    });
    if said.as_ref().is_some_and(|(reasons, text)| reasons.is_empty() && text.is_none()) {
        let message = "Give at least one reason, or a text.".to_owned();
        fields.refuse(FieldError::missing("reasons", message));
    }
    fields.finish(said)
}
