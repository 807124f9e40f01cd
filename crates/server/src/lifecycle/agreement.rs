//! What all servers on the same database have to agree on, before one of them serves (§13).
//!
//! Nothing of this is looked at again later: it holds for the life of a deployment.

use std::path::PathBuf;

use domain::Environment;
use domain::secret_key::SecretKey;
use store::connect::ConnectStore;
use store::tpas::TpasStore;
use store::{AgreeOnFact, Location};

use super::StartError;
use super::data_directory::DataDirectory;
use crate::World;
use crate::config::Config;
use crate::tpas::{Secrets, VerificationSecret};

const ENVIRONMENT: &str = "environment";

/// Makes sure that the databases are only ever used for one kind of deployment: a sandbox's simulator must never stand in front
/// of real tests because an option was forgotten.
pub(super) async fn on_environment(
    config: &Config,
    connect: Option<&ConnectStore>,
    tpas: Option<&TpasStore>,
) -> Result<(), StartError> {
    let unit = || AgreeOnFact { name: ENVIRONMENT, value: config.environment.to_string() };
    if let Some(store) = connect {
        same_environment(store.agree(unit()).await?, config.environment, || {
            ConnectStore::describe(&config.connect_location())
        })?;
    }
    if let Some(store) = tpas {
        same_environment(store.agree(unit()).await?, config.environment, || {
            TpasStore::describe(&config.tpas_location())
        })?;
    }
    Ok(())
}

fn same_environment(kept: String, asked: Environment, database: impl FnOnce() -> String) -> Result<(), StartError> {
    if kept == asked.as_str() {
        Ok(())
    } else {
        Err(StartError::OtherEnvironment { database: database(), kept, asked })
    }
}

/// A secret that all servers of a deployment share. The database holds only what tells it from another one.
struct Shared {
    /// The file in the data directory.
    file: &'static str,
    /// What it is called in the database.
    fact: &'static str,
}

const SECRET_KEY: Shared = Shared { file: "secret-key", fact: "secret_key" };
const VERIFICATION_SECRET: Shared = Shared { file: "verification-secret", fact: "verification_secret" };

/// The challenge service's secrets: what the operator has given, and for the rest what is kept in the data directory. Only the
/// first server of a deployment makes new ones.
pub(super) async fn on_secrets(
    config: &Config,
    directory: &DataDirectory,
    store: &TpasStore,
    world: &World,
) -> Result<Secrets, StartError> {
    let location = config.tpas_location();
    let key = match &config.secret_key {
        Some(key) => key.clone(),
        None => SECRET_KEY.kept(directory, store, &location, world).await?,
    };
    SECRET_KEY.agree(&key, store, &location).await?;
    let verification = match &config.verification_secret {
        // Operators change it, one server after the other.
        Some(secret) => secret.clone(),
        None => {
            let secret = VERIFICATION_SECRET.kept(directory, store, &location, world).await?;
            VERIFICATION_SECRET.agree(&secret, store, &location).await?;
            secret.to_hex()
        }
    };
    Ok(Secrets::new(&key, VerificationSecret(verification)))
}

impl Shared {
    async fn kept(
        &self,
        directory: &DataDirectory,
        store: &TpasStore,
        location: &Location,
        world: &World,
    ) -> Result<SecretKey, StartError> {
        let is_first = store.fact(self.fact).await?.is_none();
        let randomness = is_first.then(|| world.randomness());
        let missing = |path: PathBuf| StartError::MissingSecret { path, database: TpasStore::describe(location) };
        directory.secret(self.file, randomness)?.ok_or_else(|| missing(directory.path_of(self.file)))
    }

    async fn agree(&self, secret: &SecretKey, store: &TpasStore, location: &Location) -> Result<(), StartError> {
        let sign = hex::encode(secret.derive("agreement").tag(self.fact.as_bytes()));
        let unit = AgreeOnFact { name: self.fact, value: sign.clone() };
        if store.agree(unit).await? == sign {
            return Ok(());
        }
        Err(StartError::OtherSecret { name: self.file, database: TpasStore::describe(location) })
    }
}
