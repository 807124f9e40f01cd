//! What `doctor` and `admin verifier check` find out about a provider.

use crate::relying_party::Session;
use crate::{Failure, authorization, http, keys};

/// One thing that was looked at, in words, without a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Whether it is in order.
    pub is_good: bool,
    /// What was looked at: `discovery`, `keys` and so on.
    pub subject: &'static str,
    /// What was found, and what to do about it.
    pub text: String,
}

impl Finding {
    pub(crate) fn new(is_good: bool, subject: &'static str, text: impl Into<String>) -> Self {
        Self { is_good, subject, text: text.into() }
    }
}

/// Looks at everything that can be looked at without a person.
pub(crate) async fn findings(session: &Session<'_>) -> Vec<Finding> {
    let issuer = &session.configuration.issuer;
    let discovery = Finding::new(true, "discovery", format!("reached, and its issuer is {issuer}"));
    let mut findings = vec![discovery, authentication(session), pushed(session)];
    findings.extend([proof_of_key(session), key_set(session).await]);
    findings.extend(assertion_algorithm(session));
    findings.extend(offers(session));
    findings
}

fn authentication(session: &Session<'_>) -> Finding {
    let method = session.configuration.client_authentication.method();
    let default = vec!["client_secret_basic".to_owned()];
    let offered = session.document.token_endpoint_auth_methods_supported.as_ref();
    let offered = offered.unwrap_or(&default);
    let is_good = offered.iter().any(|one| one == method);
    let verb = if is_good { "is offered" } else { "is not offered; the provider offers" };
    Finding::new(is_good, "client_auth", sentence(method, verb, is_good, offered))
}

fn assertion_algorithm(session: &Session<'_>) -> Option<Finding> {
    let algorithm = session.own_keys.algorithm()?;
    let offered = session.document.token_endpoint_auth_signing_alg_values_supported.as_ref()?;
    let is_good = offered.iter().any(|one| one == algorithm);
    let verb = if is_good { "is accepted" } else { "is not accepted; the provider accepts" };
    Some(Finding::new(is_good, "private_key_file", sentence(algorithm, verb, is_good, offered)))
}

fn sentence(name: &str, verb: &str, is_good: bool, offered: &[String]) -> String {
    let list = if is_good { String::new() } else { format!(" {}", shown(offered)) };
    format!("{name} {verb}{list}")
}

/// A list of the provider's, as far as it is printable and short.
fn shown(values: &[String]) -> String {
    let is_plain =
        |value: &&String| value.len() <= 100 && value.bytes().all(|byte| byte.is_ascii_graphic());
    let values: Vec<_> = values.iter().filter(is_plain).take(20).map(String::as_str).collect();
    values.join(", ")
}

fn pushed(session: &Session<'_>) -> Finding {
    let wish = session.configuration.pushed_authorization;
    match authorization::pushed_endpoint(&session.document, wish) {
        Ok(Some(_)) => Finding::new(true, "par", "authorization requests are pushed"),
        Ok(None) => Finding::new(true, "par", "authorization requests are not pushed"),
        Err(failure) => Finding::new(false, "par", failure.detail),
    }
}

fn proof_of_key(session: &Session<'_>) -> Finding {
    let offered = session.document.code_challenge_methods_supported.as_ref();
    match offered {
        Some(methods) if !methods.iter().any(|method| method == "S256") => {
            Finding::new(false, "pkce", "the provider does not offer S256")
        }
        Some(_) => Finding::new(true, "pkce", "S256 is offered"),
        None => Finding::new(true, "pkce", "the provider does not say whether it knows S256"),
    }
}

async fn key_set(session: &Session<'_>) -> Finding {
    let allowed = &session.configuration.signing_algorithms;
    let fetched = async {
        let url = http::endpoint("jwks_uri", session.document.jwks_uri.as_deref())?;
        let keys = keys::fetch(session.client, &url).await?;
        Ok::<_, Failure>(keys)
    };
    match fetched.await {
        Err(failure) => Finding::new(false, "keys", failure.detail),
        Ok(keys) => {
            let offered = session.document.id_token_signing_alg_values_supported.as_ref();
            let is_offered =
                |name: &str| offered.is_none_or(|all| all.iter().any(|one| one == name));
            let common = allowed.iter().filter(|one| keys.has(**one) && is_offered(one.as_str()));
            let common: Vec<_> = common.map(|algorithm| algorithm.as_str()).collect();
            let count = keys.len();
            match common.as_slice() {
                [] => Finding::new(
                    false,
                    "keys",
                    format!("keys reached: {count}, none for an allowed algorithm"),
                ),
                names => {
                    let names = names.join(", ");
                    Finding::new(true, "keys", format!("keys reached: {count}, for {names}"))
                }
            }
        }
    }
}

/// Scopes and levels that the provider does not list, where it lists any.
fn offers(session: &Session<'_>) -> Vec<Finding> {
    let (document, configuration) = (&session.document, session.configuration);
    let wishes = [
        ("scopes", &configuration.scopes, &document.scopes_supported),
        ("acr_values", &configuration.acr_values, &document.acr_values_supported),
    ];
    let missing = wishes.into_iter().filter_map(|(key, wanted, offered)| {
        let offered = offered.as_ref()?;
        let missing: Vec<_> =
            wanted.iter().filter(|one| !offered.contains(one)).map(String::as_str).collect();
        let text = format!("discovery does not list {}", missing.join(", "));
        (!missing.is_empty()).then(|| Finding::new(false, key, text))
    });
    missing.collect()
}
