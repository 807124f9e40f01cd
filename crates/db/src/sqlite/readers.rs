//! Connections for reading, shared by everybody.
//!
//! Most reads take microseconds: less than it takes to wake another thread. So each is begun where
//! it is asked for. One that turns out to be long is broken off, and done from its beginning where
//! it holds up nobody else.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::open;
use crate::{OpenError, StoreError};

/// How many long reads there may be at once, and how many short ones: as many as can be busy on a
/// small machine.
const CONNECTIONS: usize = 4;

/// How many instructions of SQLite's are a step, and how many steps a short read may take: about a
/// millisecond in all.
const INSTRUCTIONS: i32 = 1000;
const STEPS: u32 = 50;

#[derive(Clone)]
pub(super) struct Readers {
    short: Arc<Mutex<Vec<Short>>>,
    /// One permit for each connection for long reads that nobody is using.
    free: Arc<Semaphore>,
    long: Arc<Mutex<Vec<Connection>>>,
}

/// A connection that breaks off what is not short.
struct Short {
    connection: Connection,
    steps_left: Arc<AtomicU32>,
}

impl Short {
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

    /// The answer, unless finding it takes too long.
    fn read<T>(
        &self,
        query: impl Fn(&Connection) -> Result<T, StoreError>,
    ) -> Option<Result<T, StoreError>> {
        self.steps_left.store(STEPS, Ordering::Relaxed);
        let answer = answer(&self.connection, query);
        let is_broken_off = answer.is_err() && self.steps_left.load(Ordering::Relaxed) == 0;
        (!is_broken_off).then_some(answer)
    }
}

fn answer<T>(
    connection: &Connection,
    query: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let answer = catch_unwind(AssertUnwindSafe(|| query(connection)));
    answer.map_err(|_| StoreError::Internal("a read panicked".into()))?
}

impl Readers {
    pub(super) fn open(path: &Path) -> Result<Self, OpenError> {
        let short: Result<Vec<_>, _> = (0..CONNECTIONS).map(|_| Short::open(path)).collect();
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
            Some(answer) => answer,
            None => self.read_elsewhere(query).await,
        }
    }

    /// The answer, unless finding it takes too long or all connections are taken.
    fn read_here<T>(
        &self,
        query: impl Fn(&Connection) -> Result<T, StoreError>,
    ) -> Option<Result<T, StoreError>> {
        let reader = lock(&self.short).pop()?;
        let answer = reader.read(query);
        if !self.free.is_closed() {
            lock(&self.short).push(reader);
        }
        answer
    }

    async fn read_elsewhere<T, F>(&self, query: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let permit =
            Arc::clone(&self.free).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let connections = Arc::clone(&self.long);
        let read = tokio::task::spawn_blocking(move || {
            let connection = lock(&connections).pop().ok_or(StoreError::Closed)?;
            let answer = answer(&connection, query);
            lock(&connections).push(connection);
            // Only now may the next one look for a connection, even if this one's caller is gone.
            drop(permit);
            answer
        });
        read.await.map_err(|_| StoreError::Closed)?
    }

    pub(super) fn close(&self) {
        self.free.close();
        lock(&self.short).clear();
        lock(&self.long).clear();
    }
}

/// A list of connections is never half written: a poisoned lock hides nothing broken.
fn lock<T>(connections: &Mutex<Vec<T>>) -> std::sync::MutexGuard<'_, Vec<T>> {
    connections.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Counts to this number, which takes a few instructions for each.
    fn count_to(end: i64) -> impl Fn(&Connection) -> Result<i64, StoreError> + Send + 'static {
        move |connection| {
            let sql = "WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < $1)
                SELECT MAX(n) FROM counted";
            Ok(connection.prepare_cached(sql)?.query_row([end], |row| row.get(0))?)
        }
    }

    #[tokio::test]
    async fn a_short_read_is_done_here_and_a_long_one_elsewhere() {
        let (_folder, readers) = database();
        for _ in 0..1000 {
            assert_eq!(readers.read_here(count_to(10)).unwrap().unwrap(), 10);
        }
        assert!(readers.read_here(count_to(1_000_000)).is_none());
        assert_eq!(readers.read(count_to(1_000_000)).await.unwrap(), 1_000_000);
        // Whoever was broken off has left nothing behind.
        assert_eq!(readers.read_here(count_to(10)).unwrap().unwrap(), 10);
    }

    #[tokio::test]
    async fn an_error_is_an_error_wherever_it_comes_from() {
        let (_folder, readers) = database();
        let wrong =
            |connection: &Connection| Ok(connection.prepare("SELECT * FROM nowhere").map(drop)?);
        assert!(matches!(readers.read(wrong).await, Err(StoreError::Internal(_))));
        let panicking = |_: &Connection| -> Result<(), StoreError> { panic!("told to") };
        assert!(matches!(readers.read(panicking).await, Err(StoreError::Internal(_))));
        readers.close();
        assert!(matches!(readers.read(count_to(1)).await, Err(StoreError::Closed)));
    }
}
