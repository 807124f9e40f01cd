//! Idempotency keys whose first request is in flight (§4).
//!
//! A repetition waits for the first request instead of doing the same work, and is told to come
//! back if the first request hangs. The database guarantees that a key is claimed once, so losing
//! this state does no harm.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::OwnedMutexGuard;

use crate::error::ApiError;

type Locks<K> = Arc<Mutex<HashMap<K, Arc<tokio::sync::Mutex<()>>>>>;

/// One lock for each key in use. Clones share the locks.
pub struct InFlight<K> {
    locks: Locks<K>,
    timeout: Duration,
}

impl<K> Clone for InFlight<K> {
    fn clone(&self) -> Self {
        Self { locks: Arc::clone(&self.locks), timeout: self.timeout }
    }
}

impl<K: Clone + Eq + Hash> InFlight<K> {
    /// No locks. `timeout` is how long a second request with a key waits for the first.
    #[must_use]
    pub fn new(timeout: Duration) -> Self {
        Self { locks: Arc::default(), timeout }
    }

    /// Locks a key until the guard is dropped. Waits while another request holds it.
    ///
    /// # Errors
    /// 409 when the wait exceeds the timeout.
    pub async fn lock(&self, key: K) -> Result<InFlightGuard<K>, ApiError> {
        let lock = Arc::clone(self.locks.lock().entry(key.clone()).or_default());
        let locks = Arc::clone(&self.locks);
        // Created before the wait, so that a request that stops waiting also cleans up.
        let mut guard = InFlightGuard { key, lock: Some(lock.clone()), locked: None, locks };
        match tokio::time::timeout(self.timeout, lock.lock_owned()).await {
            Ok(locked) => {
                guard.locked = Some(locked);
                Ok(guard)
            }
            Err(_elapsed) => Err(ApiError::request_in_progress()),
        }
    }
}

/// A lock on a key, or the wait for one. Dropping it removes the key if no other request needs it.
pub struct InFlightGuard<K: Eq + Hash> {
    key: K,
    lock: Option<Arc<tokio::sync::Mutex<()>>>,
    locked: Option<OwnedMutexGuard<()>>,
    locks: Locks<K>,
}

impl<K: Eq + Hash> Drop for InFlightGuard<K> {
    fn drop(&mut self) {
        let mut locks = self.locks.lock();
        drop(self.locked.take());
        drop(self.lock.take());
        // Every other request with this key holds a reference that it took while it held `locks`,
        // so a count of one means that no other request needs the key.
        if locks.get(&self.key).is_some_and(|lock| Arc::strong_count(lock) == 1) {
            locks.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use wire::error::ErrorCode;

    #[tokio::test]
    async fn a_second_request_waits_for_the_first_and_the_key_is_removed() {
        let in_flight = InFlight::new(Duration::from_mins(1));
        let first = in_flight.lock("key").await.unwrap();
        let second = tokio::spawn({
            let in_flight = in_flight.clone();
            async move { in_flight.lock("key").await.map(drop) }
        });
        assert!(in_flight.lock("other").await.is_ok());
        drop(first);
        second.await.unwrap().unwrap();
        assert!(in_flight.locks.lock().is_empty());
    }

    #[tokio::test]
    async fn a_wait_beyond_the_timeout_is_a_conflict() {
        let in_flight = InFlight::new(Duration::ZERO);
        let _first = in_flight.lock("key").await.unwrap();
        let refused = in_flight.lock("key").await.err().unwrap();
        assert_eq!(refused.code(), ErrorCode::IdempotencyRequestInProgress);
    }

    #[tokio::test]
    async fn a_cancelled_wait_removes_the_key() {
        let in_flight = InFlight::new(Duration::from_mins(1));
        let first = in_flight.lock("key").await.unwrap();
        let mut waiting = Box::pin(in_flight.lock("key"));
        assert!((&mut waiting).now_or_never().is_none());
        drop(first);
        drop(waiting);
        assert!(in_flight.locks.lock().is_empty());
    }
}
