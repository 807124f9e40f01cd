//! Checks whether a server with this configuration can run here (§13).
//!
//! The checks change nothing and block no server, so they can run before a server starts and while
//! one runs. Each file contains one or two checks. Every check has a timeout, and fails if it is
//! exceeded.

mod address;
mod capacity;
mod challenge_service;
mod clock;
mod configuration;
mod consistency;
mod databases;
mod files;
mod finding;
mod limit;
mod tls;
mod verifiers;

use std::path::Path;

use domain::Clock;

use self::databases::Databases;
pub use self::finding::{CheckStatus, Finding};
use self::limit::blocking;
pub use self::verifiers::{ConfiguredVerifier, check_verifiers, configured_verifiers};
use crate::config::Config;

/// Runs all checks (§13). `config_file` is the configuration file, if it contains secrets.
///
/// This must not be called in a process with a running server: on SQLite, closing the inspected
/// files would release that server's locks.
pub async fn examine(
    config: &Config,
    config_file: Option<&Path>,
    clock: &dyn Clock,
) -> Vec<Finding> {
    let config_file = config_file.map(Path::to_owned);
    let now = clock.now();
    let (configuration, address, tls, files, capacity, databases, challenge_service, verifiers) = tokio::join!(
        blocking(configuration::CHECK, config, configuration::check),
        blocking(address::CHECK, config, address::check),
        blocking(tls::CHECK, config, move |config| tls::check(config, now)),
        blocking(files::FOLDER, config, move |config| files::check(config, config_file.as_deref())),
        blocking(capacity::DISK, config, capacity::check),
        Databases::inspect(config, clock),
        challenge_service::check(config),
        verifiers::check_verifiers(config),
    );
    let stored = databases.stored_secrets();
    let secrets =
        blocking(consistency::SECRETS, config, move |config| consistency::secrets(config, &stored))
            .await;
    [
        configuration,
        address,
        tls,
        files,
        capacity,
        databases.findings(),
        vec![clock::check(clock.now(), &databases)],
        consistency::environment(config, &databases),
        secrets,
        vec![challenge_service],
        verifiers,
    ]
    .concat()
}
