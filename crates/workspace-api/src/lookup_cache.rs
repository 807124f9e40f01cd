//! The cache of API keys and apps (§2).
//!
//! Successive requests use the same key and the same app, so both are cached for a second. A cached
//! value may admit a request but never refuses one: before a refusal, the handler reads the
//! database. A change in this process evicts the value at once. The only visible effect is that a
//! key or an app that another process removed is accepted for one more second.

use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
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
        let read = self.keys.begin(&hash, elapsed);
        let found = store.api_key(hash).await?.map(Arc::new).filter(|key| is_valid(key, now));
        if let Some(key) = &found {
            self.keys.put(hash, read, Arc::clone(key));
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
        let read = self.apps.begin(&id, elapsed);
        let found = store.app(&id.0, &id.1).await?.map(Arc::new);
        if let Some(app) = &found {
            self.apps.put(id, read, Arc::clone(app));
        }
        Ok(found)
    }

    /// Removes all keys, because one was revoked.
    pub(crate) fn remove_keys(&self) {
        self.keys.clear();
    }

    /// Removes an app.
    pub(crate) fn remove_app(&self, id: &(WorkspaceId, ClientId)) {
        self.apps.remove(id);
    }
}

/// How many counters of evictions there are. An eviction makes the values that share its counter be
/// read again, so one workspace's changes hardly cost the others a read.
const COUNTERS: usize = 256;

/// Values with the read that found them.
struct RecentReads<K, V>(Arc<Shared<K, V>>);

struct Shared<K, V> {
    values: Cache<K, (ReadStart, Arc<V>)>,
    /// How often a value was evicted, for each remainder of the keys' hashes.
    evictions: [AtomicU64; COUNTERS],
    hashing: RandomState,
}

/// When a read began: the time, and the evictions until then. A value that was read before an
/// eviction may be the one that was to be evicted, so it is not valid after it, even if it arrives
/// later.
#[derive(Clone, Copy)]
struct ReadStart {
    at: Duration,
    evictions: u64,
}

impl<K, V> Clone for RecentReads<K, V> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K: Eq + Hash, V> Default for RecentReads<K, V> {
    fn default() -> Self {
        Self(Arc::new(Shared {
            values: Cache::new(CAPACITY),
            evictions: [const { AtomicU64::new(0) }; COUNTERS],
            hashing: RandomState::new(),
        }))
    }
}

impl<K: Eq + Hash, V> RecentReads<K, V> {
    fn get(&self, key: &K, now: Duration) -> Option<Arc<V>> {
        let (read, value) = self.0.values.get(key)?;
        let is_recent = now.saturating_sub(read.at) < TIME_TO_LIVE;
        (is_recent && read.evictions == self.evictions(key)).then_some(value)
    }

    /// The start of a read of this key.
    fn begin(&self, key: &K, at: Duration) -> ReadStart {
        ReadStart { at, evictions: self.evictions(key) }
    }

    fn put(&self, key: K, read: ReadStart, value: Arc<V>) {
        self.0.values.insert(key, (read, value));
    }

    fn remove(&self, key: &K) {
        if let Some(counter) = self.counter(key) {
            counter.fetch_add(1, Ordering::SeqCst);
        }
        self.0.values.remove(key);
    }

    /// Removes all values. A read that has begun before is not cached.
    fn clear(&self) {
        for counter in &self.0.evictions {
            counter.fetch_add(1, Ordering::SeqCst);
        }
        self.0.values.clear();
    }

    fn evictions(&self, key: &K) -> u64 {
        self.counter(key).map_or(0, |counter| counter.load(Ordering::SeqCst))
    }

    fn counter(&self, key: &K) -> Option<&AtomicU64> {
        let remainder = self.0.hashing.hash_one(key) % COUNTERS as u64;
        self.0.evictions.get(usize::try_from(remainder).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_valid_for_a_second_from_the_start_of_its_read() {
        let reads = RecentReads::default();
        reads.put("key", reads.begin(&"key", Duration::from_secs(5)), Arc::new(7));
        assert_eq!(reads.get(&"key", Duration::from_millis(5999)).as_deref(), Some(&7));
        assert_eq!(reads.get(&"key", Duration::from_millis(6000)), None);
        assert_eq!(reads.get(&"other", Duration::from_secs(5)), None);
    }

    #[test]
    fn the_cache_does_not_grow_beyond_its_capacity() {
        let reads = RecentReads::default();
        for number in 0..CAPACITY * 3 {
            reads.put(number, reads.begin(&number, Duration::ZERO), Arc::new(()));
        }
        assert!(reads.0.values.len() <= CAPACITY);
    }

    #[test]
    fn a_value_whose_read_began_before_an_eviction_is_not_cached() {
        let reads = RecentReads::default();
        let before = reads.begin(&"key", Duration::ZERO);
        reads.remove(&"key");
        reads.put("key", before, Arc::new("deleted"));
        assert_eq!(reads.get(&"key", Duration::ZERO), None);
        reads.put("key", reads.begin(&"key", Duration::ZERO), Arc::new("made again"));
        assert_eq!(reads.get(&"key", Duration::ZERO).as_deref(), Some(&"made again"));
    }
}
