//! Whether a server with this configuration could do its work here, without doing any of it (§13).
//!
//! Nothing is made or changed and nobody is held up, so this can be asked before a server starts
//! and while one runs. Each file is a thing that is looked at. Looking is bounded in time; what
//! cannot be looked at in time has failed.

mod address;
mod agreed;
mod capacity;
mod challenge_service;
mod clock;
mod configuration;
mod databases;
mod files;
mod finding;

use std::path::Path;
use std::time::Duration;

use domain::Clock;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use self::databases::Databases;
pub use self::finding::{Finding, Verdict};
use crate::config::Config;

/// How long any of the checks may take. They run side by side, and those that build on others take
/// no time of their own.
const LIMIT: Duration = Duration::from_secs(5);

/// Looks at everything that a server with this configuration needs, whether or not one runs (§13).
/// If `config_file` is given, it holds secrets.
///
/// To be called in a process that does not itself serve: on SQLite, looking would take that
/// server's locks away.
pub async fn examine(
    config: &Config,
    config_file: Option<&Path>,
    clock: &dyn Clock,
) -> Vec<Finding> {
    let config_file = config_file.map(Path::to_owned);
    let (configuration, address, files, capacity, databases, challenge_service) = tokio::join!(
        in_time(configuration::CHECK, config, configuration::look),
        in_time(address::CHECK, config, address::look),
        in_time(files::FOLDER, config, move |config| files::look(config, config_file.as_deref())),
        in_time(capacity::DISK, config, capacity::look),
        Databases::look(config, clock),
        challenge_service::look(config),
    );
    let known = databases.known_secrets();
    let secrets =
        in_time(agreed::SECRETS, config, move |config| agreed::secrets(config, &known)).await;
    [
        configuration,
        address,
        files,
        capacity,
        databases.findings(),
        vec![clock::judge(clock.now(), &databases)],
        agreed::environment(config, &databases),
        secrets,
        vec![challenge_service],
    ]
    .concat()
}

/// What a look finds that may wait for the operating system.
async fn in_time(
    check: &'static str,
    config: &Config,
    look: impl FnOnce(&Config) -> Vec<Finding> + Send + 'static,
) -> Vec<Finding> {
    let config = config.clone();
    let failed = |text: String| {
        let mend = "look for a disk or a network file system that does not answer";
        vec![Finding::failed(check, text, mend)]
    };
    match timeout(LIMIT, spawn_blocking(move || look(&config))).await {
        Ok(Ok(findings)) => findings,
        Ok(Err(error)) => failed(format!("could not be looked at: {error}")),
        Err(_elapsed) => {
            failed(format!("could not be looked at within {} seconds", LIMIT.as_secs()))
        }
    }
}
