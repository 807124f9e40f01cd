//! What all servers of a deployment must agree on: the environment and the secrets.

use std::collections::BTreeMap;

use domain::secret_key::SecretKey;

use super::Finding;
use super::databases::Databases;
use crate::config::Config;
use crate::lifecycle::StartError;
use crate::lifecycle::consistency::{ENVIRONMENT, SECRET_KEY, Shared, VERIFICATION_SECRET};
use crate::lifecycle::data_directory::DataDirectory;

const ENVIRONMENT_CHECK: &str = "environment";
pub(super) const SECRETS: &str = "secrets";

/// What the challenge service's database says about its secrets.
pub(super) enum Known {
    /// There is no challenge service in this process.
    NotNeeded,
    /// It cannot be asked.
    Nothing { database: String },
    /// What it says: nothing about secrets that no server has had yet.
    Facts { database: String, facts: BTreeMap<String, String> },
}

/// Whether the databases are those of such a deployment.
pub(super) fn environment(config: &Config, databases: &Databases) -> Vec<Finding> {
    let asked = config.environment.as_str();
    let mut is_settled = false;
    for (name, tables) in databases.open() {
        let Some(kept) = tables.settings.get(ENVIRONMENT) else { continue };
        if kept != asked {
            let text =
                format!("{name} belongs to a {kept} deployment, and this one is to be {asked}");
            let mend =
                format!("say --environment {kept}, or name another --data-dir or --database-url");
            return vec![Finding::failed(ENVIRONMENT_CHECK, text, mend)];
        }
        is_settled = true;
    }
    let why = match (is_settled, databases.are_known()) {
        (true, _) => "as the deployment was begun with",
        (false, true) => "which the first start settles",
        (false, false) => "which cannot be compared while a database cannot be read",
    };
    vec![Finding::good(ENVIRONMENT_CHECK, format!("{asked}, {why}"))]
}

/// Whether the secrets are there and are the deployment's.
pub(super) fn secrets(config: &Config, known: &Known) -> Vec<Finding> {
    let (database, facts) = match known {
        Known::NotNeeded => return vec![Finding::good(SECRETS, "not needed for these roles")],
        Known::Nothing { database } => (database, None),
        Known::Facts { database, facts } => (database, Some(facts)),
    };
    let directory = DataDirectory::unheld(&config.data_dir);
    let key = config.secret_key.clone();
    let mut findings = Vec::new();
    let mut notes = vec![note(&directory, database, facts, &SECRET_KEY, key)];
    notes.push(match config.verification_secret {
        Some(_) => Ok("verification-secret is given as an option".to_owned()),
        None => note(&directory, database, facts, &VERIFICATION_SECRET, None),
    });
    let mut good = Vec::new();
    for note in notes {
        match note {
            Ok(text) => good.push(text),
            Err(finding) => findings.push(finding),
        }
    }
    if findings.is_empty() {
        findings.push(Finding::good(SECRETS, good.join("; ")));
    }
    findings
}

/// How it is with one secret, if it is good.
fn note(
    directory: &DataDirectory,
    database: &str,
    facts: Option<&BTreeMap<String, String>>,
    shared: &Shared,
    given: Option<SecretKey>,
) -> Result<String, Finding> {
    let name = shared.file;
    let secret = match given {
        Some(secret) => Some(secret),
        None => directory.secret(name, None).map_err(|error| unreadable(&error))?,
    };
    let Some(facts) = facts else {
        let text = format!(
            "{name} cannot be compared with that of the deployment, because {database} cannot be read"
        );
        return Err(Finding::warning(SECRETS, text, "mend the database first"));
    };
    match (secret, facts.get(shared.fact)) {
        (None, None) => Ok(format!("the first start makes {name}")),
        (Some(_), None) => Ok(format!("{name} is there for the first start")),
        (Some(secret), Some(sign)) if shared.sign(&secret) == *sign => {
            Ok(format!("{name} is the deployment's"))
        }
        (Some(_), Some(_)) => Err(Finding::failed(
            SECRETS,
            format!("{name} is not the one with which {database} was begun"),
            format!(
                "give this server the {name} of the others, or that of a backup (docs/operations.md, The secrets)"
            ),
        )),
        (None, Some(_)) => Err(Finding::failed(
            SECRETS,
            format!(
                "{} is missing: {database} was begun with one",
                directory.path_of(name).display()
            ),
            "restore it, copy it from a server that runs, or give it as an option (docs/operations.md, The secrets)",
        )),
    }
}

fn unreadable(error: &StartError) -> Finding {
    let mend = match error {
        StartError::File { .. } => {
            "run this as the account that the server runs as; the file must be its own"
        }
        _ => "restore it from a backup, or copy it from a server that runs",
    };
    Finding::failed(SECRETS, error.to_string(), mend)
}
