//! The timeout of the checks.

use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::finding::Finding;
use crate::config::Config;

/// The timeout of each check. The checks run concurrently; those that depend on others are quick.
pub(super) const LIMIT: Duration = Duration::from_secs(5);

/// Runs a check that may block, on a separate thread.
pub(super) async fn blocking(
    check: &'static str,
    config: &Config,
    run: impl FnOnce(&Config) -> Vec<Finding> + Send + 'static,
) -> Vec<Finding> {
    let config = config.clone();
    let failed = |text: String| {
        let fix = "look for a disk or a network file system that does not answer";
        vec![Finding::failed(check, text, fix)]
    };
    match timeout(LIMIT, spawn_blocking(move || run(&config))).await {
        Ok(Ok(findings)) => findings,
        Ok(Err(error)) => failed(format!("could not be looked at: {error}")),
        Err(_elapsed) => {
            failed(format!("could not be looked at within {} seconds", LIMIT.as_secs()))
        }
    }
}
