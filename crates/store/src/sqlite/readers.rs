//! A few connections for reading, shared by everybody.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::open;
use crate::{OpenError, StoreError};

/// As many as can be busy at once on a small machine.
const CONNECTIONS: usize = 4;

#[derive(Clone)]
pub(super) struct Readers {
    /// One permit for each connection that nobody is using.
    free: Arc<Semaphore>,
    connections: Arc<Mutex<Vec<Connection>>>,
}

impl Readers {
    pub(super) fn open(path: &Path) -> Result<Self, OpenError> {
        let connections: Result<Vec<_>, _> = (0..CONNECTIONS).map(|_| open::readable(path)).collect();
        Ok(Self { free: Arc::new(Semaphore::new(CONNECTIONS)), connections: Arc::new(Mutex::new(connections?)) })
    }

    pub(super) async fn read<T, F>(&self, query: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let permit = Arc::clone(&self.free).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let connections = Arc::clone(&self.connections);
        let read = tokio::task::spawn_blocking(move || {
            let connection = lock(&connections).pop().ok_or(StoreError::Closed)?;
            let result = catch_unwind(AssertUnwindSafe(|| query(&connection)));
            lock(&connections).push(connection);
            // Only now may the next one look for a connection, even if this one's caller is gone.
            drop(permit);
            result.map_err(|_| StoreError::Internal("a read panicked".into()))?
        });
        read.await.map_err(|_| StoreError::Closed)?
    }

    pub(super) fn close(&self) {
        self.free.close();
        lock(&self.connections).clear();
    }
}

/// A list of connections is never half written: a poisoned lock hides nothing broken.
fn lock(connections: &Mutex<Vec<Connection>>) -> std::sync::MutexGuard<'_, Vec<Connection>> {
    connections.lock().unwrap_or_else(PoisonError::into_inner)
}
