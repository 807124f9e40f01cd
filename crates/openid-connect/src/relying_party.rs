//! The relying party of one provider.

use std::sync::Arc;
use std::time::Duration;

use domain::ClockAndRng;
use domain::verification::{FailureReason, Subject};
use reqwest::Client;
use serde_json::Value;

use crate::client_authentication::OwnKeys;
use crate::discovery::{Discovery, Document};
use crate::health::Record;
use crate::id_token::{Claims, Expected};
use crate::jose::jwk::KeySet;
use crate::jose::jws::Unverified;
use crate::keys::Keys;
use crate::{
    Attempt, Callback, Configuration, ConfigurationError, Failure, Finding, Health, authorization,
    check, error, http, id_token, token, userinfo,
};

/// The relying party of one provider. Share it: it holds the caches and the connection pool.
pub struct RelyingParty {
    configuration: Configuration,
    redirect_uri: String,
    clock: ClockAndRng,
    client: Client,
    own_keys: OwnKeys,
    discovery: Discovery,
    keys: Keys,
    health: Record,
}

/// What one conversation with the provider needs.
pub(crate) struct Session<'a> {
    pub(crate) configuration: &'a Configuration,
    pub(crate) redirect_uri: &'a str,
    pub(crate) clock: &'a ClockAndRng,
    pub(crate) client: &'a Client,
    pub(crate) own_keys: &'a OwnKeys,
    pub(crate) document: Arc<Document>,
    cached_keys: &'a Keys,
}

impl Session<'_> {
    /// The keys for checking a token.
    pub(crate) async fn keys(&self, token: &Unverified<'_>) -> Result<Arc<KeySet>, Failure> {
        let url = http::endpoint("jwks_uri", self.document.jwks_uri.as_deref())?;
        self.cached_keys.for_token(self.client, &url, self.clock, token).await
    }
}

impl RelyingParty {
    /// A relying party. Nothing is fetched yet, so that a provider that is down stops nobody.
    ///
    /// # Errors
    /// When the configuration cannot be used.
    pub fn new(
        configuration: Configuration,
        redirect_uri: String,
        clock: ClockAndRng,
    ) -> Result<Self, ConfigurationError> {
        Self::with_timeout(configuration, redirect_uri, clock, None)
    }

    /// [`RelyingParty::new`] with another limit than 10 seconds for each request.
    ///
    /// # Errors
    /// When the configuration cannot be used.
    pub fn with_timeout(
        configuration: Configuration,
        redirect_uri: String,
        clock: ClockAndRng,
        timeout: Option<Duration>,
    ) -> Result<Self, ConfigurationError> {
        configuration.validate()?;
        Ok(Self {
            client: http::client(&configuration, timeout)?,
            own_keys: OwnKeys::new(&configuration)?,
            discovery: Discovery::new(configuration.issuer.clone()),
            keys: Keys::default(),
            health: Record::default(),
            configuration,
            redirect_uri,
            clock,
        })
    }

    /// The address to send the person's browser to.
    ///
    /// # Errors
    /// When the provider cannot be reached, its discovery is unusable or it refuses a pushed
    /// request.
    pub async fn authorization_url(&self, attempt: &Attempt) -> Result<String, Failure> {
        let result = async { authorization::url(&self.session().await?, attempt).await }.await;
        self.health.noted(&result);
        result
    }

    /// Redeems the code of a callback whose state is that of `attempt`.
    ///
    /// # Errors
    /// When the provider cannot be reached, refuses the code or answers with anything that is not a
    /// flawless proof of who the person is.
    pub async fn redeem(&self, callback: &Callback, attempt: &Attempt) -> Result<Subject, Failure> {
        let result = self.redeem_unrecorded(callback, attempt).await;
        self.health.redeemed(&result);
        result
    }

    /// What it means that the provider sent the person back with `error`. An error in the name of
    /// another issuer means nothing.
    #[must_use]
    pub fn refusal(&self, error: &str, iss: Option<&str>) -> FailureReason {
        match iss {
            Some(iss) if iss != self.configuration.issuer => FailureReason::ProviderAnswerInvalid,
            _ => error::reason_of(error),
        }
    }

    /// Looks at everything that can be looked at without a person.
    pub async fn check(&self) -> Vec<Finding> {
        match self.session().await {
            Ok(session) => check::findings(&session).await,
            Err(failure) => vec![Finding::new(false, "discovery", failure.detail)],
        }
    }

    /// The provider's issuer, an `https` URL.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.configuration.issuer
    }

    /// The name of the method by which we prove who we are, such as `client_secret_basic`.
    #[must_use]
    pub fn authentication_method(&self) -> &'static str {
        self.configuration.client_authentication.method()
    }

    /// The redirect URI to register with the provider.
    #[must_use]
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// How it goes with the provider.
    #[must_use]
    pub fn health(&self) -> Health {
        self.health.read()
    }

    /// The public halves of our keys, to be published as a key set (RFC 7517).
    #[must_use]
    pub fn public_key_set(&self) -> Value {
        self.own_keys.public_key_set()
    }

    async fn session(&self) -> Result<Session<'_>, Failure> {
        let (document, is_new) = self.discovery.get(&self.client, &self.clock).await?;
        if is_new {
            self.health.discovered(self.clock.now());
        }
        Ok(Session {
            configuration: &self.configuration,
            redirect_uri: &self.redirect_uri,
            clock: &self.clock,
            client: &self.client,
            own_keys: &self.own_keys,
            document,
            cached_keys: &self.keys,
        })
    }

    async fn redeem_unrecorded(
        &self,
        callback: &Callback,
        attempt: &Attempt,
    ) -> Result<Subject, Failure> {
        let session = self.session().await?;
        self.check_issuer(&session.document, callback.iss.as_deref())?;
        let tokens = token::redeem(&session, &callback.code, &attempt.code_verifier).await?;
        let (mut claims, algorithm) = id_token::verified(&session, &tokens.id_token).await?;
        let expected = Expected {
            configuration: &self.configuration,
            nonce: &attempt.nonce,
            access_token: tokens.access_token.as_deref(),
            now: self.clock.now(),
        };
        id_token::check(&claims, algorithm, &expected)?;
        if self.configuration.userinfo {
            claims = userinfo::fetch(&session, &tokens, claims.get("sub")).await?;
        }
        self.subject(&claims)
    }

    /// A code from another provider must not be sent to this one (RFC 9207).
    fn check_issuer(&self, document: &Document, iss: Option<&str>) -> Result<(), Failure> {
        match iss {
            Some(iss) if iss != self.configuration.issuer => {
                Err(Failure::invalid("the callback is from another issuer (iss)"))
            }
            None if document.authorization_response_iss_parameter_supported => {
                Err(Failure::invalid("the callback does not say which issuer it is from (iss)"))
            }
            _ => Ok(()),
        }
    }

    fn subject(&self, claims: &Claims) -> Result<Subject, Failure> {
        let name = &self.configuration.subject_claim;
        let claim = match claims.get(name) {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        let missing = || Failure::misconfigured(format!("the provider sends no claim {name}"));
        Subject::new(claim.ok_or_else(missing)?)
            .map_err(|_| Failure::invalid(format!("the claim {name} is blank or too long")))
    }
}
