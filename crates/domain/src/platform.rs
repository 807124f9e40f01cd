//! The platforms of testers' devices (§5).

use std::fmt;
use std::str::FromStr;

/// The platform of a tester's device (§5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Platform {
    /// An iPhone or iPad.
    Ios,
    /// An Android phone or tablet.
    Android,
}

impl Platform {
    /// All platforms, in the order of the documentation.
    pub const ALL: [Self; 2] = [Self::Ios, Self::Android];

    /// The name in the API and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ios => "ios",
            Self::Android => "android",
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// The text is neither `ios` nor `android`.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be \"ios\" or \"android\"")]
pub struct UnknownPlatform;

impl FromStr for Platform {
    type Err = UnknownPlatform;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "ios" => Ok(Self::Ios),
            "android" => Ok(Self::Android),
            _ => Err(UnknownPlatform),
        }
    }
}
