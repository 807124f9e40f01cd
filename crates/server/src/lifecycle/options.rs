//! Checking the options, and reading the catalogue that they name (§13).

use std::fs;

use challenge_service::{VerifierContext, Verifiers};
use domain::catalogue::Catalogue;
use domain::{ClockAndRng, Environment};

use super::start_error::StartError;
use crate::config::{Config, Role};

/// Checks that the options are consistent.
pub(crate) fn check_options(config: &Config) -> Result<(), StartError> {
    let needs_challenge_service = config.roles.has(Role::Api) || config.roles.has(Role::Scheduler);
    if needs_challenge_service
        && config.tpas_url.is_none()
        && !config.roles.has(Role::ChallengeService)
    {
        return Err(StartError::Options(
            "the challenge service does not run in this process: add tpas to --roles, or say with \
             --tpas-url where it runs",
        ));
    }
    let is_alone = !config.workspace_location().is_shared();
    if is_alone && config.roles.has(Role::Api) != config.roles.has(Role::Scheduler) {
        return Err(StartError::Options(
            "the embedded database belongs to one process, so the roles api and scheduler go \
             together: name both or neither, or use PostgreSQL with --database-url",
        ));
    }
    if config.tpas_url.is_some() && config.tpas_token.is_none() {
        return Err(StartError::Options(
            "--tpas-url needs --tpas-token, the token of the challenge service's service surface",
        ));
    }
    if config.tls_cert.is_some() != config.tls_key.is_some() {
        return Err(StartError::Options(
            "--tls-cert and --tls-key go together: name the certificate and its private key, or \
             neither",
        ));
    }
    if config.public_url.as_deref().is_some_and(has_path) {
        return Err(StartError::Options(
            "--public-url must not have a path: give fieldtest a host name of its own, such as \
             https://fieldtest.example",
        ));
    }
    Ok(())
}

/// Whether a URL has more than a host and a port.
fn has_path(url: &str) -> bool {
    url.split_once("://").is_some_and(|(_, rest)| rest.contains('/'))
}

/// Who verifies the testers of each provider: as the operator's file says, or by default.
///
/// # Errors
/// When the operator's file cannot be read or is not valid; the error names the line.
pub(crate) fn read_verifiers(
    config: &Config,
    catalogue: &Catalogue,
    clock_and_rng: &ClockAndRng,
) -> Result<Verifiers, StartError> {
    let Some(path) = &config.verifiers else { return Ok(Verifiers::of(config.environment)) };
    let text = fs::read_to_string(path).map_err(|source| StartError::file(path, source))?;
    // In a sandbox the provider can lead back to where the server listens.
    let is_sandbox = config.environment == Environment::Sandbox && config.listen.port() != 0;
    let here = is_sandbox.then(|| config.url_at(config.listen));
    let context = VerifierContext {
        environment: config.environment,
        catalogue,
        public_url: config.public_url.as_deref().or(here.as_deref()),
        clock_and_rng,
    };
    Verifiers::parse(&text, &context)
        .map_err(|source| StartError::Verifiers { path: path.clone(), source })
}

/// The provider catalogue: the operator's own, or the built-in one.
///
/// # Errors
/// When the operator's file cannot be read or is not valid; the error names the line.
pub fn read_catalogue(config: &Config) -> Result<Catalogue, StartError> {
    let Some(path) = &config.catalogue else { return Ok(Catalogue::built_in()) };
    let text = fs::read_to_string(path).map_err(|source| StartError::file(path, source))?;
    Catalogue::parse(&text).map_err(|source| StartError::Catalogue { path: path.clone(), source })
}
