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
    Failed,
}

impl<S> Outcome<S> {
    /// The verified person; `None` if the verification failed.
    #[must_use]
    pub fn subject(&self) -> Option<&S> {
        match self {
            Self::Completed { subject } => Some(subject),
            Self::Failed => None,
        }
    }

    /// The same outcome with `convert` applied to the subject.
    #[must_use]
    pub fn map<T>(self, convert: impl FnOnce(S) -> T) -> Outcome<T> {
        match self {
            Self::Completed { subject } => Outcome::Completed { subject: convert(subject) },
            Self::Failed => Outcome::Failed,
        }
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
        assert_eq!(Outcome::<u8>::Failed.map(|number| number + 1).subject(), None);
    }
}
