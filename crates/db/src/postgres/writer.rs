//! The writer of a schema: a thread that commits waiting writes in batches, over separate
//! connections.
//!
//! A round trip and a sync cost the same for one write as for a hundred. So the thread takes all
//! waiting writes, and applies those of one type in one transaction, with one statement per table,
//! whatever their number. It never waits for a batch to fill. While one transaction waits for the
//! database, another one can run.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use deadpool_postgres::ClientWrapper;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout_at};

use super::pool::{Pool, PooledConnection};
use crate::batch::{Batch, Failure, QueuedWrites};
use crate::error::UnavailableReason;
use crate::queue::LARGEST_BATCH;
use crate::transaction::{EngineTransaction, Transaction};
use crate::{StoreError, WriterMetrics};

/// The number of transactions that run at the same time, each on its connection.
pub(super) const CONCURRENT_TRANSACTIONS: usize = 2;

/// How often a batch is tried whose transaction conflicts with others, or whose connection breaks.
const ATTEMPTS: u32 = 6;

/// The longest pause before the second attempt. It doubles with each further one, to a third of a
/// second in all.
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// Begins a transaction that can write, in a session that cannot.
const BEGIN: &str = "BEGIN READ WRITE";

/// Commits the writes of the queue until it is closed and empty.
pub(super) fn run(
    connections: Pool,
    waiting: mpsc::Receiver<Box<dyn QueuedWrites>>,
    metrics: &WriterMetrics,
) {
    // With a separate runtime, a round trip wakes no other thread.
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(commit_all(&connections, waiting, metrics)),
        Err(error) => tracing::error!(%error, "cannot start the writer's runtime"),
    }
    connections.close();
}

async fn commit_all(
    connections: &Pool,
    mut waiting: mpsc::Receiver<Box<dyn QueuedWrites>>,
    metrics: &WriterMetrics,
) {
    let mut running = FuturesUnordered::new();
    let mut jobs = Vec::with_capacity(LARGEST_BATCH);
    let mut next: VecDeque<Batch> = VecDeque::new();
    let mut is_open = true;
    loop {
        while running.len() < CONCURRENT_TRANSACTIONS
            && let Some(batch) =
                next.pop_front_if(|batch| running.is_empty() || !batch.waits_for_earlier())
        {
            running
                .push(batch.commit_with(async |batch| commit(connections, batch, metrics).await));
        }
        // A batch that waits for earlier ones holds up those behind it.
        let can_start = running.len() < CONCURRENT_TRANSACTIONS && next.is_empty();
        if !is_open && running.is_empty() {
            return;
        }
        tokio::select! {
            biased;
            Some(()) = running.next() => {}
            taken = waiting.recv_many(&mut jobs, LARGEST_BATCH), if is_open && can_start => {
                is_open = taken > 0;
                // One type of write per transaction: each type takes its locks in one order.
                // Several types in one transaction would mix the orders and could deadlock.
                next.extend(Batch::of(jobs.drain(..)).split_by_type());
            }
        }
    }
}

/// Commits a batch. Tries again after transient errors.
async fn commit(
    connections: &Pool,
    batch: &mut Batch,
    metrics: &WriterMetrics,
) -> Result<(), Failure> {
    let mut attempt = 1;
    loop {
        match commit_once(connections, batch, metrics).await {
            Err(AttemptError::Transient(error)) if attempt < ATTEMPTS => {
                tracing::debug!(attempt, %error, "retrying a batch of writes");
                sleep(pause_after(attempt)).await;
                attempt += 1;
            }
            Err(AttemptError::Transient(error)) => return Err(Failure::Whole(error)),
            Err(AttemptError::Permanent(failure)) => return Err(failure),
            Ok(()) => return Ok(()),
        }
    }
}

/// A random part of the longest pause: writers that collided would collide again otherwise.
fn pause_after(attempt: u32) -> Duration {
    let longest = FIRST_PAUSE.saturating_mul(1 << (attempt - 1).min(16));
    // Each state has other keys, and needs no source of randomness of its own.
    let part = RandomState::new().hash_one(attempt) % 1024;
    longest.saturating_mul(u32::try_from(part).unwrap_or_default()) / 1024
}

/// Why an attempt failed.
enum AttemptError {
    /// Nothing was written, and the next attempt can succeed.
    Transient(StoreError),
    Permanent(Failure),
}

async fn commit_once(
    connections: &Pool,
    batch: &mut Batch,
    metrics: &WriterMetrics,
) -> Result<(), AttemptError> {
    let start = Instant::now();
    let whole = |error| AttemptError::Permanent(Failure::Whole(error));
    // On an error the connection is closed, and the server rolls the transaction back.
    let connection = connections.get().await.map_err(whole)?;
    let deadline = tokio::time::Instant::now() + connections.timeout();
    let client = connection.client().map_err(whole)?;
    match timeout_at(deadline, transact(client, batch)).await {
        Ok(applied) => applied?,
        Err(_elapsed) => return Err(whole(not_in_time())),
    }
    // If the connection breaks now, the commit may have happened. Another attempt could write
    // twice.
    let mut commit = Box::pin(finish(connection));
    match timeout_at(deadline, &mut commit).await {
        Ok(committed) => committed.map_err(whole)?,
        Err(_elapsed) => {
            // A commit that waits for a standby goes on although its connection is closed, and
            // holds a connection of the server. So its place in the pool is taken until its end.
            tokio::spawn(async move { drop(commit.await) });
            return Err(whole(not_in_time()));
        }
    }
    metrics.committed(batch.len(), start.elapsed());
    Ok(())
}

/// Begins a transaction and applies the batch in it.
async fn transact(client: &ClientWrapper, batch: &mut Batch) -> Result<(), AttemptError> {
    let begin =
        async { client.batch_execute(BEGIN).await.map_err(|error| retryable(error.into())) };
    let transaction = Transaction(EngineTransaction::Postgres(client));
    let apply = async {
        batch.apply(&transaction).await.map_err(|failure| match failure {
            Failure::Typed { error: error @ StoreError::Unavailable { .. }, .. } => {
                retryable(error)
            }
            failure => AttemptError::Permanent(failure),
        })
    };
    // The driver sends BEGIN and the first statement in this order, without waiting between them.
    // If BEGIN fails alone, the session is read-only, so the statement writes nothing.
    let (begun, applied) = futures_util::future::join(begin, apply).await;
    begun?;
    applied
}

/// Commits, and returns the connection to its pool.
async fn finish(connection: PooledConnection) -> Result<(), StoreError> {
    connection.client()?.batch_execute("COMMIT").await?;
    connection.return_to_pool();
    Ok(())
}

fn not_in_time() -> StoreError {
    StoreError::unavailable(UnavailableReason::Slow, "a write was not answered in time")
}

/// An error before the commit: nothing was written, so the attempt can be repeated if the error is
/// transient.
fn retryable(error: StoreError) -> AttemptError {
    match error {
        StoreError::Unavailable {
            reason: UnavailableReason::Busy | UnavailableReason::Unreachable,
            ..
        } => AttemptError::Transient(error),
        other => AttemptError::Permanent(Failure::Whole(other)),
    }
}

#[cfg(test)]
mod tests {
    use test_support::{Cluster, Durability};
    use tokio::sync::oneshot;
    use tokio_postgres::error::SqlState;

    use super::*;
    use crate::PostgresOptions;
    use crate::batch::queued;
    use crate::postgres::Connector;
    use crate::queue::LENGTH;
    use crate::sql::Sql;
    use crate::write::Write;
    use crate::write_columns;

    /// Writes a number. Then fails or panics on request.
    #[derive(Clone, Copy)]
    enum Number {
        Good(i64),
        Failing(i64),
        Refused(i64),
        Panicking(i64),
    }

    impl Number {
        fn number(self) -> i64 {
            let (Self::Good(number)
            | Self::Failing(number)
            | Self::Refused(number)
            | Self::Panicking(number)) = self;
            number
        }
    }

    write_columns! {
        /// A row of `numbers`.
        NumberRow(Number) = |write| {
            number: Integer = write.number(),
        }
    }

    impl Write for Number {
        type Outcome = i64;

        async fn apply_batch(
            writes: &[Self],
            transaction: &Transaction<'_>,
        ) -> Result<Vec<i64>, StoreError> {
            static INSERT: Sql = Sql::each(
                "INSERT INTO numbers (number, made_in)
                SELECT each.number, txid_current() {from each}",
                &NumberRow::COLUMNS,
            );
            static REFUSED: Sql = Sql::new("INSERT INTO no_such_table VALUES ($1)");
            let rows: Vec<_> = writes.iter().map(NumberRow::of).collect();
            transaction.execute_each(&INSERT, &rows).await?;
            for write in writes {
                match write {
                    Self::Good(_) => {}
                    Self::Failing(_) => {
                        return Err(StoreError::Internal("requested failure".into()));
                    }
                    Self::Refused(_) => drop(transaction.execute(&REFUSED, &[]).await?),
                    Self::Panicking(_) => panic!("requested failure"),
                }
            }
            Ok(writes.iter().map(|write| write.number()).collect())
        }
    }

    fn write_together(
        cluster: &Cluster,
        writes: &[Number],
    ) -> Vec<oneshot::Receiver<Result<i64, StoreError>>> {
        let url = cluster.create_database("numbers").unwrap();
        cluster.psql("numbers", "CREATE TABLE numbers (number bigint, made_in bigint)").unwrap();
        let connector =
            Connector::for_writes(&PostgresOptions::new(url.parse().unwrap()), "public").unwrap();
        let (queue, waiting) = mpsc::channel(LENGTH);
        let results = writes.iter().map(|write| {
            let (job, result) = queued(*write);
            queue.try_send(job).ok().unwrap();
            result
        });
        let results = results.collect();
        drop(queue);
        run(
            Pool::new(&connector, CONCURRENT_TRANSACTIONS, Duration::from_secs(30)).unwrap(),
            waiting,
            &WriterMetrics::default(),
        );
        results
    }

    #[test]
    fn waiting_writes_share_a_transaction() {
        let cluster = Cluster::start(Durability::Fast).unwrap();
        let writes: Vec<Number> = (0..200).map(Number::Good).collect();
        let mut results = write_together(&cluster, &writes);
        let outcomes: Vec<i64> =
            results.iter_mut().map(|result| result.try_recv().unwrap().unwrap()).collect();
        assert_eq!(outcomes, (0..200).collect::<Vec<_>>());
        let made = cluster
            .psql("numbers", "SELECT COUNT(*), COUNT(DISTINCT made_in) FROM numbers")
            .unwrap();
        assert_eq!(made, "200|1\n");
    }

    #[tokio::test]
    async fn a_statement_without_its_begin_is_refused() {
        let cluster = Cluster::start(Durability::Fast).unwrap();
        let url = cluster.create_database("numbers").unwrap();
        cluster.psql("numbers", "CREATE TABLE numbers (number bigint)").unwrap();
        let options = PostgresOptions::new(url.parse().unwrap());
        let connector = Connector::for_writes(&options, "public").unwrap();
        let (client, _driver) = connector.connect().await.unwrap();
        // Given a BEGIN that fails, when the first statement follows nevertheless.
        assert!(client.batch_execute("BEGIN ISOLATION LEVEL NONE").await.is_err());
        let refused = client.batch_execute("INSERT INTO numbers VALUES (1)").await.unwrap_err();
        assert_eq!(refused.code(), Some(&SqlState::READ_ONLY_SQL_TRANSACTION));
        // And with its BEGIN it writes.
        client.batch_execute(BEGIN).await.unwrap();
        client.batch_execute("INSERT INTO numbers VALUES (2)").await.unwrap();
        client.batch_execute("COMMIT").await.unwrap();
        assert_eq!(cluster.psql("numbers", "SELECT number FROM numbers").unwrap(), "2\n");
    }

    #[test]
    fn a_write_that_fails_in_a_batch_fails_alone_and_is_rolled_back() {
        let cluster = Cluster::start(Durability::Fast).unwrap();
        let writes = [
            Number::Good(1),
            Number::Failing(2),
            Number::Good(3),
            Number::Panicking(4),
            Number::Good(5),
            Number::Refused(6),
            Number::Good(7),
        ];
        let mut results = write_together(&cluster, &writes);
        let succeeded: Vec<bool> =
            results.iter_mut().map(|result| result.try_recv().unwrap().is_ok()).collect();
        assert_eq!(succeeded, [true, false, true, false, true, false, true]);
        assert_eq!(
            cluster.psql("numbers", "SELECT number FROM numbers ORDER BY number").unwrap(),
            "1\n3\n5\n7\n"
        );
    }
}
