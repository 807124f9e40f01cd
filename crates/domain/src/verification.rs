//! The outcome of a verification (§10), from the verifier's report to the stored stamp.

use std::fmt;

use crate::production_test::is_blank;

/// How a verification ended (§10).
///
/// `S` identifies the verified person: a [`Subject`] as the verifier reports it, a [`SubjectHash`]
/// once the challenge service has hashed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome<S> {
    /// The person was verified.
    Completed {
        /// Who was verified.
        subject: S,
    },
    /// The verification failed.
    Failed {
        /// Why.
        reason: FailureReason,
    },
}

impl<S> Outcome<S> {
    /// The verified person; `None` if the verification failed.
    #[must_use]
    pub fn subject(&self) -> Option<&S> {
        match self {
            Self::Completed { subject } => Some(subject),
            Self::Failed { .. } => None,
        }
    }

    /// Why the verification failed; `None` if it completed.
    #[must_use]
    pub fn failure_reason(&self) -> Option<FailureReason> {
        match self {
            Self::Completed { .. } => None,
            Self::Failed { reason } => Some(*reason),
        }
    }

    /// The same outcome with `convert` applied to the subject.
    #[must_use]
    pub fn map<T>(self, convert: impl FnOnce(S) -> T) -> Outcome<T> {
        match self {
            Self::Completed { subject } => Outcome::Completed { subject: convert(subject) },
            Self::Failed { reason } => Outcome::Failed { reason },
        }
    }
}

/// Why a verification failed (§8). It says nothing about the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FailureReason {
    /// The tester cancelled at the provider.
    CancelledByTester,
    /// The provider refused the person, or the request for this person.
    RefusedByProvider,
    /// The person was verified at a lower level of assurance than the verifier accepts.
    AssuranceTooLow,
    /// The provider did not answer, or not in time.
    ProviderUnreachable,
    /// The provider's answer cannot be trusted or read.
    ProviderAnswerInvalid,
    /// The verifier and the provider are not configured to work together.
    Misconfigured,
    /// Anything else, and all that an external verifier does not explain.
    Other,
}

impl FailureReason {
    /// All reasons.
    pub const ALL: [Self; 7] = [
        Self::CancelledByTester,
        Self::RefusedByProvider,
        Self::AssuranceTooLow,
        Self::ProviderUnreachable,
        Self::ProviderAnswerInvalid,
        Self::Misconfigured,
        Self::Other,
    ];

    /// The name in the API and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CancelledByTester => "cancelled_by_tester",
            Self::RefusedByProvider => "refused_by_provider",
            Self::AssuranceTooLow => "assurance_too_low",
            Self::ProviderUnreachable => "provider_unreachable",
            Self::ProviderAnswerInvalid => "provider_answer_invalid",
            Self::Misconfigured => "misconfigured",
            Self::Other => "other",
        }
    }

    /// Whether the verifier has to be mended, rather than the tester tried again.
    #[must_use]
    pub fn is_of_verifier(self) -> bool {
        match self {
            Self::ProviderUnreachable | Self::ProviderAnswerInvalid | Self::Misconfigured => true,
            Self::CancelledByTester
            | Self::RefusedByProvider
            | Self::AssuranceTooLow
            | Self::Other => false,
        }
    }

    /// The inverse of [`FailureReason::as_str`].
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == name)
    }
}

/// The provider's stable name for a person: 1 to 255 characters, not blank (§10).
///
/// This is personal data. It is never stored, and `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Subject(String);

/// The text is blank or has more than [`Subject::MAX_LENGTH`] characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to {} characters and not be blank", Subject::MAX_LENGTH)]
pub struct SubjectError;

impl Subject {
    /// The greatest length, in Unicode scalar values.
    pub const MAX_LENGTH: usize = 255;

    /// Checks a subject.
    ///
    /// # Errors
    /// When it is blank or too long.
    pub fn new(text: String) -> Result<Self, SubjectError> {
        let is_valid = !is_blank(&text) && text.chars().count() <= Self::MAX_LENGTH;
        is_valid.then_some(Self(text)).ok_or(SubjectError)
    }

    /// The subject as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Subject(…)")
    }
}

/// The HMAC of a [`Subject`] within one challenge and provider: all that is stored of a tester's
/// identity (§10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SubjectHash([u8; 32]);

impl SubjectHash {
    /// Wraps an HMAC-SHA256.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes that the database stores.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bounds_of_a_subject() {
        assert!(Subject::new("ü".repeat(255)).is_ok());
        for wrong in ["", " \t", &"x".repeat(256)] {
            assert_eq!(Subject::new(wrong.into()), Err(SubjectError), "{wrong:?}");
        }
    }

    #[test]
    fn a_subject_is_not_shown_in_debug_output() {
        let outcome = Outcome::Completed { subject: Subject::new("Ada".into()).unwrap() };
        assert_eq!(format!("{outcome:?}"), "Completed { subject: Subject(…) }");
    }

    #[test]
    fn only_a_completed_verification_has_a_subject() {
        let outcome = Outcome::Completed { subject: 1 }.map(|number| number + 1);
        assert_eq!(outcome.subject(), Some(&2));
        let failed = Outcome::Failed { reason: FailureReason::Other };
        assert_eq!(failed.map(|number: u8| number + 1).subject(), None);
    }
}
