//! Idempotency keys whose first request is still being handled (§4).
//!
//! This only spares repetitions the work, and tells them to come back when the first request is
//! stuck. That a key makes one thing is decided in the database, whatever is forgotten here.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::OwnedMutexGuard;

use crate::error::ApiError;

type Locks<K> = Arc<Mutex<HashMap<K, Arc<tokio::sync::Mutex<()>>>>>;

/// Lets one request at a time use a key. Clones share it.
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
    /// A second request with a key waits this long for the first.
    #[must_use]
    pub fn new(timeout: Duration) -> Self {
        Self { locks: Arc::default(), timeout }
    }

    /// Waits until no other request uses the key. None does until the result is dropped.
    ///
    /// # Errors
    /// When the first request takes too long.
    pub async fn lock(&self, key: K) -> Result<InFlightGuard<K>, ApiError> {
        let lock = Arc::clone(self.locks.lock().entry(key.clone()).or_default());
        let locks = Arc::clone(&self.locks);
        // Made before the wait, so that a request that gives up waiting cleans up as well.
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

/// The use of a key by one request, or its wait for it.
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
        // Every other request with this key holds a reference, taken while `locks` was locked.
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
    async fn a_second_request_waits_for_the_first_and_nothing_is_left_over() {
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
    async fn a_request_that_waits_too_long_is_told_to_come_back() {
        let in_flight = InFlight::new(Duration::ZERO);
        let _first = in_flight.lock("key").await.unwrap();
        let refused = in_flight.lock("key").await.err().unwrap();
        assert_eq!(refused.code(), ErrorCode::IdempotencyRequestInProgress);
    }

    #[tokio::test]
    async fn a_request_that_gives_up_waiting_leaves_nothing_behind() {
        let in_flight = InFlight::new(Duration::from_mins(1));
        let first = in_flight.lock("key").await.unwrap();
        let mut waiting = Box::pin(in_flight.lock("key"));
        assert!((&mut waiting).now_or_never().is_none());
        drop(first);
        drop(waiting);
        assert!(in_flight.locks.lock().is_empty());
    }
}
