//! Connections for reads.
//!
//! Most reads take microseconds, which is less than it takes to wake another thread. So a read
//! begins on its caller's thread. A read that turns out to be long is interrupted, and starts again
//! on a thread where it blocks no other task. There it is interrupted as well once nobody waits for it:
//! its caller has hung up, or its time is over.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::open;
use crate::{OpenError, StoreError};

/// The number of connections for short reads, and of those for long reads: as many as a small
/// machine can keep busy.
const CONNECTIONS: usize = 4;

/// The number of SQLite instructions in a step, and the number of steps that a short read can take:
/// about a millisecond in all.
const INSTRUCTIONS: i32 = 1000;
const STEPS: u32 = 50;

#[derive(Clone)]
pub(super) struct Readers {
    short: Arc<Mutex<Vec<LimitedReader>>>,
    /// A permit for each connection in `long`.
    free: Arc<Semaphore>,
    long: Arc<Mutex<Vec<Connection>>>,
}

/// A connection that interrupts long reads.
struct LimitedReader {
    connection: Connection,
    steps_left: Arc<AtomicU32>,
}

impl LimitedReader {
    fn open(path: &Path) -> Result<Self, OpenError> {
        let mut connection = open::readable(path)?;
        let steps_left = Arc::new(AtomicU32::new(0));
        let left = Arc::clone(&steps_left);
        let is_over = move || {
            left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
                .is_err()
        };
        connection
            .progress_handler(INSTRUCTIONS, Some(is_over))
            .map_err(|source| OpenError::Database { path: path.to_owned(), source })?;
        Ok(Self { connection, steps_left })
    }

    /// The result of the read, or `None` if it takes too long.
    fn read<T>(
        &self,
        query: impl Fn(&Connection) -> Result<T, StoreError>,
    ) -> Option<Result<T, StoreError>> {
        self.steps_left.store(STEPS, Ordering::Relaxed);
        let result = catch_panic(&self.connection, query);
        let is_interrupted = result.is_err() && self.steps_left.load(Ordering::Relaxed) == 0;
        (!is_interrupted).then_some(result)
    }
}

fn catch_panic<T>(
    connection: &Connection,
    query: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let result = catch_unwind(AssertUnwindSafe(|| query(connection)));
    result.map_err(|_| StoreError::Internal("a read panicked".into()))?
}

impl Readers {
    pub(super) fn open(path: &Path) -> Result<Self, OpenError> {
        let short: Result<Vec<_>, _> =
            (0..CONNECTIONS).map(|_| LimitedReader::open(path)).collect();
        let long: Result<Vec<_>, _> = (0..CONNECTIONS).map(|_| open::readable(path)).collect();
        Ok(Self {
            short: Arc::new(Mutex::new(short?)),
            free: Arc::new(Semaphore::new(CONNECTIONS)),
            long: Arc::new(Mutex::new(long?)),
        })
    }

    pub(super) async fn read<T, F>(&self, query: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        match self.read_here(&query) {
            Some(result) => result,
            None => self.read_elsewhere(query).await,
        }
    }

    /// The result of the read, or `None` if it takes too long or no connection is free.
    fn read_here<T>(
        &self,
        query: impl Fn(&Connection) -> Result<T, StoreError>,
    ) -> Option<Result<T, StoreError>> {
        let reader = self.short.lock().pop()?;
        let result = reader.read(query);
        if !self.free.is_closed() {
            self.short.lock().push(reader);
        }
        result
    }

    async fn read_elsewhere<T, F>(&self, query: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let permit =
            Arc::clone(&self.free).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let connections = Arc::clone(&self.long);
        let waiting = Arc::new(());
        let waits = Arc::downgrade(&waiting);
        let read = tokio::task::spawn_blocking(move || {
            let mut connection = connections.lock().pop().ok_or(StoreError::Closed)?;
            let is_over = move || waits.strong_count() == 0;
            let result = match connection.progress_handler(INSTRUCTIONS, Some(is_over)) {
                Ok(()) => catch_panic(&connection, query),
                Err(error) => Err(error.into()),
            };
            connections.lock().push(connection);
            // The permit is released after the connection, even if the caller has hung up.
            drop(permit);
            result
        });
        let result = read.await.map_err(|_| StoreError::Closed)?;
        // Dropped with this future, which ends the read.
        drop(waiting);
        result
    }

    pub(super) fn close(&self) {
        self.free.close();
        self.short.lock().clear();
        self.long.lock().clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database() -> (tempfile::TempDir, Readers) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("numbers.sqlite3");
        Connection::open(&path)
            .unwrap()
            .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE numbers (n)")
            .unwrap();
        let readers = Readers::open(&path).unwrap();
        (folder, readers)
    }

    /// Counts to this number, with a few instructions for each.
    fn count_to(end: i64) -> impl Fn(&Connection) -> Result<i64, StoreError> + Send + 'static {
        move |connection| {
            let sql = "WITH RECURSIVE counted (n) AS (
                    SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < $1)
                SELECT MAX(n) FROM counted";
            Ok(connection.prepare_cached(sql)?.query_row([end], |row| row.get(0))?)
        }
    }

    #[tokio::test]
    async fn a_short_read_runs_on_the_callers_thread_and_a_long_one_elsewhere() {
        let (_folder, readers) = database();
        for _ in 0..1000 {
            assert_eq!(readers.read_here(count_to(10)).unwrap().unwrap(), 10);
        }
        assert!(readers.read_here(count_to(1_000_000)).is_none());
        assert_eq!(readers.read(count_to(1_000_000)).await.unwrap(), 1_000_000);
        // An interrupted read does not affect the next one on its connection.
        assert_eq!(readers.read_here(count_to(10)).unwrap().unwrap(), 10);
    }

    #[tokio::test]
    async fn a_read_that_nobody_waits_for_is_interrupted() {
        let (_folder, readers) = database();
        for _ in 0..CONNECTIONS {
            // Without an end.
            let endless = readers.read(count_to(i64::MAX));
            let timeout = std::time::Duration::from_millis(20);
            assert!(tokio::time::timeout(timeout, endless).await.is_err());
        }
        assert_eq!(readers.read(count_to(1_000_000)).await.unwrap(), 1_000_000);
    }

    #[tokio::test]
    async fn errors_and_panics_of_a_read_are_returned() {
        let (_folder, readers) = database();
        let wrong = |connection: &Connection| {
            Ok(connection.prepare("SELECT * FROM no_such_table").map(drop)?)
        };
        assert!(matches!(readers.read(wrong).await, Err(StoreError::Internal(_))));
        let panicking = |_: &Connection| -> Result<(), StoreError> { panic!("requested failure") };
        assert!(matches!(readers.read(panicking).await, Err(StoreError::Internal(_))));
        readers.close();
        assert!(matches!(readers.read(count_to(1)).await, Err(StoreError::Closed)));
    }
}
