//! Keys and apps that were read a moment ago (§2).
//!
//! One request after the other asks for the same key and the same app. So both are remembered for a second. What is remembered
//! may let a request in, but never keeps one out: before it is refused, the database is asked. And what this process changes,
//! it forgets at once. So all that can be seen of this is that a key or an app that was taken away elsewhere is gone a second
//! later.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use domain::api_key::{ApiKey, SecretHash};
use domain::app::App;
use domain::{ClientId, Timestamp, WorkspaceId};
use store::StoreError;
use store::connect::ConnectStore;

use crate::World;

/// How long something is remembered. §2 allows five seconds.
const FRESH: Duration = Duration::from_secs(1);

/// How much is remembered at most: then everything is forgotten, and what is asked for is read again.
const MOST: usize = 10_000;

/// What was read a moment ago. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Known {
    keys: Remembered<SecretHash, ApiKey>,
    apps: Remembered<(WorkspaceId, ClientId), App>,
}

impl Known {
    /// The key with this secret, if it is valid.
    pub(super) async fn key(
        &self,
        store: &ConnectStore,
        world: &World,
        hash: SecretHash,
    ) -> Result<Option<Arc<ApiKey>>, StoreError> {
        let (now, today) = (world.elapsed(), world.now());
        let is_valid = |key: &Arc<ApiKey>, at: Timestamp| key.is_valid_at(at);
        if let Some(key) = self.keys.get(&hash, now).filter(|key| is_valid(key, today)) {
            return Ok(Some(key));
        }
        let found = store.api_key(hash).await?.map(Arc::new).filter(|key| is_valid(key, today));
        if let Some(key) = &found {
            self.keys.put(hash, now, Arc::clone(key));
        }
        Ok(found)
    }

    /// The app as it was at most a second ago, if there is such an app.
    pub(super) async fn app(
        &self,
        store: &ConnectStore,
        world: &World,
        id: (WorkspaceId, ClientId),
    ) -> Result<Option<Arc<App>>, StoreError> {
        let now = world.elapsed();
        if let Some(app) = self.apps.get(&id, now) {
            return Ok(Some(app));
        }
        let found = store.app(&id.0, &id.1).await?.map(Arc::new);
        if let Some(app) = &found {
            self.apps.put(id, now, Arc::clone(app));
        }
        Ok(found)
    }

    /// Forgets an app that is about to be changed or was changed.
    pub(super) fn forget_app(&self, id: &(WorkspaceId, ClientId)) {
        self.apps.forget(id);
    }
}

/// Values with the moment at which they were read.
struct Remembered<K, V>(Arc<RwLock<Entries<K, V>>>);

type Entries<K, V> = HashMap<K, (Duration, Arc<V>)>;

impl<K, V> Clone for Remembered<K, V> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K, V> Default for Remembered<K, V> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Eq + Hash, V> Remembered<K, V> {
    /// The value, unless it is old by `now`.
    fn get(&self, key: &K, now: Duration) -> Option<Arc<V>> {
        // Entries are whole or absent: a poisoned lock hides nothing broken.
        let entries = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let (read_at, value) = entries.get(key)?;
        (now.saturating_sub(*read_at) < FRESH).then(|| Arc::clone(value))
    }

    /// Remembers a value whose reading began at this moment.
    fn put(&self, key: K, read_at: Duration, value: Arc<V>) {
        let mut entries = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= MOST {
            entries.clear();
        }
        entries.insert(key, (read_at, value));
    }

    fn forget(&self, key: &K) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_remembered_for_a_second_from_when_it_was_asked_for() {
        let remembered = Remembered::default();
        remembered.put("key", Duration::from_secs(5), Arc::new(7));
        assert_eq!(remembered.get(&"key", Duration::from_millis(5999)).as_deref(), Some(&7));
        assert_eq!(remembered.get(&"key", Duration::from_millis(6000)), None);
        assert_eq!(remembered.get(&"other", Duration::from_secs(5)), None);
    }

    #[test]
    fn however_many_come_the_memory_has_an_end() {
        let remembered = Remembered::default();
        for number in 0..=MOST {
            remembered.put(number, Duration::ZERO, Arc::new(()));
        }
        assert_eq!(remembered.0.read().unwrap().len(), 1);
        assert!(remembered.get(&MOST, Duration::ZERO).is_some());
    }
}
