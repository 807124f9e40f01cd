//! Orders for production tests: the fields and their bounds (§5).

use crate::{Platform, ProviderId, Timestamp};

/// Whether a text has only white space and control characters.
#[must_use]
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|character| character.is_whitespace() || character.is_control())
}

/// Why a text is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Only white space and control characters.
    #[error("must not be blank")]
    Blank,
    /// More characters (Unicode scalar values) than allowed.
    #[error("must have at most {longest} characters, this has {given}")]
    TooLong {
        /// The greatest length.
        longest: usize,
        /// The length of the text.
        given: usize,
    },
    /// Contains U+0000, which PostgreSQL cannot store.
    #[error("must not contain the character U+0000")]
    Null,
}

fn check_text(text: &str, longest: usize) -> Result<(), TextError> {
    let given = text.chars().count();
    if given > longest {
        Err(TextError::TooLong { longest, given })
    } else if text.contains('\0') {
        Err(TextError::Null)
    } else {
        Ok(())
    }
}

/// The title of a production test: 1 to 200 characters, not blank (§5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Title(String);

impl Title {
    /// The greatest length, in Unicode scalar values.
    pub const MAX_LENGTH: usize = 200;

    /// Checks a title.
    ///
    /// # Errors
    /// When it is blank, too long or contains U+0000.
    pub fn new(text: String) -> Result<Self, TextError> {
        if is_blank(&text) {
            return Err(TextError::Blank);
        }
        check_text(&text, Self::MAX_LENGTH)?;
        Ok(Self(text))
    }

    /// The title as text.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

/// Instructions for testers: at most 1000 characters, possibly none (§5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description(String);

impl Description {
    /// The greatest length, in Unicode scalar values.
    pub const MAX_LENGTH: usize = 1000;

    /// Checks a description.
    ///
    /// # Errors
    /// When it is too long or contains U+0000.
    pub fn new(text: String) -> Result<Self, TextError> {
        check_text(&text, Self::MAX_LENGTH)?;
        Ok(Self(text))
    }

    /// The description as text.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

/// How many stamps a challenge grants, first come, first served: 1 to 2147483647 (§5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StampLimit(u32);

/// The number is not from 1 to 2147483647.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be an integer from 1 to {}", StampLimit::MAX)]
pub struct StampLimitError;

impl StampLimit {
    /// The greatest limit: the largest 32-bit signed integer.
    pub const MAX: u32 = 2_147_483_647;

    /// Checks a limit.
    ///
    /// # Errors
    /// When it is below 1 or above [`StampLimit::MAX`].
    pub fn new(number: i64) -> Result<Self, StampLimitError> {
        match u32::try_from(number) {
            Ok(number @ 1..=Self::MAX) => Ok(Self(number)),
            _ => Err(StampLimitError),
        }
    }

    /// The limit as a number.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }
}

impl Default for StampLimit {
    /// The limit of an order that has none: 3.
    fn default() -> Self {
        Self(3)
    }
}

/// An order whose fields are within their bounds (§5). [`crate::eligibility::select`] checks its
/// providers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The title.
    pub title: Title,
    /// Instructions for testers.
    pub description: Option<Description>,
    /// The requested provider ids, unchecked; `None` means every eligible provider.
    pub provider_ids: Option<Vec<String>>,
    /// The only platform that can take part; `None` means all.
    pub target_platform: Option<Platform>,
    /// How many stamps the challenge grants.
    pub max_stamps: StampLimit,
    /// Whether one person can hold several stamps for one provider; `None` means no.
    pub allow_duplicate_participation: Option<bool>,
}

impl Order {
    /// The payload for the challenge service, with the selected providers.
    #[must_use]
    pub fn into_payload(self, provider_ids: Vec<ProviderId>) -> Payload {
        let Self {
            title,
            description,
            provider_ids: _,
            target_platform,
            max_stamps,
            allow_duplicate_participation,
        } = self;
        Payload {
            title: title.into_string(),
            description: description.map(Description::into_string),
            provider_ids,
            max_stamp_claims: max_stamps.get(),
            target_platform,
            allow_duplicate_participation,
            expires_at: None,
        }
    }
}

/// The part of an order that the challenge request and the challenge share (§5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// The title.
    pub title: String,
    /// Instructions for testers.
    pub description: Option<String>,
    /// The providers under test, without repetitions, in the order of the request.
    pub provider_ids: Vec<ProviderId>,
    /// How many stamps the challenge grants, at least one.
    pub max_stamp_claims: u32,
    /// The only platform that can take part; `None` means all.
    pub target_platform: Option<Platform>,
    /// Whether one person can hold several stamps for one provider; `None` means no.
    pub allow_duplicate_participation: Option<bool>,
    /// When the challenge is to expire; `None` means as [`crate::challenge::Challenge::expiry`] says.
    pub expires_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_bounds_of_a_title() {
        assert!(Title::new("x".into()).is_ok());
        assert!(Title::new("ü".repeat(200)).is_ok());
        assert_eq!(
            Title::new("ü".repeat(201)),
            Err(TextError::TooLong { longest: 200, given: 201 })
        );
        for blank in ["", " ", "\t\n", "\u{a0}", "\u{0}", "\u{1c}\u{85}"] {
            assert_eq!(Title::new(blank.into()), Err(TextError::Blank), "{blank:?}");
        }
        assert_eq!(Title::new("a\0b".into()), Err(TextError::Null));
    }

    #[test]
    fn the_bounds_of_a_description() {
        assert!(Description::new(String::new()).is_ok());
        assert!(Description::new("🙂".repeat(1000)).is_ok());
        assert!(Description::new("🙂".repeat(1001)).is_err());
    }

    #[test]
    fn the_bounds_of_the_stamp_limit() {
        assert_eq!(StampLimit::new(0), Err(StampLimitError));
        assert_eq!(StampLimit::new(1).map(StampLimit::get), Ok(1));
        assert_eq!(StampLimit::new(2_147_483_647).map(StampLimit::get), Ok(2_147_483_647));
        assert_eq!(StampLimit::new(2_147_483_648), Err(StampLimitError));
        assert_eq!(StampLimit::default().get(), 3);
    }

    proptest! {
        #[test]
        fn a_title_is_not_changed(text in "\\PC{1,200}") {
            prop_assume!(!is_blank(&text));
            prop_assert_eq!(Title::new(text.clone()).map(Title::into_string), Ok(text));
        }

        #[test]
        fn a_limit_is_accepted_exactly_within_its_bounds(number in any::<i64>()) {
            let expected = (1..=2_147_483_647).contains(&number);
            prop_assert_eq!(StampLimit::new(number).is_ok(), expected);
        }
    }
}
