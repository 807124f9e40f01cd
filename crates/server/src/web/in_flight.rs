//! Idempotency keys whose first request is still being worked on (§4).
//!
//! This is a courtesy, not the promise: it spares repetitions the work, and tells them to come back when the first one is
//! stuck. That a key makes one thing is decided in the database, whatever is forgotten here.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::OwnedMutexGuard;

use super::error::ApiError;

type Turns<K> = Arc<Mutex<HashMap<K, Arc<tokio::sync::Mutex<()>>>>>;

/// Lets one request at a time work on each key. Clones share it.
pub(crate) struct InFlight<K> {
    turns: Turns<K>,
    patience: Duration,
}

impl<K> Clone for InFlight<K> {
    fn clone(&self) -> Self {
        Self { turns: Arc::clone(&self.turns), patience: self.patience }
    }
}

impl<K: Clone + Eq + Hash> InFlight<K> {
    pub(crate) fn new(patience: Duration) -> Self {
        Self { turns: Arc::default(), patience }
    }

    /// Waits for this key's turn, which lasts until the result is dropped.
    pub(crate) async fn turn(&self, key: K) -> Result<Turn<K>, ApiError> {
        let gate = Arc::clone(lock(&self.turns).entry(key.clone()).or_default());
        // Made before the wait, so that whoever gives up waiting cleans up as well.
        let mut turn = Turn { key, gate: Some(gate.clone()), guard: None, turns: Arc::clone(&self.turns) };
        match tokio::time::timeout(self.patience, gate.lock_owned()).await {
            Ok(guard) => {
                turn.guard = Some(guard);
                Ok(turn)
            }
            Err(_elapsed) => Err(ApiError::request_in_progress()),
        }
    }
}

/// One request's turn to work on a key, or its wait for it.
pub(crate) struct Turn<K: Eq + Hash> {
    key: K,
    gate: Option<Arc<tokio::sync::Mutex<()>>>,
    guard: Option<OwnedMutexGuard<()>>,
    turns: Turns<K>,
}

impl<K: Eq + Hash> Drop for Turn<K> {
    fn drop(&mut self) {
        let mut turns = lock(&self.turns);
        drop(self.guard.take());
        drop(self.gate.take());
        // Whoever else works or waits holds a reference, taken under this very lock.
        if turns.get(&self.key).is_some_and(|gate| Arc::strong_count(gate) == 1) {
            turns.remove(&self.key);
        }
    }
}

/// Entries are whole or absent: a poisoned lock hides nothing broken.
fn lock<K>(turns: &Turns<K>) -> std::sync::MutexGuard<'_, HashMap<K, Arc<tokio::sync::Mutex<()>>>> {
    turns.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use wire::error::ErrorCode;

    #[tokio::test]
    async fn a_second_request_waits_for_its_turn_and_nothing_is_left_over() {
        let in_flight = InFlight::new(Duration::from_mins(1));
        let first = in_flight.turn("key").await.unwrap();
        let second = tokio::spawn({
            let in_flight = in_flight.clone();
            async move { in_flight.turn("key").await.map(drop) }
        });
        assert!(in_flight.turn("other").await.is_ok());
        drop(first);
        second.await.unwrap().unwrap();
        assert!(lock(&in_flight.turns).is_empty());
    }

    #[tokio::test]
    async fn patience_ends() {
        let in_flight = InFlight::new(Duration::ZERO);
        let _first = in_flight.turn("key").await.unwrap();
        let refused = in_flight.turn("key").await.err().unwrap();
        assert_eq!(refused.code(), ErrorCode::IdempotencyRequestInProgress);
    }

    #[tokio::test]
    async fn whoever_gives_up_waiting_leaves_nothing_behind() {
        let in_flight = InFlight::new(Duration::from_mins(1));
        let first = in_flight.turn("key").await.unwrap();
        let mut waiting = Box::pin(in_flight.turn("key"));
        assert!((&mut waiting).now_or_never().is_none());
        drop(first);
        drop(waiting);
        assert!(lock(&in_flight.turns).is_empty());
    }
}
