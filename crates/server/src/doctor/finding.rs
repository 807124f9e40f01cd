//! The result of a check.

/// The result of a check (§13).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The name of the check. It is stable, for programs.
    pub check: &'static str,
    /// Whether the check passed.
    pub status: CheckStatus,
    /// What was found, in a sentence. It contains no secret.
    pub text: String,
    /// How to fix it, unless the check passed.
    pub fix: Option<String>,
}

/// Whether a check passed (§13).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CheckStatus {
    /// It passed.
    Ok,
    /// A server works, but the operator should have a look.
    Warning,
    /// A server would not start, or not work.
    Failed,
}

impl CheckStatus {
    /// The name for people and programs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }
}

impl Finding {
    pub(super) fn good(check: &'static str, text: impl Into<String>) -> Self {
        Self { check, status: CheckStatus::Ok, text: text.into(), fix: None }
    }

    pub(super) fn warning(
        check: &'static str,
        text: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self { check, status: CheckStatus::Warning, text: text.into(), fix: Some(fix.into()) }
    }

    pub(super) fn failed(
        check: &'static str,
        text: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self { check, status: CheckStatus::Failed, text: text.into(), fix: Some(fix.into()) }
    }
}
