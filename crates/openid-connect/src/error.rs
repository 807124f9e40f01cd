//! Why a verification failed, for the tester and for the operator.

use std::fmt;

use domain::verification::FailureReason;

use crate::jose::JoseError;

/// A verification that failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Failure {
    /// What the tester is told, and what is counted (§8).
    pub reason: FailureReason,
    /// For the operator's log. Holds nothing of a tester and no secret.
    pub detail: String,
}

impl Failure {
    pub(crate) fn new(reason: FailureReason, detail: impl fmt::Display) -> Self {
        Self { reason, detail: detail.to_string() }
    }

    pub(crate) fn invalid(detail: impl fmt::Display) -> Self {
        Self::new(FailureReason::ProviderAnswerInvalid, detail)
    }

    pub(crate) fn unreachable(detail: impl fmt::Display) -> Self {
        Self::new(FailureReason::ProviderUnreachable, detail)
    }

    pub(crate) fn misconfigured(detail: impl fmt::Display) -> Self {
        Self::new(FailureReason::Misconfigured, detail)
    }
}

impl From<JoseError> for Failure {
    fn from(error: JoseError) -> Self {
        Self::invalid(error)
    }
}

/// What an error code of a provider means. Some providers answer with codes of their own.
pub(crate) fn reason_of(code: &str) -> FailureReason {
    match code {
        "access_denied" | "user_cancel" | "user_cancelled" | "user_canceled" | "cancelled"
        | "canceled" | "cancel" | "user_denied" | "user_aborted" | "aborted" | "consent_denied"
        | "mitid_user_aborted" => FailureReason::CancelledByTester,
        "login_required"
        | "interaction_required"
        | "account_selection_required"
        | "consent_required"
        | "login_failed"
        | "user_blocked"
        | "expired_transaction" => FailureReason::RefusedByProvider,
        "unmet_authentication_requirements" => FailureReason::AssuranceTooLow,
        "temporarily_unavailable" | "server_error" | "timeout" => {
            FailureReason::ProviderUnreachable
        }
        "invalid_client"
        | "unauthorized_client"
        | "invalid_request"
        | "invalid_scope"
        | "unsupported_response_type"
        | "unsupported_response_mode"
        | "unsupported_grant_type"
        | "redirect_uri_mismatch"
        | "invalid_redirect_uri"
        | "invalid_request_uri"
        | "invalid_request_object"
        | "request_not_supported"
        | "request_uri_not_supported"
        | "registration_not_supported" => FailureReason::Misconfigured,
        _ => FailureReason::Other,
    }
}

/// An error code as it may be logged: what comes from outside may be anything.
pub(crate) fn loggable(code: &str) -> &str {
    let is_code = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    let is_loggable = !code.is_empty() && code.len() <= 64 && code.bytes().all(is_code);
    if is_loggable { code } else { "an error code that is not shown" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_code_has_its_reason() {
        for (code, reason) in [
            ("access_denied", FailureReason::CancelledByTester),
            ("user_cancel", FailureReason::CancelledByTester),
            ("account_selection_required", FailureReason::RefusedByProvider),
            ("invalid_client", FailureReason::Misconfigured),
            ("temporarily_unavailable", FailureReason::ProviderUnreachable),
            ("unmet_authentication_requirements", FailureReason::AssuranceTooLow),
            ("", FailureReason::Other),
        ] {
            assert_eq!(reason_of(code), reason, "{code}");
        }
    }

    #[test]
    fn a_code_that_could_hold_a_person_is_not_logged() {
        for code in ["Anna Berg", "19121212-1212", "a\nb", &"a".repeat(65)] {
            assert_eq!(loggable(code), "an error code that is not shown");
        }
        assert_eq!(loggable("access_denied"), "access_denied");
    }
}
