//! What all servers on the same database have to agree on, before one of them serves (§13).
//!
//! Nothing of this is looked at again later: it holds for the life of a deployment.

use std::path::PathBuf;

use challenge_service::{Secrets, VerificationSecret};
use db::{Database, RecordDeploymentSetting};
use domain::secret_key::SecretKey;
use domain::{ClockAndRng, Environment};

use super::StartError;
use super::data_directory::DataDirectory;
use crate::config::Config;

/// What the kind of deployment is called in the database.
pub(crate) const ENVIRONMENT: &str = "environment";

/// Makes sure that a database is only ever used for one kind of deployment: a sandbox's simulator
/// must never stand in front of real tests because an option was forgotten.
pub(super) async fn on_environment(
    database: &Database,
    environment: Environment,
) -> Result<(), StartError> {
    let write = RecordDeploymentSetting { name: ENVIRONMENT, value: environment.to_string() };
    let kept = database.record_deployment_setting(write).await?;
    if kept == environment.as_str() {
        return Ok(());
    }
    Err(StartError::OtherEnvironment {
        database: database.name().to_owned(),
        kept,
        asked: environment,
    })
}

/// A secret that all servers of a deployment share. The database holds only what tells it from
/// another one.
pub(crate) struct Shared {
    /// The file in the data directory.
    pub(crate) file: &'static str,
    /// What it is called in the database.
    pub(crate) fact: &'static str,
}

pub(crate) const SECRET_KEY: Shared = Shared { file: "secret-key", fact: "secret_key" };
pub(crate) const VERIFICATION_SECRET: Shared =
    Shared { file: "verification-secret", fact: "verification_secret" };

/// The challenge service's secrets: what the operator has given, and for the rest what is kept in
/// the data directory. Only the first server of a deployment makes new ones.
pub(super) async fn on_secrets(
    config: &Config,
    directory: &DataDirectory,
    database: &Database,
    clock_and_rng: &ClockAndRng,
) -> Result<Secrets, StartError> {
    let key = match &config.secret_key {
        Some(key) => key.clone(),
        None => SECRET_KEY.kept(directory, database, clock_and_rng).await?,
    };
    SECRET_KEY.agree(&key, database).await?;
    let verification = match &config.verification_secret {
        // Operators change it, one server after the other.
        Some(secret) => secret.clone(),
        None => {
            let secret = VERIFICATION_SECRET.kept(directory, database, clock_and_rng).await?;
            VERIFICATION_SECRET.agree(&secret, database).await?;
            secret.to_hex()
        }
    };
    Ok(Secrets::new(&key, VerificationSecret(verification)))
}

impl Shared {
    /// What the database holds of this secret: it tells it from another one, and gives nothing of
    /// it away.
    pub(crate) fn sign(&self, secret: &SecretKey) -> String {
        hex::encode(secret.derive("agreement").tag(self.fact.as_bytes()))
    }

    async fn kept(
        &self,
        directory: &DataDirectory,
        database: &Database,
        clock_and_rng: &ClockAndRng,
    ) -> Result<SecretKey, StartError> {
        let is_first = database.deployment_setting(self.fact).await?.is_none();
        let randomness = is_first.then(|| clock_and_rng.randomness());
        let missing = |path: PathBuf| StartError::MissingSecret {
            path,
            database: database.name().to_owned(),
        };
        directory
            .secret(self.file, randomness)?
            .ok_or_else(|| missing(directory.path_of(self.file)))
    }

    async fn agree(&self, secret: &SecretKey, database: &Database) -> Result<(), StartError> {
        let sign = self.sign(secret);
        let write = RecordDeploymentSetting { name: self.fact, value: sign.clone() };
        if database.record_deployment_setting(write).await? == sign {
            return Ok(());
        }
        Err(StartError::OtherSecret { name: self.file, database: database.name().to_owned() })
    }
}
