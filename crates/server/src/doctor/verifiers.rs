//! The check `verifiers`: testers can be verified, and each OpenID Connect provider answers as it is
//! configured (§13).

use challenge_service::{CALLBACK_PATH, Verifier, Verifiers};
use domain::{ClockAndRng, Environment, ProviderId};
use futures_util::future::join_all;

use super::finding::Finding;
use crate::config::{Config, Role};
use crate::lifecycle::{read_catalogue, read_verifiers};

const CHECK: &str = "verifiers";

pub(super) async fn check(config: &Config) -> Vec<Finding> {
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
        let origin = config.public_url.clone().unwrap_or(format!("http://{}", config.listen));
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
