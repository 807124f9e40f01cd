/// What a check has found (§13).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at; always called the same.
    pub check: &'static str,
    /// How it is.
    pub verdict: Verdict,
    /// What was found, in a sentence. No secret is in it.
    pub text: String,
    /// How it is mended, unless it is good.
    pub mend: Option<String>,
}

/// How something is that was looked at (§13).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Good.
    Ok,
    /// It works, but somebody should look.
    Warning,
    /// A server would not start, or not do its work.
    Failed,
}

impl Verdict {
    /// The name used for people and programs.
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
        Self { check, verdict: Verdict::Ok, text: text.into(), mend: None }
    }

    pub(super) fn warning(
        check: &'static str,
        text: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self { check, verdict: Verdict::Warning, text: text.into(), mend: Some(mend.into()) }
    }

    pub(super) fn failed(
        check: &'static str,
        text: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self { check, verdict: Verdict::Failed, text: text.into(), mend: Some(mend.into()) }
    }
}
