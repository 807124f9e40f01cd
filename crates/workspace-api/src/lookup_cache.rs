//! The cache of API keys and apps (§2).
//!
//! Successive requests use the same key and the same app, so both are cached for a second. A cached
//! value may admit a request but never refuses one: before a refusal, the handler reads the
//! database. A change in this process evicts the value at once. The only visible effect is that a
//! key or an app that another process removed is accepted for one more second.

use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use db::StoreError;
use domain::api_key::{ApiKey, SecretHash};
use domain::app::App;
use domain::{ClientId, ClockAndRng, Timestamp, WorkspaceId};
use quick_cache::sync::Cache;
use store_workspace::WorkspaceStore;

/// How long a value is valid. §2 allows five seconds.
const TIME_TO_LIVE: Duration = Duration::from_secs(1);

/// How many values of each type are cached.
const CAPACITY: usize = 10_000;

/// Recently read API keys and apps. Clones share them.
#[derive(Clone, Default)]
pub struct LookupCache {
    keys: RecentReads<SecretHash, ApiKey>,
    apps: RecentReads<(WorkspaceId, ClientId), App>,
}

impl LookupCache {
    /// The key with this secret, if it is valid.
    pub(crate) async fn key(
        &self,
        store: &WorkspaceStore,
        clock_and_rng: &ClockAndRng,
        hash: SecretHash,
    ) -> Result<Option<Arc<ApiKey>>, StoreError> {
        let (elapsed, now) = (clock_and_rng.elapsed(), clock_and_rng.now());
        let is_valid = |key: &Arc<ApiKey>, at: Timestamp| key.is_valid_at(at);
        if let Some(key) = self.keys.get(&hash, elapsed).filter(|key| is_valid(key, now)) {
            return Ok(Some(key));
        }
        let found = store.api_key(hash).await?.map(Arc::new).filter(|key| is_valid(key, now));
        if let Some(key) = &found {
            self.keys.put(hash, elapsed, Arc::clone(key));
        }
        Ok(found)
    }

    /// The app as it was at most a second ago, if there is such an app.
    pub(crate) async fn app(
        &self,
        store: &WorkspaceStore,
        clock_and_rng: &ClockAndRng,
        id: (WorkspaceId, ClientId),
    ) -> Result<Option<Arc<App>>, StoreError> {
        let elapsed = clock_and_rng.elapsed();
        if let Some(app) = self.apps.get(&id, elapsed) {
            return Ok(Some(app));
        }
        let found = store.app(&id.0, &id.1).await?.map(Arc::new);
        if let Some(app) = &found {
            self.apps.put(id, elapsed, Arc::clone(app));
        }
        Ok(found)
    }

    /// Removes an app.
    pub(crate) fn remove_app(&self, id: &(WorkspaceId, ClientId)) {
        self.apps.remove(id);
    }
}

/// Values with the time at which their read began.
struct RecentReads<K, V>(Arc<Cache<K, (Duration, Arc<V>)>>);

impl<K, V> Clone for RecentReads<K, V> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K: Eq + Hash, V> Default for RecentReads<K, V> {
    fn default() -> Self {
        Self(Arc::new(Cache::new(CAPACITY)))
    }
}

impl<K: Eq + Hash, V> RecentReads<K, V> {
    fn get(&self, key: &K, now: Duration) -> Option<Arc<V>> {
        let (read_at, value) = self.0.get(key)?;
        (now.saturating_sub(read_at) < TIME_TO_LIVE).then_some(value)
    }

    fn put(&self, key: K, read_at: Duration, value: Arc<V>) {
        self.0.insert(key, (read_at, value));
    }

    fn remove(&self, key: &K) {
        self.0.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_valid_for_a_second_from_the_start_of_its_read() {
        let reads = RecentReads::default();
        reads.put("key", Duration::from_secs(5), Arc::new(7));
        assert_eq!(reads.get(&"key", Duration::from_millis(5999)).as_deref(), Some(&7));
        assert_eq!(reads.get(&"key", Duration::from_millis(6000)), None);
        assert_eq!(reads.get(&"other", Duration::from_secs(5)), None);
    }

    #[test]
    fn the_cache_does_not_grow_beyond_its_capacity() {
        let reads = RecentReads::default();
        for number in 0..CAPACITY * 3 {
            reads.put(number, Duration::ZERO, Arc::new(()));
        }
        assert!(reads.0.len() <= CAPACITY);
    }
}
