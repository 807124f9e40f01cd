//! The one writer of a file: a thread that commits waiting writes in batches.
//!
//! A sync costs the same for one write as for a hundred. So the thread takes all that is waiting,
//! decides it in one transaction, commits once, and answers everybody. It never waits for a batch
//! to fill: under low load a batch is one write, under high load it grows by itself while the
//! previous one is being synced.

use std::time::Instant;

use futures_util::FutureExt;
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::mpsc;

use super::SqliteTransaction;
use super::key_index::StagedKeys;
use crate::batch::{Batch, Failure, QueuedWrites};
use crate::queue::LARGEST_BATCH;
use crate::write::{EngineTransaction, Transaction};
use crate::{StoreError, WriterMetrics};

pub(super) fn work(
    mut connection: Connection,
    keys: &StagedKeys,
    mut waiting: mpsc::Receiver<Box<dyn QueuedWrites>>,
    metrics: &WriterMetrics,
) {
    let mut jobs = Vec::with_capacity(LARGEST_BATCH);
    while waiting.blocking_recv_many(&mut jobs, LARGEST_BATCH) > 0 {
        let settled = Batch::of(jobs.drain(..))
            .commit_with(async |batch| commit(&mut connection, keys, batch, metrics));
        // Nothing in it ever waits, so it is done at its first poll.
        if settled.now_or_never().is_none() {
            tracing::error!("a write waited for something on SQLite");
        }
    }
}

fn commit(
    connection: &mut Connection,
    keys: &StagedKeys,
    batch: &mut Batch,
    metrics: &WriterMetrics,
) -> Result<(), Failure> {
    let start = Instant::now();
    keys.roll_back();
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(whole)?;
    // A transaction that is dropped is rolled back: neither an error nor a panic leaves anything
    // behind.
    let never_waits =
        || Failure::Whole(StoreError::Internal("a write waited for something on SQLite".into()));
    let sqlite = SqliteTransaction { connection: &transaction, keys };
    batch
        .apply(&Transaction(EngineTransaction::Sqlite(sqlite)))
        .now_or_never()
        .ok_or_else(never_waits)??;
    transaction.commit().map_err(whole)?;
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

    /// Writes a number; fails or panics when it is told to.
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
                    Self::Failing(_) => Err(StoreError::Internal("told to".into())),
                    Self::Panicking(_) => panic!("told to"),
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
            work(connection, &StagedKeys::default(), waiting, &WriterMetrics::default())
        })
        .unwrap()
    }

    /// Queues all of them before the writer starts, so that they make one batch.
    fn write_together(writer: Connection, writes: &[Number]) -> Vec<Result<i64, StoreError>> {
        let (queue, waiting) = mpsc::channel(LENGTH);
        let mut answers = Vec::new();
        for write in writes {
            let (job, answered) = queued(*write);
            queue.try_send(job).ok().unwrap();
            answers.push(answered);
        }
        drop(queue);
        work(writer, &StagedKeys::default(), waiting, &WriterMetrics::default());
        answers.iter_mut().map(|answer| answer.try_recv().unwrap()).collect()
    }

    #[test]
    fn what_fails_in_a_group_fails_alone_and_leaves_nothing_behind() {
        let (_folder, writer, reader) = database();
        let writes = [
            Number::Good(1),
            Number::Failing(2),
            Number::Good(3),
            Number::Panicking(4),
            Number::Good(5),
        ];
        let answers = write_together(writer, &writes);
        assert_eq!(numbers(&reader), [1, 3, 5]);
        let succeeded: Vec<bool> = answers.iter().map(Result::is_ok).collect();
        assert_eq!(succeeded, [true, false, true, false, true]);
    }

    #[tokio::test]
    async fn what_is_written_for_one_place_succeeds_or_fails_each_by_itself() {
        let (_folder, writer, reader) = database();
        let writer = start(writer);
        let writes =
            vec![Number::Good(1), Number::Failing(2), Number::Good(3), Number::Panicking(4)];
        let answers: Vec<Option<i64>> =
            writer.write_all(writes).await.into_iter().map(Result::ok).collect();
        assert_eq!(answers, [Some(1), None, Some(3), None]);
        assert_eq!(numbers(&reader), [1, 3]);
        writer.close().await;
        let answers = writer.write_all(vec![Number::Good(5), Number::Good(6)]).await;
        assert!(
            matches!(answers[..], [Err(StoreError::Closed), Err(StoreError::Closed)]),
            "{answers:?}"
        );
    }

    #[test]
    fn what_nobody_waits_for_any_more_does_not_happen() {
        let (_folder, writer, reader) = database();
        let (queue, waiting) = mpsc::channel(LENGTH);
        let (abandoned, answered) = queued(Number::Good(1));
        drop(answered);
        queue.try_send(abandoned).ok().unwrap();
        drop(queue);
        work(writer, &StagedKeys::default(), waiting, &WriterMetrics::default());
        assert_eq!(numbers(&reader), Vec::<i64>::new());
    }

    #[tokio::test]
    async fn when_too_much_is_waiting_more_is_refused_and_what_waits_is_done() {
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
    async fn what_cannot_be_written_at_all_is_unavailable_and_leaves_nothing_behind() {
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
    async fn closing_finishes_what_is_waiting_and_refuses_what_comes_later() {
        let (_folder, writer, reader) = database();
        let writer = start(writer);
        assert_eq!(writer.write(Number::Good(1)).await.unwrap(), 1);
        writer.close().await;
        assert!(matches!(writer.write(Number::Good(2)).await, Err(StoreError::Closed)));
        assert_eq!(numbers(&reader), [1]);
    }
}
