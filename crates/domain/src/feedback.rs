//! What a tester says about a participation that has ended (§10). It is the one free text of a tester that
//! is kept.

use std::collections::BTreeSet;
use std::fmt;

use crate::participation::Status;
use crate::production_test::is_blank;
use crate::{Platform, ProviderId, Timestamp};

/// What a tester can say with one tap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

impl FeedbackReason {
    /// All reasons.
    pub const ALL: [Self; 6] = [
        Self::AppDidNotOpen,
        Self::DidNotComeBack,
        Self::CodeOrPinProblem,
        Self::TooSlow,
        Self::UnclearInstructions,
        Self::Other,
    ];

    /// The name in the API and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AppDidNotOpen => "app_did_not_open",
            Self::DidNotComeBack => "did_not_come_back",
            Self::CodeOrPinProblem => "code_or_pin_problem",
            Self::TooSlow => "too_slow",
            Self::UnclearInstructions => "unclear_instructions",
            Self::Other => "other",
        }
    }

    /// The inverse of [`FeedbackReason::as_str`].
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == name)
    }
}

/// A tester's own words: at most 500 characters. `Debug` does not show them, so they reach no log.
#[derive(Clone, PartialEq, Eq)]
pub struct FeedbackText(String);

impl FeedbackText {
    /// The greatest length, in Unicode scalar values.
    pub const MAX_LENGTH: usize = 500;

    /// Checks a text. `None` if it is too long or has a character that no database can store.
    #[must_use]
    pub fn new(text: String) -> Option<Self> {
        let fits = text.chars().count() <= Self::MAX_LENGTH && !text.contains('\0');
        fits.then_some(Self(text))
    }

    /// The text, unless it is blank.
    #[must_use]
    pub fn unless_blank(self) -> Option<Self> {
        (!is_blank(&self.0)).then_some(self)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for FeedbackText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("FeedbackText(…)")
    }
}

/// What a tester has said about a participation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feedback {
    /// The provider under test.
    pub provider_id: ProviderId,
    /// The platform of the tester's device.
    pub platform: Platform,
    /// How the participation ended.
    pub status: Status,
    /// What was said with one tap.
    pub reasons: BTreeSet<FeedbackReason>,
    /// What was said in words.
    pub text: Option<FeedbackText>,
    /// When.
    pub at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bounds_of_a_text() {
        assert!(FeedbackText::new("ü".repeat(500)).is_some());
        assert!(FeedbackText::new("x".repeat(501)).is_none());
        assert!(FeedbackText::new("\0".into()).is_none());
        assert!(FeedbackText::new(" ".into()).unwrap().unless_blank().is_none());
    }

    #[test]
    fn a_text_is_not_shown_in_debug_output() {
        assert_eq!(format!("{:?}", FeedbackText::new("Ada".into())), "Some(FeedbackText(…))");
    }
}
