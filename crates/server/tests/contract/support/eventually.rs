//! Waiting for what happens without a test asking for it.

use std::time::Duration;

/// How long a test waits for what must happen.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(20);

/// Waits until the condition holds.
///
/// # Panics
/// If it does not hold within [`TIMEOUT`].
pub(crate) async fn eventually(what: &str, condition: impl AsyncFn() -> bool) {
    let holds = async {
        while !condition().await {
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(TIMEOUT, holds).await;
    assert!(waited.is_ok(), "not within {TIMEOUT:?}: {what}");
}
