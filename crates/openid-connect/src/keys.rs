//! The provider's keys, fetched anew when one is unknown.

use std::sync::Arc;
use std::time::Duration;

use domain::ClockAndRng;
use reqwest::{Client, Url};
use tokio::sync::Mutex;

use crate::jose::jwk::KeySet;
use crate::jose::jws::Unverified;
use crate::{Failure, http};

/// How long keys are used: a key that the provider has withdrawn must stop being good.
const LIFETIME: Duration = Duration::from_secs(60 * 60);

/// The least time between two fetches for unknown keys: tokens with invented key ids must not make us
/// fetch more. A fetch because there were no keys, or old ones, does not count: a provider may replace
/// its key a moment later.
const LEAST_PAUSE: Duration = Duration::from_secs(30);

/// How long after a failed first fetch nobody asks again.
const PAUSE_AFTER_A_FAILURE: Duration = Duration::from_secs(5);

/// The cached keys.
#[derive(Default)]
pub(crate) struct Keys(Mutex<Cached>);

#[derive(Default)]
struct Cached {
    keys: Option<(Arc<KeySet>, Duration)>,
    failure: Option<(Failure, Duration)>,
    last_fetch_for_unknown_key: Option<Duration>,
}

impl Keys {
    /// The keys for checking a token: those of the cache if one of them has signed it. A provider may
    /// replace a key under the name of the old one, or name none.
    pub(crate) async fn for_token(
        &self,
        client: &Client,
        url: &Url,
        clock: &ClockAndRng,
        token: &Unverified<'_>,
    ) -> Result<Arc<KeySet>, Failure> {
        let mut cached = self.0.lock().await;
        let now = clock.elapsed();
        let is_younger = |since: Duration, than| now.saturating_sub(since) < than;
        let mut is_for_unknown_key = false;
        if let Some((keys, since)) = &cached.keys {
            let last = cached.last_fetch_for_unknown_key;
            let may_fetch = !last.is_some_and(|at| is_younger(at, LEAST_PAUSE));
            let is_fresh = is_younger(*since, LIFETIME);
            if is_fresh && (token.verify(keys).is_ok() || !may_fetch) {
                return Ok(Arc::clone(keys));
            }
            is_for_unknown_key = is_fresh;
        }
        if let Some((failure, at)) = &cached.failure
            && is_younger(*at, PAUSE_AFTER_A_FAILURE)
        {
            return Err(failure.clone());
        }
        if is_for_unknown_key {
            cached.last_fetch_for_unknown_key = Some(now);
        }
        match fetch(client, url).await {
            Ok(keys) => {
                let keys = Arc::new(keys);
                cached.keys = Some((Arc::clone(&keys), now));
                cached.failure = None;
                Ok(keys)
            }
            Err(failure) => {
                // After the fetch: whoever waited for it must not wait for one more.
                cached.failure = Some((failure.clone(), clock.elapsed()));
                Err(failure)
            }
        }
    }
}

/// Fetches a key set.
pub(crate) async fn fetch(client: &Client, url: &Url) -> Result<KeySet, Failure> {
    let answer = http::send(client.get(url.clone()), "the key set").await?;
    if !answer.is_success {
        return Err(answer.failure("the key set"));
    }
    Ok(KeySet::from_json(&answer.body)?)
}
