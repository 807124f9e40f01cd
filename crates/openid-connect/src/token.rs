//! The exchange of the code for tokens.

use serde::Deserialize;

use crate::client_authentication::authenticate;
use crate::relying_party::Session;
use crate::{Failure, http};
use domain::verification::FailureReason;

/// What the token endpoint gives out.
#[derive(Deserialize)]
pub(crate) struct Tokens {
    pub(crate) id_token: String,
    pub(crate) access_token: Option<String>,
}

/// Redeems a code.
pub(crate) async fn redeem(
    session: &Session<'_>,
    code: &str,
    code_verifier: &str,
) -> Result<Tokens, Failure> {
    let what = "the token endpoint";
    let url = http::endpoint("token_endpoint", session.document.token_endpoint.as_deref())?;
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", session.redirect_uri),
        ("code_verifier", code_verifier),
    ];
    let form = form.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let request = session.client.post(url);
    let request = authenticate(request, form, session)?;
    let answer = http::send(request, what).await?;
    if !answer.is_success {
        let mut failure = answer.failure(what);
        // A code that is spent, expired or another client's: `invalid_grant`.
        if failure.reason == FailureReason::Other {
            failure.reason = FailureReason::RefusedByProvider;
        }
        return Err(failure);
    }
    serde_json::from_slice(&answer.body)
        .map_err(|_| Failure::invalid(format!("{what} answers without an ID token in JSON")))
}
