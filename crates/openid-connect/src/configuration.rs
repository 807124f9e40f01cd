//! What an operator configures for a provider (§13, the verifiers' file).

use std::collections::BTreeMap;
use std::fmt;

use crate::Algorithm;

/// A secret text, which `Debug` hides.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// The configuration of one provider. Files and environment variables are read by the caller.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// The issuer, exactly as discovery and the tokens say it.
    pub issuer: String,
    /// Our name at the provider.
    pub client_id: String,
    /// How we prove to be this client.
    pub client_authentication: ClientAuthentication,
    /// Whom the assertion of `private_key_jwt` is for.
    pub assertion_audience: AssertionAudience,
    /// The scopes; `openid` is added if it is missing.
    pub scopes: Vec<String>,
    /// The levels or methods that are asked for, the most wanted first.
    pub acr_values: Vec<String>,
    /// The values of `acr` that are accepted; empty: any, and none.
    pub accepted_acr: Vec<String>,
    /// `login`, for example.
    pub prompt: Option<String>,
    /// Who is expected to log in.
    pub login_hint: Option<String>,
    /// Further parameters of the authorization request. They cannot replace one of ours.
    pub extra: BTreeMap<String, String>,
    /// The claim that names the person.
    pub subject_claim: String,
    /// Whether that claim comes from the userinfo endpoint.
    pub userinfo: bool,
    /// Pushed authorization requests (RFC 9126).
    pub pushed_authorization: PushedAuthorization,
    /// The algorithms that tokens may be signed with.
    pub signing_algorithms: Vec<Algorithm>,
    /// A private key on P-256 in PEM for encrypted ID tokens.
    pub decryption_keys: Vec<Secret>,
    /// More certificate authorities in PEM, for this provider only.
    pub ca_certificates: Option<String>,
}

/// How the client proves who it is at the token endpoint.
#[derive(Clone, Debug)]
pub enum ClientAuthentication {
    /// Not at all: a public client.
    None,
    /// HTTP Basic; both parts are form-urlencoded first (RFC 6749, section 2.3.1).
    SecretBasic(Secret),
    /// The secret in the form.
    SecretPost(Secret),
    /// A signed assertion (RFC 7523). The first key signs, all are published: that is how a key is
    /// replaced. PEM: PKCS#8, or an RSA or EC key.
    PrivateKeyJwt(Vec<Secret>),
}

impl ClientAuthentication {
    /// The method's registered name, such as `client_secret_basic`: what a verifiers' file and a
    /// provider's discovery document say.
    #[must_use]
    pub fn method(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::SecretBasic(_) => "client_secret_basic",
            Self::SecretPost(_) => "client_secret_post",
            Self::PrivateKeyJwt(_) => "private_key_jwt",
        }
    }
}

/// Whom the assertion of `private_key_jwt` is for: its audience.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AssertionAudience {
    /// The issuer, as the successor of RFC 7523 asks, against mix-up.
    #[default]
    Issuer,
    /// The token endpoint, which some providers ask for.
    TokenEndpoint,
}

/// Whether the parameters go to the provider directly, before the person does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PushedAuthorization {
    /// Where the provider offers it.
    #[default]
    Auto,
    /// Always; a provider without it is misconfigured.
    Required,
    /// Only if the provider demands it.
    Off,
}

/// The configuration cannot be used. The text names the key and never shows a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {problem}")]
pub struct ConfigurationError {
    /// The key of the verifiers' file.
    pub key: &'static str,
    /// What is wrong with it.
    pub problem: String,
}

impl Configuration {
    /// A public client of `issuer`, everything else as §13 has it by default.
    #[must_use]
    pub fn new(issuer: impl Into<String>, client_id: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            client_id: client_id.into(),
            client_authentication: ClientAuthentication::None,
            assertion_audience: AssertionAudience::Issuer,
            scopes: vec!["openid".into()],
            acr_values: Vec::new(),
            accepted_acr: Vec::new(),
            prompt: None,
            login_hint: None,
            extra: BTreeMap::new(),
            subject_claim: "sub".into(),
            userinfo: false,
            pushed_authorization: PushedAuthorization::Auto,
            signing_algorithms: Algorithm::ALL.to_vec(),
            decryption_keys: Vec::new(),
            ca_certificates: None,
        }
    }

    /// Checks what can be checked without the network.
    pub(crate) fn validate(&self) -> Result<(), ConfigurationError> {
        let error = |key, problem: &str| Err(ConfigurationError { key, problem: problem.into() });
        let url = reqwest::Url::parse(&self.issuer);
        if !url.is_ok_and(|url| crate::http::is_safe(&url) && url.query().is_none()) {
            return error("issuer", "must be an https URL (http for localhost) without a query");
        }
        if self.client_id.is_empty() {
            return error("client_id", "must not be empty");
        }
        if self.subject_claim.is_empty() {
            return error("subject_claim", "must not be empty");
        }
        if self.signing_algorithms.is_empty() {
            return error("signing_algorithms", "must name at least one algorithm");
        }
        match &self.client_authentication {
            ClientAuthentication::SecretBasic(secret)
            | ClientAuthentication::SecretPost(secret)
                if secret.expose().is_empty() =>
            {
                error("client_secret_env", "the secret is empty")
            }
            ClientAuthentication::PrivateKeyJwt(keys) if keys.is_empty() => {
                error("private_key_file", "private_key_jwt needs a private key")
            }
            _ => Ok(()),
        }
    }
}

impl Secret {
    /// Hides a text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}
