//! The checks `environment` and `secrets`: they must be the same on all servers of a deployment, so
//! they are compared with the databases.

use std::collections::BTreeMap;

use domain::secret_key::SecretKey;

use super::databases::{Databases, StoredSecrets};
use super::finding::Finding;
use crate::config::Config;
use crate::lifecycle::StartError;
use crate::lifecycle::consistency::{ENVIRONMENT, SECRET_KEY, SharedSecret, VERIFICATION_SECRET};
use crate::lifecycle::data_directory::DataDirectory;

const ENVIRONMENT_CHECK: &str = "environment";
pub(super) const SECRETS: &str = "secrets";

/// Checks that the databases belong to a deployment with this environment.
pub(super) fn environment(config: &Config, databases: &Databases) -> Vec<Finding> {
    let configured = config.environment.as_str();
    let mut is_settled = false;
    for (name, tables) in databases.open() {
        let Some(stored) = tables.settings.get(ENVIRONMENT) else { continue };
        if stored != configured {
            let text = format!(
                "{name} belongs to a {stored} deployment, and this one is to be {configured}"
            );
            let fix =
                format!("say --environment {stored}, or name another --data-dir or --database-url");
            return vec![Finding::failed(ENVIRONMENT_CHECK, text, fix)];
        }
        is_settled = true;
    }
    let why = match (is_settled, databases.are_readable()) {
        (true, _) => "as the deployment was begun with",
        (false, true) => "which the first start settles",
        (false, false) => "which cannot be compared while a database cannot be read",
    };
    vec![Finding::good(ENVIRONMENT_CHECK, format!("{configured}, {why}"))]
}

/// Checks that the secrets exist and are the deployment's.
pub(super) fn secrets(config: &Config, stored: &StoredSecrets) -> Vec<Finding> {
    let (database, settings) = match stored {
        StoredSecrets::NotNeeded => {
            return vec![Finding::good(SECRETS, "not needed for these roles")];
        }
        StoredSecrets::Unreadable { database } => (database, None),
        StoredSecrets::Readable { database, settings } => (database, Some(settings)),
    };
    let directory = DataDirectory::unlocked(&config.data_dir);
    let key = config.secret_key.clone();
    let results = [
        check(&directory, database, settings, &SECRET_KEY, key),
        match config.verification_secret {
            Some(_) => Ok("verification-secret is given as an option".to_owned()),
            None => check(&directory, database, settings, &VERIFICATION_SECRET, None),
        },
    ];
    let (mut good, mut findings) = (Vec::new(), Vec::new());
    for result in results {
        match result {
            Ok(text) => good.push(text),
            Err(finding) => findings.push(finding),
        }
    }
    if findings.is_empty() {
        findings.push(Finding::good(SECRETS, good.join("; ")));
    }
    findings
}

/// Checks one secret. The result is a text if it is good, and a finding if it is not.
fn check(
    directory: &DataDirectory,
    database: &str,
    settings: Option<&BTreeMap<String, String>>,
    shared: &SharedSecret,
    configured: Option<SecretKey>,
) -> Result<String, Finding> {
    let name = shared.file;
    let secret = match configured {
        Some(secret) => Some(secret),
        None => directory.secret(name, None).map_err(|error| unreadable(&error))?,
    };
    let Some(settings) = settings else {
        let text = format!(
            "{name} cannot be compared with that of the deployment, because {database} cannot be \
             read"
        );
        return Err(Finding::warning(SECRETS, text, "fix the database first"));
    };
    match (secret, settings.get(shared.setting)) {
        (None, None) => Ok(format!("the first start makes {name}")),
        (Some(_), None) => Ok(format!("{name} is there for the first start")),
        (Some(secret), Some(stored)) if shared.fingerprint(&secret) == *stored => {
            Ok(format!("{name} is the deployment's"))
        }
        (Some(_), Some(_)) => Err(Finding::failed(
            SECRETS,
            format!("{name} is not the one with which {database} was begun"),
            format!(
                "give this server the {name} of the others, or that of a backup \
                 (docs/operations.md, The secrets)"
            ),
        )),
        (None, Some(_)) => Err(Finding::failed(
            SECRETS,
            format!(
                "{} is missing: {database} was begun with one",
                directory.path_of(name).display()
            ),
            "restore it, copy it from a server that runs, or give it as an option \
             (docs/operations.md, The secrets)",
        )),
    }
}

fn unreadable(error: &StartError) -> Finding {
    let fix = match error {
        StartError::File { .. } => {
            "run this as the account that the server runs as; the file must be its own"
        }
        _ => "restore it from a backup, or copy it from a server that runs",
    };
    Finding::failed(SECRETS, error.to_string(), fix)
}
