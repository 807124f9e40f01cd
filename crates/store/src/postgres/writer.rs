//! The writer of a schema: a thread that commits waiting units of work in groups, over connections of its own.
//!
//! A round trip and a sync cost the same for one unit as for a hundred. So the thread takes all that is waiting and decides each
//! kind of unit in one transaction, with one statement per table, whatever their number. It never waits for a group to fill.
//! While one group waits for the database, another one may be on its way.

use std::collections::VecDeque;
use std::time::Instant;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::pool::{Borrowed, Pool};
use crate::error::Obstacle;
use crate::group::{Failure, Group, Job};
use crate::queue::LARGEST_GROUP;
use crate::unit::Transaction;
use crate::{StoreError, WriterMetrics};

/// How many groups may be under way, each on a connection of its own.
pub(super) const SIDE_BY_SIDE: usize = 2;

/// How often a group is tried that others have disturbed, or whose connection had broken before.
const ATTEMPTS: u32 = 4;

pub(super) fn work(connections: Pool, waiting: mpsc::Receiver<Box<dyn Job>>, metrics: &WriterMetrics) {
    // A thread and a runtime of its own: a round trip then wakes no other thread.
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(work_off(&connections, waiting, metrics)),
        Err(error) => tracing::error!(%error, "the operating system gives the writer no runtime"),
    }
    connections.close();
}

async fn work_off(connections: &Pool, mut waiting: mpsc::Receiver<Box<dyn Job>>, metrics: &WriterMetrics) {
    let mut under_way = FuturesUnordered::new();
    let mut jobs = Vec::with_capacity(LARGEST_GROUP);
    let mut next: VecDeque<Group> = VecDeque::new();
    let mut is_open = true;
    loop {
        while under_way.len() < SIDE_BY_SIDE
            && let Some(group) = next.pop_front()
        {
            under_way.push(group.settle(async |group| commit(connections, group, metrics).await));
        }
        let has_room = under_way.len() < SIDE_BY_SIDE;
        if !is_open && under_way.is_empty() {
            return;
        }
        tokio::select! {
            biased;
            Some(()) = under_way.next() => {}
            taken = waiting.recv_many(&mut jobs, LARGEST_GROUP), if is_open && has_room => {
                is_open = taken > 0;
                // One kind of unit per transaction: each kind takes its locks in one order, several kinds would mix them, and
                // two transactions could wait for each other.
                next.extend(Group::of(jobs.drain(..)).one_by_one());
            }
        }
    }
}

/// Commits a group; again, if it was disturbed.
async fn commit(connections: &Pool, group: &mut Group, metrics: &WriterMetrics) -> Result<(), Failure> {
    let mut attempt = 1;
    loop {
        match commit_once(connections, group, metrics).await {
            Err(Trouble::Passing(error)) if attempt < ATTEMPTS => {
                tracing::debug!(attempt, %error, "a group of writes was disturbed");
                attempt += 1;
            }
            Err(Trouble::Passing(error)) => return Err(Failure::Whole(error)),
            Err(Trouble::Lasting(failure)) => return Err(failure),
            Ok(()) => return Ok(()),
        }
    }
}

/// Why an attempt has not succeeded.
enum Trouble {
    /// Nothing was written, and the next attempt may fare better.
    Passing(StoreError),
    Lasting(Failure),
}

async fn commit_once(connections: &Pool, group: &mut Group, metrics: &WriterMetrics) -> Result<(), Trouble> {
    let start = Instant::now();
    let whole = |error| Trouble::Lasting(Failure::Whole(error));
    // A connection that does not get to the end is thrown away, and the server undoes what it has done.
    let connection = Borrowed(Some(connections.get().await.map_err(whole)?));
    let client = connection.client().map_err(whole)?;
    let work = async {
        let begin = async { client.batch_execute("BEGIN").await.map_err(|error| disturbed(error.into())) };
        let transaction = Transaction::Postgres(client);
        let decide = async {
            group.decide(&transaction).await.map_err(|failure| match failure {
                Failure::Lot { error: error @ StoreError::Unavailable { .. }, .. } => disturbed(error),
                failure => Trouble::Lasting(failure),
            })
        };
        // On their way together, in this order, and so they are done: the first statement need not wait for the answer to BEGIN.
        let (begun, decided) = futures_util::future::join(begin, decide).await;
        begun?;
        decided?;
        // If the connection breaks now, nobody knows whether it was written: trying again could write it twice.
        client.batch_execute("COMMIT").await.map_err(|error| whole(error.into()))
    };
    match timeout(connections.patience(), work).await {
        Ok(done) => done?,
        Err(_elapsed) => {
            return Err(whole(StoreError::unavailable(Obstacle::Slow, "a write was not answered in time")));
        }
    }
    connection.give_back();
    metrics.committed(group.len(), start.elapsed());
    Ok(())
}

/// What happened before the commit has left nothing behind.
fn disturbed(error: StoreError) -> Trouble {
    match error {
        StoreError::Unavailable { obstacle: Obstacle::Busy | Obstacle::Unreachable, .. } => Trouble::Passing(error),
        lasting => Trouble::Lasting(Failure::Whole(lasting)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use test_cluster::{Cluster, Durability};
    use tokio::sync::oneshot;

    use super::*;
    use crate::PostgresOptions;
    use crate::group::job;
    use crate::postgres::Connector;
    use crate::queue::LENGTH;
    use crate::sql::{Kind, Sql};
    use crate::unit::Unit;

    /// Writes a number; fails or panics when it is told to, after it has written.
    #[derive(Clone, Copy)]
    enum Number {
        Good(i64),
        Failing(i64),
        Refused(i64),
        Panicking(i64),
    }

    impl Unit for Number {
        type Outcome = i64;

        async fn decide(units: &[Self], transaction: &Transaction<'_>) -> Result<Vec<i64>, StoreError> {
            static INSERT: Sql = Sql::each(
                "INSERT INTO numbers (number, made_in) SELECT each.number, txid_current() {from each}",
                &[("number", Kind::Integer)],
            );
            static REFUSED: Sql = Sql::new("INSERT INTO no_such_table VALUES ($1)");
            let number = |unit: &Self| {
                let (Self::Good(number) | Self::Failing(number) | Self::Refused(number) | Self::Panicking(number)) =
                    unit;
                *number
            };
            let rows: Vec<_> = units.iter().map(|unit| [number(unit).into()]).collect();
            transaction.execute_each(&INSERT, &rows).await?;
            for unit in units {
                match unit {
                    Self::Good(_) => {}
                    Self::Failing(_) => return Err(StoreError::Internal("told to".into())),
                    Self::Refused(_) => drop(transaction.execute(&REFUSED, &[]).await?),
                    Self::Panicking(_) => panic!("told to"),
                }
            }
            Ok(units.iter().map(number).collect())
        }
    }

    fn write_together(cluster: &Cluster, units: &[Number]) -> Vec<oneshot::Receiver<Result<i64, StoreError>>> {
        let url = cluster.create_database("numbers").unwrap();
        cluster.psql("numbers", "CREATE TABLE numbers (number bigint, made_in bigint)").unwrap();
        let connector = Connector::for_work(&PostgresOptions::new(url.parse().unwrap()), "public").unwrap();
        let (queue, waiting) = mpsc::channel(LENGTH);
        let answers = units.iter().map(|unit| {
            let (job, answered) = job(*unit);
            queue.try_send(job).ok().unwrap();
            answered
        });
        let answers = answers.collect();
        drop(queue);
        work(Pool::new(&connector, SIDE_BY_SIDE, Duration::from_secs(30)).unwrap(), waiting, &WriterMetrics::default());
        answers
    }

    #[test]
    fn what_waits_together_is_one_transaction() {
        let cluster = Cluster::start(Durability::Fast).unwrap();
        let units: Vec<Number> = (0..200).map(Number::Good).collect();
        let mut answers = write_together(&cluster, &units);
        let answered: Vec<i64> = answers.iter_mut().map(|answer| answer.try_recv().unwrap().unwrap()).collect();
        assert_eq!(answered, (0..200).collect::<Vec<_>>());
        let made = cluster.psql("numbers", "SELECT COUNT(*), COUNT(DISTINCT made_in) FROM numbers").unwrap();
        assert_eq!(made, "200|1\n");
    }

    #[test]
    fn what_fails_in_a_group_fails_alone_and_leaves_nothing_behind() {
        let cluster = Cluster::start(Durability::Fast).unwrap();
        let units = [
            Number::Good(1),
            Number::Failing(2),
            Number::Good(3),
            Number::Panicking(4),
            Number::Good(5),
            Number::Refused(6),
            Number::Good(7),
        ];
        let mut answers = write_together(&cluster, &units);
        let succeeded: Vec<bool> = answers.iter_mut().map(|answer| answer.try_recv().unwrap().is_ok()).collect();
        assert_eq!(succeeded, [true, false, true, false, true, false, true]);
        assert_eq!(cluster.psql("numbers", "SELECT number FROM numbers ORDER BY number").unwrap(), "1\n3\n5\n7\n");
    }
}
