//! Consistency checks: the settings that all servers on the same database must share (§13).
//!
//! The first server of a deployment stores them in the table `deployment_facts`; each later server
//! compares its own with them at its start. They never change afterwards.

use std::path::PathBuf;

use challenge_service::{Secrets, VerificationSecret};
use db::{Database, RecordDeploymentSetting};
use domain::secret_key::SecretKey;
use domain::{ClockAndRng, Environment};

use super::data_directory::DataDirectory;
use super::start_error::StartError;
use crate::config::Config;

/// The name of the setting that stores the environment.
pub(crate) const ENVIRONMENT: &str = "environment";

/// Checks that the database belongs to this environment. Otherwise a forgotten option could put a
/// sandbox's simulator in front of real tests.
pub(super) async fn check_environment(
    database: &Database,
    environment: Environment,
) -> Result<(), StartError> {
    let write = RecordDeploymentSetting { name: ENVIRONMENT, value: environment.to_string() };
    let stored = database.record_deployment_setting(write).await?;
    if stored == environment.as_str() {
        return Ok(());
    }
    Err(StartError::OtherEnvironment {
        database: database.name().to_owned(),
        stored,
        configured: environment,
    })
}

/// A secret that all servers of a deployment share. The database stores only its fingerprint.
pub(crate) struct SharedSecret {
    /// The file in the data directory.
    pub(crate) file: &'static str,
    /// The name of the setting that stores the fingerprint.
    pub(crate) setting: &'static str,
}

/// The secret key of the challenge service.
pub(crate) const SECRET_KEY: SharedSecret =
    SharedSecret { file: "secret-key", setting: "secret_key" };

/// The secret with which verifiers sign their events.
pub(crate) const VERIFICATION_SECRET: SharedSecret =
    SharedSecret { file: "verification-secret", setting: "verification_secret" };

/// Loads the challenge service's secrets, from the options or from the data directory, and checks
/// that they are the deployment's. Only the first server of a deployment generates missing ones.
pub(super) async fn load_secrets(
    config: &Config,
    directory: &DataDirectory,
    database: &Database,
    clock_and_rng: &ClockAndRng,
) -> Result<Secrets, StartError> {
    let key = match &config.secret_key {
        Some(key) => key.clone(),
        None => SECRET_KEY.load(directory, database, clock_and_rng).await?,
    };
    SECRET_KEY.check(&key, database).await?;
    let verification = match &config.verification_secret {
        // It is not checked, because operators rotate it, one server after the other.
        Some(secret) => secret.clone(),
        None => {
            let secret = VERIFICATION_SECRET.load(directory, database, clock_and_rng).await?;
            VERIFICATION_SECRET.check(&secret, database).await?;
            secret.to_hex()
        }
    };
    Ok(Secrets::new(&key, VerificationSecret(verification)))
}

impl SharedSecret {
    /// An HMAC that identifies the secret and reveals nothing about it.
    pub(crate) fn fingerprint(&self, secret: &SecretKey) -> String {
        hex::encode(secret.derive("agreement").tag(self.setting.as_bytes()))
    }

    async fn load(
        &self,
        directory: &DataDirectory,
        database: &Database,
        clock_and_rng: &ClockAndRng,
    ) -> Result<SecretKey, StartError> {
        let is_first = database.deployment_setting(self.setting).await?.is_none();
        let randomness = is_first.then(|| clock_and_rng.randomness());
        let missing = |path: PathBuf| StartError::MissingSecret {
            path,
            database: database.name().to_owned(),
        };
        directory
            .secret(self.file, randomness)?
            .ok_or_else(|| missing(directory.path_of(self.file)))
    }

    async fn check(&self, secret: &SecretKey, database: &Database) -> Result<(), StartError> {
        let fingerprint = self.fingerprint(secret);
        let write = RecordDeploymentSetting { name: self.setting, value: fingerprint.clone() };
        if database.record_deployment_setting(write).await? == fingerprint {
            return Ok(());
        }
        Err(StartError::OtherSecret { name: self.file, database: database.name().to_owned() })
    }
}
