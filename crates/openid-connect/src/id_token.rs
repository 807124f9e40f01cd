//! The checks of an ID token (OpenID Connect Core, section 3.1.3.7).

use domain::Timestamp;
use domain::verification::FailureReason;
use ring::digest::{SHA256, SHA512, digest};
use serde_json::{Map, Value};

use crate::jose::base64::encode_url;
use crate::jose::jwe;
use crate::jose::jws::Unverified;
use crate::relying_party::Session;
use crate::{Algorithm, Configuration, Failure};

/// By how much clocks may differ, in seconds.
const LEEWAY: i64 = 60;

/// The claims of a token. Not `Debug`: they are personal data.
pub(crate) type Claims = Map<String, Value>;

/// What a token is checked against.
pub(crate) struct Expected<'a> {
    pub(crate) configuration: &'a Configuration,
    pub(crate) nonce: &'a str,
    pub(crate) access_token: Option<&'a str>,
    pub(crate) now: Timestamp,
}

/// Decrypts a token if it is encrypted and verifies its signature.
pub(crate) async fn verified(
    session: &Session<'_>,
    token: &str,
) -> Result<(Claims, Algorithm), Failure> {
    let decrypted;
    let mut token = token;
    if jwe::is_encrypted(token) {
        let bytes = jwe::decrypt(token, &session.own_keys.decryption)?;
        decrypted = String::from_utf8(bytes)
            .map_err(|_| Failure::invalid("the encrypted token holds no signed token"))?;
        token = &decrypted;
    }
    let unverified = Unverified::parse(token, &session.configuration.signing_algorithms)?;
    let keys = session.keys(&unverified).await?;
    let payload = unverified.verify(&keys)?;
    let claims = serde_json::from_slice(payload)
        .map_err(|_| Failure::invalid("the token's payload is no JSON object"))?;
    Ok((claims, unverified.algorithm))
}

/// Checks the claims of a verified ID token.
pub(crate) fn check(
    claims: &Claims,
    algorithm: Algorithm,
    expected: &Expected<'_>,
) -> Result<(), Failure> {
    let configuration = expected.configuration;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let require = |holds: bool, problem: &str| {
        holds.then_some(()).ok_or_else(|| Failure::invalid(format!("the ID token {problem}")))
    };
    require(text("iss") == Some(&configuration.issuer), "is from another issuer (iss)")?;
    check_audience(claims, &configuration.client_id)?;
    check_times(claims, expected.now)?;
    require(text("nonce") == Some(expected.nonce), "is for another attempt (nonce)")?;
    require(text("sub").is_some_and(|sub| !sub.is_empty()), "has no sub")?;
    if let (Some(hash), Some(access_token)) = (claims.get("at_hash"), expected.access_token) {
        let is_hash = hash.as_str() == Some(&half_hash(access_token, algorithm));
        require(is_hash, "is for another access token (at_hash)")?;
    }
    let accepted = &configuration.accepted_acr;
    let is_accepted = |acr: &str| accepted.iter().any(|one| one == acr);
    if !accepted.is_empty() && !text("acr").is_some_and(is_accepted) {
        return Err(Failure::new(
            FailureReason::AssuranceTooLow,
            "the ID token's acr is not among accepted_acr",
        ));
    }
    Ok(())
}

/// The token is for us, and if it names a party that it was issued to, that is us. Tokens for
/// several audiences must name it.
fn check_audience(claims: &Claims, client_id: &str) -> Result<(), Failure> {
    let is_us = |value: &Value| value.as_str() == Some(client_id);
    let (is_for_us, is_for_others) = match claims.get("aud") {
        Some(Value::Array(all)) => (all.iter().any(is_us), !all.iter().all(is_us)),
        Some(one) => (is_us(one), false),
        None => (false, false),
    };
    if !is_for_us {
        return Err(Failure::invalid("the ID token is for another client (aud)"));
    }
    match claims.get("azp") {
        None if is_for_others => Err(Failure::invalid("the ID token has audiences but no azp")),
        Some(party) if !is_us(party) => {
            Err(Failure::invalid("the ID token was issued to another client (azp)"))
        }
        _ => Ok(()),
    }
}

fn check_times(claims: &Claims, now: Timestamp) -> Result<(), Failure> {
    let seconds = |name: &str| claims.get(name).and_then(Value::as_f64).map(|value| value as i64);
    let now = now.as_seconds();
    let exp = seconds("exp").ok_or_else(|| Failure::invalid("the ID token has no exp"))?;
    let iat = seconds("iat").ok_or_else(|| Failure::invalid("the ID token has no iat"))?;
    if exp.saturating_add(LEEWAY) <= now {
        return Err(Failure::invalid("the ID token has expired (exp)"));
    }
    let not_before = seconds("nbf").unwrap_or(iat).max(iat);
    if not_before > now.saturating_add(LEEWAY) {
        return Err(Failure::invalid("the ID token is from the future: do the clocks differ?"));
    }
    Ok(())
}

/// The left half of the hash that belongs to the algorithm.
fn half_hash(access_token: &str, algorithm: Algorithm) -> String {
    let hash = if algorithm == Algorithm::EdDsa { &SHA512 } else { &SHA256 };
    let hash = digest(hash, access_token.as_bytes());
    let (left, _) = hash.as_ref().split_at(hash.as_ref().len() / 2);
    encode_url(left)
}
