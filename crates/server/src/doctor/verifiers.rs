//! The check `verifiers`: testers can be verified, and each OpenID Connect provider answers as it is
//! configured. `doctor` and `admin verifier check` run it; `admin verifier list` lists without
//! reaching anything (§13).

use challenge_service::{CALLBACK_PATH, Verifier, Verifiers};
use domain::{ClockAndRng, Environment, ProviderId};
use futures_util::future::join_all;

use super::finding::Finding;
use crate::config::{Config, Role};
use crate::lifecycle::{StartError, read_catalogue, read_verifiers};

const CHECK: &str = "verifiers";

/// Who verifies the testers of one provider, as it is configured (§13). It has no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfiguredVerifier {
    /// The provider's id in the catalogue.
    pub provider_id: ProviderId,
    /// `simulator`, `oidc` or `external`.
    pub kind: &'static str,
    /// The issuer of `oidc`, the login's URL of `external`.
    pub address: Option<String>,
    /// How the client authenticates at an `oidc` provider, such as `client_secret_basic`.
    pub client_authentication: Option<&'static str>,
    /// The redirect URI to register with an `oidc` provider.
    pub redirect_uri: Option<String>,
}

/// Lists who verifies the testers of each provider of this environment, in the catalogue's order
/// (§13). A provider that nobody verifies is absent. Nothing is reached.
///
/// # Errors
/// When the catalogue's or the verifiers' file is not valid. The error names the line.
pub fn configured_verifiers(
    config: &Config,
    clock_and_rng: &ClockAndRng,
) -> Result<Vec<ConfiguredVerifier>, StartError> {
    let catalogue = read_catalogue(config)?;
    let verifiers = read_verifiers(config, &catalogue, clock_and_rng)?;
    let offered = catalogue.providers().iter();
    let offered = offered.filter(|provider| provider.environments.contains(&config.environment));
    Ok(offered.filter_map(|provider| described(&verifiers, &provider.id)).collect())
}

fn described(verifiers: &Verifiers, id: &ProviderId) -> Option<ConfiguredVerifier> {
    let plain = |kind| ConfiguredVerifier {
        provider_id: id.clone(),
        kind,
        address: None,
        client_authentication: None,
        redirect_uri: None,
    };
    Some(match verifiers.get(id)? {
        Verifier::Simulator => plain("simulator"),
        Verifier::External(url) => {
            ConfiguredVerifier { address: Some(url.clone()), ..plain("external") }
        }
        Verifier::OpenIdConnect(party) => ConfiguredVerifier {
            address: Some(party.issuer().to_owned()),
            client_authentication: Some(party.authentication_method()),
            redirect_uri: Some(party.redirect_uri().to_owned()),
            ..plain("oidc")
        },
    })
}

/// Checks that testers can be verified, and that each OpenID Connect provider answers as it is
/// configured (§13): reaches its discovery document and its keys, and compares the issuer, the
/// authentication methods and the algorithms. No finding has a secret.
pub async fn check_verifiers(config: &Config) -> Vec<Finding> {
    if !config.roles.has(Role::ChallengeService) || config.tpas_url.is_some() {
        return vec![Finding::good(CHECK, "those of the challenge service elsewhere")];
    }
    let verifiers = match read(config) {
        Ok(verifiers) => verifiers,
        Err(problem) => {
            return vec![Finding::failed(CHECK, problem, "correct the file of --verifiers")];
        }
    };
    if verifiers.configured().next().is_none() {
        return vec![without_any(config.environment)];
    }
    let each = verifiers.configured().map(|(id, verifier)| examine(id, verifier));
    let mut findings: Vec<Finding> = join_all(each).await.into_iter().flatten().collect();
    let is_redirected =
        verifiers.configured().any(|(_, it)| matches!(it, Verifier::OpenIdConnect(_)));
    if is_redirected {
        let origin = config.public_url.clone().unwrap_or_else(|| config.url_at(config.listen));
        let text =
            format!("the redirect URI to register with each provider is {origin}{CALLBACK_PATH}");
        findings.push(Finding::good(CHECK, text));
    }
    findings
}

fn read(config: &Config) -> Result<Verifiers, String> {
    let clock_and_rng = ClockAndRng::system().map_err(|error| error.to_string())?;
    let catalogue = read_catalogue(config).map_err(|error| error.to_string())?;
    read_verifiers(config, &catalogue, &clock_and_rng).map_err(|error| error.to_string())
}

fn without_any(environment: Environment) -> Finding {
    match environment {
        Environment::Sandbox => Finding::good(CHECK, "the simulator, for every provider"),
        Environment::Production => Finding::warning(
            CHECK,
            "nobody verifies testers here, so no provider can be ordered",
            "say with --verifiers who verifies the testers of which provider",
        ),
    }
}

async fn examine(id: &ProviderId, verifier: &Verifier) -> Vec<Finding> {
    let party = match verifier {
        Verifier::Simulator => return vec![Finding::good(CHECK, format!("{id}: the simulator"))],
        Verifier::External(url) => {
            return vec![Finding::good(CHECK, format!("{id}: the login at {url}"))];
        }
        Verifier::OpenIdConnect(party) => party,
    };
    let finding = |found: openid_connect::Finding| {
        let text = format!("{id}, {}: {}", found.subject, found.text);
        if found.is_good {
            Finding::good(CHECK, text)
        } else {
            let fix = format!("compare the table [{id}] of the verifiers' file with the provider");
            Finding::failed(CHECK, text, fix)
        }
    };
    party.check().await.into_iter().map(finding).collect()
}
