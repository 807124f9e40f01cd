//! The writer of a file: a thread that commits waiting writes in batches.
//!
//! A sync costs the same for one write as for a hundred. So the thread takes all waiting writes,
//! applies them in one transaction, commits once, and answers each caller. It never waits for a
//! batch to fill. Under low load a batch is one write; under high load it grows while the previous
//! one is being synced.

use std::time::Instant;

use futures_util::FutureExt;
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::mpsc;

use super::key_index::StagedKeys;
use super::open_files::OpenFiles;
use super::transaction::SqliteTransaction;
use crate::batch::{Batch, Failure, QueuedWrites};
use crate::queue::LARGEST_BATCH;
use crate::transaction::{EngineTransaction, Transaction};
use crate::{StoreError, WriterMetrics};

/// Commits the writes of the queue until it is closed and empty.
pub(super) fn run(
    mut connection: Connection,
    keys: &StagedKeys,
    files: &OpenFiles,
    mut waiting: mpsc::Receiver<Box<dyn QueuedWrites>>,
    metrics: &WriterMetrics,
) {
    let mut jobs = Vec::with_capacity(LARGEST_BATCH);
    while waiting.blocking_recv_many(&mut jobs, LARGEST_BATCH) > 0 {
        let settled = Batch::of(jobs.drain(..))
            .commit_with(async |batch| commit(&mut connection, keys, files, batch, metrics));
        // On SQLite nothing is awaited, so the future is ready at its first poll.
        if settled.now_or_never().is_none() {
            tracing::error!("a write was suspended on SQLite");
        }
    }
}

fn commit(
    connection: &mut Connection,
    keys: &StagedKeys,
    files: &OpenFiles,
    batch: &mut Batch,
    metrics: &WriterMetrics,
) -> Result<(), Failure> {
    let start = Instant::now();
    keys.roll_back();
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(whole)?;
    // A transaction that is dropped, by an error or a panic, is rolled back.
    let suspended =
        || Failure::Whole(StoreError::Internal("a write was suspended on SQLite".into()));
    let sqlite = SqliteTransaction { connection: &transaction, keys };
    batch
        .apply(&Transaction(EngineTransaction::Sqlite(sqlite)))
        .now_or_never()
        .ok_or_else(suspended)??;
    transaction.commit().map_err(whole)?;
    // What is in a deleted file is not durable.
    files.check().map_err(Failure::Whole)?;
    keys.commit();
    metrics.committed(batch.len(), start.elapsed());
    Ok(())
}

fn whole(error: rusqlite::Error) -> Failure {
    Failure::Whole(error.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::queued;
    use crate::error::UnavailableReason;
    use crate::queue::{LENGTH, Queue};
    use crate::sql::Sql;
    use crate::write::{Write, apply_each};

    /// Writes a number; fails or panics on request.
    #[derive(Clone, Copy)]
    enum Number {
        Good(i64),
        Failing(i64),
        Panicking(i64),
    }

    impl Write for Number {
        type Outcome = i64;

        async fn apply_batch(
            writes: &[Self],
            transaction: &Transaction<'_>,
        ) -> Result<Vec<i64>, StoreError> {
            static INSERT: Sql = Sql::new("INSERT INTO numbers (number) VALUES ($1)");
            apply_each(writes, async |write| {
                let (Self::Good(number) | Self::Failing(number) | Self::Panicking(number)) = write;
                transaction.execute(&INSERT, &[(*number).into()]).await?;
                match write {
                    Self::Good(number) => Ok(*number),
                    Self::Failing(_) => Err(StoreError::Internal("requested failure".into())),
                    Self::Panicking(_) => panic!("requested failure"),
                }
            })
            .await
        }
    }

    fn database() -> (tempfile::TempDir, Connection, Connection) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("numbers.sqlite3");
        let writer = Connection::open(&path).unwrap();
        writer
            .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE numbers (number INTEGER)")
            .unwrap();
        (folder, writer, Connection::open(&path).unwrap())
    }

    fn numbers(connection: &Connection) -> Vec<i64> {
        let mut statement =
            connection.prepare("SELECT number FROM numbers ORDER BY number").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    }

    fn start(connection: Connection) -> Queue {
        Queue::start(move |waiting| {
            run(
                connection,
                &StagedKeys::default(),
                &OpenFiles::default(),
                waiting,
                &WriterMetrics::default(),
            )
        })
        .unwrap()
    }

    /// Queues all writes before the writer starts, so that they form one batch.
    fn write_together(writer: Connection, writes: &[Number]) -> Vec<Result<i64, StoreError>> {
        let (queue, waiting) = mpsc::channel(LENGTH);
        let mut results = Vec::new();
        for write in writes {
            let (job, result) = queued(*write);
            queue.try_send(job).ok().unwrap();
            results.push(result);
        }
        drop(queue);
        run(
            writer,
            &StagedKeys::default(),
            &OpenFiles::default(),
            waiting,
            &WriterMetrics::default(),
        );
        results.iter_mut().map(|result| result.try_recv().unwrap()).collect()
    }

    #[test]
    fn a_write_that_fails_in_a_batch_fails_alone_and_is_rolled_back() {
        let (_folder, writer, reader) = database();
        let writes = [
            Number::Good(1),
            Number::Failing(2),
            Number::Good(3),
            Number::Panicking(4),
            Number::Good(5),
        ];
        let results = write_together(writer, &writes);
        assert_eq!(numbers(&reader), [1, 3, 5]);
        let succeeded: Vec<bool> = results.iter().map(Result::is_ok).collect();
        assert_eq!(succeeded, [true, false, true, false, true]);
    }

    #[tokio::test]
    async fn writes_of_one_caller_succeed_or_fail_alone() {
        let (_folder, writer, reader) = database();
        let writer = start(writer);
        let writes =
            vec![Number::Good(1), Number::Failing(2), Number::Good(3), Number::Panicking(4)];
        let results: Vec<Option<i64>> =
            writer.write_all(writes).await.into_iter().map(Result::ok).collect();
        assert_eq!(results, [Some(1), None, Some(3), None]);
        assert_eq!(numbers(&reader), [1, 3]);
        writer.close().await;
        let results = writer.write_all(vec![Number::Good(5), Number::Good(6)]).await;
        assert!(
            matches!(results[..], [Err(StoreError::Closed), Err(StoreError::Closed)]),
            "{results:?}"
        );
    }

    #[test]
    fn a_write_whose_caller_has_hung_up_is_skipped() {
        let (_folder, writer, reader) = database();
        let (queue, waiting) = mpsc::channel(LENGTH);
        let (abandoned, result) = queued(Number::Good(1));
        drop(result);
        queue.try_send(abandoned).ok().unwrap();
        drop(queue);
        run(
            writer,
            &StagedKeys::default(),
            &OpenFiles::default(),
            waiting,
            &WriterMetrics::default(),
        );
        assert_eq!(numbers(&reader), Vec::<i64>::new());
    }

    #[tokio::test]
    async fn a_full_queue_refuses_writes_and_those_in_it_are_committed() {
        let (folder, connection, reader) = database();
        let other = Connection::open(folder.path().join("numbers.sqlite3")).unwrap();
        connection.busy_timeout(std::time::Duration::from_mins(1)).unwrap();
        let writer = start(connection);
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let more_than_fits = LENGTH + LARGEST_BATCH + 1;
        let mut writes: Vec<_> = (0_i64..)
            .take(more_than_fits)
            .map(|number| Box::pin(writer.write(Number::Good(number))))
            .collect();
        let answered: Vec<_> = writes.iter_mut().filter_map(|write| write.now_or_never()).collect();
        assert!(!answered.is_empty());
        assert!(
            answered.iter().all(|answer| matches!(answer, Err(StoreError::Overloaded))),
            "{answered:?}"
        );
        other.execute_batch("COMMIT").unwrap();
        writer.close().await;
        assert_eq!(numbers(&reader).len(), more_than_fits - answered.len());
    }

    #[tokio::test]
    async fn a_locked_file_is_unavailable_and_its_writes_are_rolled_back() {
        let (folder, connection, reader) = database();
        let other = Connection::open(folder.path().join("numbers.sqlite3")).unwrap();
        connection.busy_timeout(std::time::Duration::ZERO).unwrap();
        let writer = start(connection);
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let refused = writer.write(Number::Good(1)).await;
        assert!(
            matches!(refused, Err(StoreError::Unavailable { reason: UnavailableReason::Slow, .. })),
            "{refused:?}"
        );
        other.execute_batch("COMMIT").unwrap();
        assert_eq!(writer.write(Number::Good(2)).await.unwrap(), 2);
        assert_eq!(numbers(&reader), [2]);
    }

    #[tokio::test]
    async fn closing_commits_waiting_writes_and_refuses_later_ones() {
        let (_folder, writer, reader) = database();
        let writer = start(writer);
        assert_eq!(writer.write(Number::Good(1)).await.unwrap(), 1);
        writer.close().await;
        assert!(matches!(writer.write(Number::Good(2)).await, Err(StoreError::Closed)));
        assert_eq!(numbers(&reader), [1]);
    }
}
