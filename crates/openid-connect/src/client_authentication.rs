//! How we prove at an endpoint of the provider which client we are.

use domain::ClockAndRng;
use p256::SecretKey;
use reqwest::RequestBuilder;
use reqwest::header::AUTHORIZATION;
use serde_json::{Value, json};

use crate::jose::base64::{encode_standard, encode_url};
use crate::jose::own_keys::{SigningKey, decryption_key, public_decryption_jwk};
use crate::relying_party::Session;
use crate::{AssertionAudience, ClientAuthentication, Configuration, ConfigurationError, Failure};

/// How long an assertion is good, in seconds.
const ASSERTION_LIFETIME: i64 = 60;

/// The parameters of a form.
pub(crate) type Form = Vec<(String, String)>;

/// Our private keys at one provider.
pub(crate) struct OwnKeys {
    signing: Vec<SigningKey>,
    pub(crate) decryption: Vec<SecretKey>,
}

impl OwnKeys {
    pub(crate) fn new(configuration: &Configuration) -> Result<Self, ConfigurationError> {
        let error = |key| move |error| ConfigurationError { key, problem: format!("{error}") };
        let pems = match &configuration.client_authentication {
            ClientAuthentication::PrivateKeyJwt(pems) => pems.as_slice(),
            _ => &[],
        };
        let signing = pems.iter().map(|pem| SigningKey::from_pem(pem.expose())).collect();
        let pems = configuration.decryption_keys.iter();
        let decryption = pems.map(|pem| decryption_key(pem.expose())).collect();
        Ok(Self {
            signing: Result::map_err(signing, error("private_key_file"))?,
            decryption: Result::map_err(decryption, error("decryption_key_file"))?,
        })
    }

    /// The algorithm of the key that signs, if there is one.
    pub(crate) fn algorithm(&self) -> Option<&'static str> {
        self.signing.first().map(SigningKey::algorithm)
    }

    /// The public halves as a key set.
    pub(crate) fn public_key_set(&self) -> Value {
        let signing = self.signing.iter().map(SigningKey::public_jwk);
        let encryption = self.decryption.iter().map(public_decryption_jwk);
        json!({ "keys": signing.chain(encryption).collect::<Vec<_>>() })
    }
}

/// Completes a request with a form and the client's authentication.
pub(crate) fn authenticate(
    request: RequestBuilder,
    mut form: Form,
    session: &Session<'_>,
) -> Result<RequestBuilder, Failure> {
    let configuration = session.configuration;
    let id = &configuration.client_id;
    // A pushed request has `client_id` already, and a parameter that comes twice is refused.
    let mut add = |name: &str, value: &str| {
        form.retain(|(known, _)| known != name);
        form.push((name.to_owned(), value.to_owned()));
    };
    let mut basic = None;
    match &configuration.client_authentication {
        ClientAuthentication::None => add("client_id", id),
        ClientAuthentication::SecretBasic(secret) => {
            basic = Some(basic_credentials(id, secret.expose()));
        }
        ClientAuthentication::SecretPost(secret) => {
            add("client_id", id);
            add("client_secret", secret.expose());
        }
        ClientAuthentication::PrivateKeyJwt(_) => {
            let key = session.own_keys.signing.first();
            let key = key.ok_or_else(|| Failure::misconfigured("there is no private key"))?;
            let claims = assertion(id, &audience(session)?, session.clock);
            let assertion = key.sign(&claims).map_err(Failure::misconfigured)?;
            add("client_id", id);
            add("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
            add("client_assertion", &assertion);
        }
    }
    let body = encode_form(&form);
    let request = request
        .header(reqwest::header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(reqwest::header::ACCEPT, "application/json")
        .body(body);
    Ok(match basic {
        Some(credentials) => request.header(AUTHORIZATION, credentials),
        None => request,
    })
}

/// Whom the assertion is for.
fn audience(session: &Session<'_>) -> Result<String, Failure> {
    match session.configuration.assertion_audience {
        AssertionAudience::Issuer => Ok(session.configuration.issuer.clone()),
        AssertionAudience::TokenEndpoint => {
            let endpoint = session.document.token_endpoint.clone();
            endpoint.ok_or_else(|| Failure::misconfigured("discovery has no token_endpoint"))
        }
    }
}

fn assertion(client_id: &str, audience: &str, clock: &ClockAndRng) -> Value {
    let mut id = [0; 16];
    clock.randomness().fill(&mut id);
    let now = clock.now().as_seconds();
    json!({
        "iss": client_id, "sub": client_id, "aud": audience, "jti": encode_url(&id),
        "iat": now, "exp": now + ASSERTION_LIFETIME,
    })
}

/// Basic with both parts form-urlencoded before they are joined: a raw `:` or `+` is refused by
/// providers that follow RFC 6749.
fn basic_credentials(id: &str, secret: &str) -> String {
    let pair = format!("{}:{}", form_encoded(id), form_encoded(secret));
    format!("Basic {}", encode_standard(pair.as_bytes()))
}

/// Encodes the parameters of a form.
pub(crate) fn encode_form(form: &Form) -> String {
    let pairs = form.iter();
    let pairs =
        pairs.map(|(name, value)| format!("{}={}", form_encoded(name), form_encoded(value)));
    pairs.collect::<Vec<_>>().join("&")
}

fn form_encoded(text: &str) -> String {
    use std::fmt::Write;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'*' => {
                encoded.push(char::from(byte));
            }
            b' ' => encoded.push('+'),
            // Writing to a text cannot fail.
            _ => drop(write!(encoded, "%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_parts_of_basic_credentials_are_encoded_before_they_are_joined() {
        let expected = encode_standard(b"a%3Ab+c:%2B%25%C3%A9%2F%3D");
        assert_eq!(basic_credentials("a:b c", "+%é/="), format!("Basic {expected}"));
    }
}
