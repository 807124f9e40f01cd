//! The userinfo endpoint, for providers that name the person only there.

use serde_json::Value;

use crate::id_token::{Claims, verified};
use crate::relying_party::Session;
use crate::token::Tokens;
use crate::{Failure, http};

/// The claims of the person whose ID token has this `sub`.
pub(crate) async fn fetch(
    session: &Session<'_>,
    tokens: &Tokens,
    sub: Option<&Value>,
) -> Result<Claims, Failure> {
    let what = "the userinfo endpoint";
    let url = http::endpoint("userinfo_endpoint", session.document.userinfo_endpoint.as_deref())?;
    let token = tokens.access_token.as_deref();
    let token = token.ok_or_else(|| Failure::invalid("the provider gave no access token"))?;
    let answer = http::send(session.client.get(url).bearer_auth(token), what).await?;
    if !answer.is_success {
        return Err(answer.failure(what));
    }
    let claims = if answer.content_type == "application/jwt" {
        let text = String::from_utf8(answer.body)
            .map_err(|_| Failure::invalid(format!("{what} answers with no token")))?;
        let (claims, _) = verified(session, text.trim()).await?;
        check_signed(&claims, session)?;
        claims
    } else {
        serde_json::from_slice(&answer.body)
            .map_err(|_| Failure::invalid(format!("{what} answers without JSON")))?
    };
    // An access token that was swapped gives another person's claims.
    if sub.is_none() || claims.get("sub") != sub {
        return Err(Failure::invalid(format!("{what} answers for another sub")));
    }
    Ok(claims)
}

/// A signed answer is from this issuer and for us, where it says so.
fn check_signed(claims: &Claims, session: &Session<'_>) -> Result<(), Failure> {
    let configuration = session.configuration;
    let is = |value: &Value, text: &str| value.as_str() == Some(text);
    let is_for_us = |aud: &Value| match aud {
        Value::Array(all) => all.iter().any(|one| is(one, &configuration.client_id)),
        one => is(one, &configuration.client_id),
    };
    let is_ours = claims.get("iss").is_none_or(|iss| is(iss, &configuration.issuer))
        && claims.get("aud").is_none_or(is_for_us);
    is_ours.then_some(()).ok_or_else(|| Failure::invalid("the userinfo token is not for us"))
}
