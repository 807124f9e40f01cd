//! The one writer of a file: a thread that commits waiting units of work in groups.
//!
//! A sync costs the same for one unit as for a hundred. So the thread takes all that is waiting, applies each unit in one
//! transaction, commits once, and answers them all. It never waits for a group to fill: under low load a group is one unit,
//! under high load it grows by itself while the previous one is being synced.
//!
//! A unit that fails is answered alone. The group is rolled back and applied again without it, which is sound because a unit
//! is data: applying it again decides it again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use prometheus_client::metrics::histogram::Histogram;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::Unit;
use crate::StoreError;

/// How many units may wait. At 20,000 a second this is a fifth of a second's work; beyond it, refusing is kinder.
const QUEUE: usize = 4096;

/// How many units share a transaction at most, so that the first of them does not wait too long for the last.
const LARGEST_GROUP: usize = 256;

/// What the writer measures of itself.
#[derive(Clone, Debug)]
pub struct WriterMetrics {
    /// How many units shared a commit.
    pub group_size: Histogram,
    /// How long a commit took, sync included, in seconds.
    pub commit_seconds: Histogram,
}

impl WriterMetrics {
    /// A histogram for [`WriterMetrics::group_size`].
    #[must_use]
    pub fn group_size_histogram() -> Histogram {
        Histogram::new([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0])
    }

    /// A histogram for [`WriterMetrics::commit_seconds`].
    #[must_use]
    pub fn commit_seconds_histogram() -> Histogram {
        Histogram::new([0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0])
    }
}

impl Default for WriterMetrics {
    fn default() -> Self {
        Self { group_size: Self::group_size_histogram(), commit_seconds: Self::commit_seconds_histogram() }
    }
}

pub(super) struct Writer {
    /// `None` once closed.
    queue: Mutex<Option<mpsc::Sender<Box<dyn Job>>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub(super) fn start(connection: Connection, metrics: WriterMetrics) -> std::io::Result<Self> {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || work(connection, waiting, &metrics))?;
        Ok(Self { queue: Mutex::new(Some(queue)), thread: Mutex::new(Some(thread)) })
    }

    pub(super) async fn write<U: Unit>(&self, unit: U) -> Result<U::Outcome, StoreError> {
        let (answer, answered) = oneshot::channel();
        let job = Box::new(Waiting { unit, outcome: None, answer });
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone().ok_or(StoreError::Closed)?;
        queue.try_send(job).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => StoreError::Overloaded,
            mpsc::error::TrySendError::Closed(_) => StoreError::Closed,
        })?;
        drop(queue);
        answered.await.map_err(|_| StoreError::Closed)?
    }

    /// Lets the thread finish what is waiting, and waits for it.
    pub(super) async fn close(&self) {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // The thread catches its units' panics; if it died all the same, there is nothing left to wait for.
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

/// A unit and whoever waits for it, whatever its type.
trait Job: Send {
    fn is_abandoned(&self) -> bool;
    fn apply(&mut self, transaction: &Transaction<'_>) -> rusqlite::Result<()>;
    fn committed(self: Box<Self>);
    fn failed(self: Box<Self>, error: StoreError);
}

struct Waiting<U: Unit> {
    unit: U,
    outcome: Option<U::Outcome>,
    answer: oneshot::Sender<Result<U::Outcome, StoreError>>,
}

impl<U: Unit> Job for Waiting<U> {
    fn is_abandoned(&self) -> bool {
        self.answer.is_closed()
    }

    fn apply(&mut self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        self.outcome = Some(self.unit.apply(transaction)?);
        Ok(())
    }

    fn committed(self: Box<Self>) {
        let Self { unit: _, outcome, answer } = *self;
        // Whoever has hung up in the meantime learns of it by repeating the request.
        let _ = answer.send(outcome.ok_or_else(|| StoreError::Internal("a unit was committed unapplied".into())));
    }

    fn failed(self: Box<Self>, error: StoreError) {
        let _ = self.answer.send(Err(error));
    }
}

fn work(mut connection: Connection, mut waiting: mpsc::Receiver<Box<dyn Job>>, metrics: &WriterMetrics) {
    let mut group = Vec::with_capacity(LARGEST_GROUP);
    while waiting.blocking_recv_many(&mut group, LARGEST_GROUP) > 0 {
        // What nobody waits for any more, and has not begun, need not happen.
        group.retain(|job| !job.is_abandoned());
        while !group.is_empty() {
            match commit(&mut connection, &mut group, metrics) {
                Ok(()) => group.drain(..).for_each(|job| job.committed()),
                Err(Failure::Unit { index, error }) => group.remove(index).failed(error),
                Err(Failure::Group(error)) => group.drain(..).for_each(|job| job.failed(error.clone())),
            }
        }
    }
}

enum Failure {
    /// This unit of the group failed by itself.
    Unit { index: usize, error: StoreError },
    /// Nothing could be written.
    Group(StoreError),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Group(error.into())
    }
}

fn commit(connection: &mut Connection, group: &mut [Box<dyn Job>], metrics: &WriterMetrics) -> Result<(), Failure> {
    let start = Instant::now();
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for (index, job) in group.iter_mut().enumerate() {
        // A transaction that is dropped is rolled back: neither an error nor a panic leaves anything behind.
        let applied = catch_unwind(AssertUnwindSafe(|| job.apply(&transaction)));
        let error = match applied {
            Ok(Ok(())) => continue,
            Ok(Err(error)) => error.into(),
            Err(_) => StoreError::Internal("a unit of work panicked".into()),
        };
        return Err(Failure::Unit { index, error });
    }
    transaction.commit()?;
    metrics.commit_seconds.observe(start.elapsed().as_secs_f64());
    #[expect(clippy::cast_precision_loss, reason = "a group has at most 256 units")]
    metrics.group_size.observe(group.len() as f64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    /// Writes a number; fails or panics when it is told to.
    #[derive(Clone, Copy)]
    enum Number {
        Good(i64),
        Failing(i64),
        Panicking(i64),
    }

    impl Unit for Number {
        type Outcome = i64;

        fn apply(&self, transaction: &Transaction<'_>) -> rusqlite::Result<i64> {
            let (Self::Good(number) | Self::Failing(number) | Self::Panicking(number)) = self;
            transaction.execute("INSERT INTO numbers VALUES ($1)", [number])?;
            match self {
                Self::Good(number) => Ok(*number),
                Self::Failing(_) => Err(rusqlite::Error::InvalidQuery),
                Self::Panicking(_) => panic!("told to"),
            }
        }
    }

    fn database() -> (tempfile::TempDir, Connection, Connection) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("numbers.sqlite3");
        let writer = Connection::open(&path).unwrap();
        writer.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE numbers (number INTEGER)").unwrap();
        (folder, writer, Connection::open(&path).unwrap())
    }

    fn numbers(connection: &Connection) -> Vec<i64> {
        let mut statement = connection.prepare("SELECT number FROM numbers ORDER BY number").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    }

    fn job(unit: Number) -> (Box<dyn Job>, oneshot::Receiver<Result<i64, StoreError>>) {
        let (answer, answered) = oneshot::channel();
        (Box::new(Waiting { unit, outcome: None, answer }), answered)
    }

    /// Queues all of them before the writer starts, so that they make one group.
    fn write_together(writer: Connection, units: &[Number]) -> Vec<Result<i64, StoreError>> {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let mut answers = Vec::new();
        for unit in units {
            let (job, answered) = job(*unit);
            queue.try_send(job).ok().unwrap();
            answers.push(answered);
        }
        drop(queue);
        work(writer, waiting, &WriterMetrics::default());
        answers.iter_mut().map(|answer| answer.try_recv().unwrap()).collect()
    }

    #[test]
    fn what_fails_in_a_group_fails_alone_and_leaves_nothing_behind() {
        let (_folder, writer, reader) = database();
        let units = [Number::Good(1), Number::Failing(2), Number::Good(3), Number::Panicking(4), Number::Good(5)];
        let answers = write_together(writer, &units);
        assert_eq!(numbers(&reader), [1, 3, 5]);
        let succeeded: Vec<bool> = answers.iter().map(Result::is_ok).collect();
        assert_eq!(succeeded, [true, false, true, false, true]);
    }

    #[test]
    fn what_nobody_waits_for_any_more_does_not_happen() {
        let (_folder, writer, reader) = database();
        let (queue, waiting) = mpsc::channel(QUEUE);
        let (abandoned, answered) = job(Number::Good(1));
        drop(answered);
        queue.try_send(abandoned).ok().unwrap();
        drop(queue);
        work(writer, waiting, &WriterMetrics::default());
        assert_eq!(numbers(&reader), Vec::<i64>::new());
    }

    #[tokio::test]
    async fn when_too_much_is_waiting_more_is_refused_and_what_waits_is_done() {
        let (folder, connection, reader) = database();
        let other = Connection::open(folder.path().join("numbers.sqlite3")).unwrap();
        connection.busy_timeout(std::time::Duration::from_mins(1)).unwrap();
        let writer = Writer::start(connection, WriterMetrics::default()).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let more_than_fits = QUEUE + LARGEST_GROUP + 1;
        let mut writes: Vec<_> =
            (0_i64..).take(more_than_fits).map(|number| Box::pin(writer.write(Number::Good(number)))).collect();
        let answered: Vec<_> = writes.iter_mut().filter_map(|write| write.now_or_never()).collect();
        assert!(!answered.is_empty());
        assert!(answered.iter().all(|answer| matches!(answer, Err(StoreError::Overloaded))), "{answered:?}");
        other.execute_batch("COMMIT").unwrap();
        writer.close().await;
        assert_eq!(numbers(&reader).len(), more_than_fits - answered.len());
    }

    #[tokio::test]
    async fn what_cannot_be_written_at_all_is_unavailable_and_leaves_nothing_behind() {
        let (folder, connection, reader) = database();
        let other = Connection::open(folder.path().join("numbers.sqlite3")).unwrap();
        connection.busy_timeout(std::time::Duration::ZERO).unwrap();
        let writer = Writer::start(connection, WriterMetrics::default()).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let refused = writer.write(Number::Good(1)).await;
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
        other.execute_batch("COMMIT").unwrap();
        assert_eq!(writer.write(Number::Good(2)).await.unwrap(), 2);
        assert_eq!(numbers(&reader), [2]);
    }

    #[tokio::test]
    async fn closing_finishes_what_is_waiting_and_refuses_what_comes_later() {
        let (_folder, writer, reader) = database();
        let writer = Writer::start(writer, WriterMetrics::default()).unwrap();
        assert_eq!(writer.write(Number::Good(1)).await.unwrap(), 1);
        writer.close().await;
        assert!(matches!(writer.write(Number::Good(2)).await, Err(StoreError::Closed)));
        assert_eq!(numbers(&reader), [1]);
    }
}
