//! The writer of a schema: a thread that commits waiting writes in batches, over connections of its
//! own.
//!
//! A round trip and a sync cost the same for one write as for a hundred. So the thread takes all
//! that is waiting and decides each kind of write in one transaction, with one statement per table,
//! whatever their number. It never waits for a batch to fill. While one batch waits for the
//! database, another one may be on its way.

use std::collections::VecDeque;
use std::time::Instant;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::pool::{Borrowed, Pool};
use crate::batch::{Batch, Failure, QueuedWrites};
use crate::error::UnavailableReason;
use crate::queue::LARGEST_BATCH;
use crate::write::{EngineTransaction, Transaction};
use crate::{StoreError, WriterMetrics};

/// How many batches may be under way, each on a connection of its own.
pub(super) const SIDE_BY_SIDE: usize = 2;

/// How often a batch is tried that others have disturbed, or whose connection had broken before.
const ATTEMPTS: u32 = 4;

pub(super) fn work(
    connections: Pool,
    waiting: mpsc::Receiver<Box<dyn QueuedWrites>>,
    metrics: &WriterMetrics,
) {
    // A thread and a runtime of its own: a round trip then wakes no other thread.
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(work_off(&connections, waiting, metrics)),
        Err(error) => tracing::error!(%error, "the operating system gives the writer no runtime"),
    }
    connections.close();
}

async fn work_off(
    connections: &Pool,
    mut waiting: mpsc::Receiver<Box<dyn QueuedWrites>>,
    metrics: &WriterMetrics,
) {
    let mut under_way = FuturesUnordered::new();
    let mut jobs = Vec::with_capacity(LARGEST_BATCH);
    let mut next: VecDeque<Batch> = VecDeque::new();
    let mut is_open = true;
    loop {
        while under_way.len() < SIDE_BY_SIDE
            && let Some(batch) =
                next.pop_front_if(|batch| under_way.is_empty() || !batch.waits_for_earlier())
        {
            under_way
                .push(batch.commit_with(async |batch| commit(connections, batch, metrics).await));
        }
        // A batch that waits for earlier ones holds up those behind it.
        let has_room = under_way.len() < SIDE_BY_SIDE && next.is_empty();
        if !is_open && under_way.is_empty() {
            return;
        }
        tokio::select! {
            biased;
            Some(()) = under_way.next() => {}
            taken = waiting.recv_many(&mut jobs, LARGEST_BATCH), if is_open && has_room => {
                is_open = taken > 0;
                // One kind of write per transaction: each kind takes its locks in one order,
                // several kinds would mix them, and two transactions could wait for each other.
                next.extend(Batch::of(jobs.drain(..)).split_by_type());
            }
        }
    }
}

/// Commits a batch; again, if it was disturbed.
async fn commit(
    connections: &Pool,
    batch: &mut Batch,
    metrics: &WriterMetrics,
) -> Result<(), Failure> {
    let mut attempt = 1;
    loop {
        match commit_once(connections, batch, metrics).await {
            Err(AttemptError::Transient(error)) if attempt < ATTEMPTS => {
                tracing::debug!(attempt, %error, "a batch of writes was disturbed");
                attempt += 1;
            }
            Err(AttemptError::Transient(error)) => return Err(Failure::Whole(error)),
            Err(AttemptError::Permanent(failure)) => return Err(failure),
            Ok(()) => return Ok(()),
        }
    }
}

/// Why an attempt has not succeeded.
enum AttemptError {
    /// Nothing was written, and the next attempt may fare better.
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
    // A connection that does not get to the end is thrown away, and the server undoes what it has
    // done.
    let connection = Borrowed(Some(connections.get().await.map_err(whole)?));
    let client = connection.client().map_err(whole)?;
    let work = async {
        let begin =
            async { client.batch_execute("BEGIN").await.map_err(|error| disturbed(error.into())) };
        let transaction = Transaction(EngineTransaction::Postgres(client));
        let apply = async {
            batch.apply(&transaction).await.map_err(|failure| match failure {
                Failure::Typed { error: error @ StoreError::Unavailable { .. }, .. } => {
                    disturbed(error)
                }
                failure => AttemptError::Permanent(failure),
            })
        };
        // On their way together, in this order, and so they are done: the first statement need not
        // wait for the answer to BEGIN.
        let (begun, applied) = futures_util::future::join(begin, apply).await;
        begun?;
        applied?;
        // If the connection breaks now, nobody knows whether it was written: trying again could
        // write it twice.
        client.batch_execute("COMMIT").await.map_err(|error| whole(error.into()))
    };
    match timeout(connections.timeout(), work).await {
        Ok(done) => done?,
        Err(_elapsed) => {
            return Err(whole(StoreError::unavailable(
                UnavailableReason::Slow,
                "a write was not answered in time",
            )));
        }
    }
    connection.give_back();
    metrics.committed(batch.len(), start.elapsed());
    Ok(())
}

/// What happened before the commit has left nothing behind.
fn disturbed(error: StoreError) -> AttemptError {
    match error {
        StoreError::Unavailable {
            reason: UnavailableReason::Busy | UnavailableReason::Unreachable,
            ..
        } => AttemptError::Transient(error),
        lasting => AttemptError::Permanent(Failure::Whole(lasting)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use test_support::{Cluster, Durability};
    use tokio::sync::oneshot;

    use super::*;
    use crate::PostgresOptions;
    use crate::batch::queued;
    use crate::postgres::Connector;
    use crate::queue::LENGTH;
    use crate::sql::{Kind, Sql};
    use crate::write::Write;

    /// Writes a number; fails or panics when it is told to, after it has written.
    #[derive(Clone, Copy)]
    enum Number {
        Good(i64),
        Failing(i64),
        Refused(i64),
        Panicking(i64),
    }

    impl Write for Number {
        type Outcome = i64;

        async fn apply_batch(
            writes: &[Self],
            transaction: &Transaction<'_>,
        ) -> Result<Vec<i64>, StoreError> {
            static INSERT: Sql = Sql::each(
                "INSERT INTO numbers (number, made_in) SELECT each.number, txid_current() {from each}",
                &[("number", Kind::Integer)],
            );
            static REFUSED: Sql = Sql::new("INSERT INTO no_such_table VALUES ($1)");
            let number = |write: &Self| {
                let (Self::Good(number)
                | Self::Failing(number)
                | Self::Refused(number)
                | Self::Panicking(number)) = write;
                *number
            };
            let rows: Vec<_> = writes.iter().map(|write| [number(write).into()]).collect();
            transaction.execute_each(&INSERT, &rows).await?;
            for write in writes {
                match write {
                    Self::Good(_) => {}
                    Self::Failing(_) => return Err(StoreError::Internal("told to".into())),
                    Self::Refused(_) => drop(transaction.execute(&REFUSED, &[]).await?),
                    Self::Panicking(_) => panic!("told to"),
                }
            }
            Ok(writes.iter().map(number).collect())
        }
    }

    fn write_together(
        cluster: &Cluster,
        writes: &[Number],
    ) -> Vec<oneshot::Receiver<Result<i64, StoreError>>> {
        let url = cluster.create_database("numbers").unwrap();
        cluster.psql("numbers", "CREATE TABLE numbers (number bigint, made_in bigint)").unwrap();
        let connector =
            Connector::for_work(&PostgresOptions::new(url.parse().unwrap()), "public").unwrap();
        let (queue, waiting) = mpsc::channel(LENGTH);
        let answers = writes.iter().map(|write| {
            let (job, answered) = queued(*write);
            queue.try_send(job).ok().unwrap();
            answered
        });
        let answers = answers.collect();
        drop(queue);
        work(
            Pool::new(&connector, SIDE_BY_SIDE, Duration::from_secs(30)).unwrap(),
            waiting,
            &WriterMetrics::default(),
        );
        answers
    }

    #[test]
    fn what_waits_together_is_one_transaction() {
        let cluster = Cluster::start(Durability::Fast).unwrap();
        let writes: Vec<Number> = (0..200).map(Number::Good).collect();
        let mut answers = write_together(&cluster, &writes);
        let answered: Vec<i64> =
            answers.iter_mut().map(|answer| answer.try_recv().unwrap().unwrap()).collect();
        assert_eq!(answered, (0..200).collect::<Vec<_>>());
        let made = cluster
            .psql("numbers", "SELECT COUNT(*), COUNT(DISTINCT made_in) FROM numbers")
            .unwrap();
        assert_eq!(made, "200|1\n");
    }

    #[test]
    fn what_fails_in_a_group_fails_alone_and_leaves_nothing_behind() {
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
        let mut answers = write_together(&cluster, &writes);
        let succeeded: Vec<bool> =
            answers.iter_mut().map(|answer| answer.try_recv().unwrap().is_ok()).collect();
        assert_eq!(succeeded, [true, false, true, false, true, false, true]);
        assert_eq!(
            cluster.psql("numbers", "SELECT number FROM numbers ORDER BY number").unwrap(),
            "1\n3\n5\n7\n"
        );
    }
}
