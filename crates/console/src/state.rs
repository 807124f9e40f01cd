//! The state that all pages of the console share.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use domain::{ClockAndRng, Environment};
use http_support::public_url::PublicUrl;
use http_support::rate_limit::StrangerLimit;
use store_workspace::WorkspaceStore;

/// Attempts to sign in from one address: so many at once, and one every six seconds after that.
const SIGN_IN_BURST: NonZeroU32 = NonZeroU32::MIN.saturating_add(19);
const SIGN_IN_INTERVAL: Duration = Duration::from_secs(6);

/// The state of the console's pages. Clones share it.
#[derive(Clone)]
pub struct Console {
    pub(crate) parts: Arc<Parts>,
    pub(crate) sign_ins: StrangerLimit<IpAddr>,
}

/// The dependencies of the console.
pub struct Parts {
    /// The Workspace API of this process, which does all that the pages do.
    pub api: Router,
    /// The store of sessions.
    pub store: WorkspaceStore,
    /// Time and randomness.
    pub clock_and_rng: ClockAndRng,
    /// Sandbox or production: it decides which keys can sign in.
    pub environment: Environment,
    /// The URL at which people reach this deployment.
    pub public_url: PublicUrl,
}

impl Console {
    /// The state for [`crate::console_routes`].
    pub fn new(parts: Parts) -> Self {
        let clock = parts.clock_and_rng.clock();
        let sign_ins = StrangerLimit::new(SIGN_IN_INTERVAL, SIGN_IN_BURST, clock);
        Self { parts: Arc::new(parts), sign_ins }
    }
}
