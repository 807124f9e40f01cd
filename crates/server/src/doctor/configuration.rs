//! The check `configuration`: the options are consistent, and the catalogue is valid.

use domain::Environment;

use super::finding::Finding;
use crate::config::{Config, Role};
use crate::lifecycle::{check_options, read_catalogue};

pub(super) const CHECK: &str = "configuration";

pub(super) fn check(config: &Config) -> Vec<Finding> {
    vec![finding(config)]
}

fn finding(config: &Config) -> Finding {
    let Config { environment, roles, public_url, catalogue, .. } = config;
    if let Err(error) = check_options(config) {
        return Finding::failed(
            CHECK,
            error.to_string(),
            "change these options; `fieldtest serve --help` explains them",
        );
    }
    if let Err(error) = read_catalogue(config) {
        let fix =
            "correct the file, or leave out --catalogue to have the catalogue inside the program";
        return Finding::failed(CHECK, error.to_string(), fix);
    }
    let url = public_url.clone().unwrap_or_else(|| config.url_at(config.listen));
    let is_public = url.starts_with("https://");
    if *environment == Environment::Production && roles.has(Role::ChallengeService) && !is_public {
        return Finding::warning(
            CHECK,
            "this is production, and testers are not said to reach it by https",
            "give the https:// URL of the proxy with --public-url, or a certificate with --tls-cert",
        );
    }
    let own = catalogue
        .as_ref()
        .map(|path| format!(", catalogue {}", path.display()))
        .unwrap_or_default();
    Finding::good(CHECK, format!("{environment}, roles {roles}{own}"))
}
