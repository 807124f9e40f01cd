//! The way to a writer: units of work queue up for the thread that commits them in groups.

use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::mpsc;

use crate::StoreError;
use crate::group::{Job, Settled, job, job_of_many};
use crate::unit::Unit;

/// How many units may wait: one for each caller that there may be. At 20,000 a second the last one waits for less than a second;
/// beyond that, refusing is kinder.
pub(crate) const LENGTH: usize = 16_384;

/// How many units share a transaction at most, so that the first of them does not wait too long for the last.
pub(crate) const LARGEST_GROUP: usize = 256;

/// A queue and the thread that works it off.
pub(crate) struct Queue {
    /// `None` once closed.
    jobs: Mutex<Option<mpsc::Sender<Box<dyn Job>>>>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Queue {
    /// Starts the thread, which ends when the queue is closed and empty.
    pub(crate) fn start(work: impl FnOnce(mpsc::Receiver<Box<dyn Job>>) + Send + 'static) -> std::io::Result<Self> {
        let (jobs, waiting) = mpsc::channel(LENGTH);
        let writer = std::thread::Builder::new().name("store-writer".into()).spawn(move || work(waiting))?;
        Ok(Self { jobs: Mutex::new(Some(jobs)), writer: Mutex::new(Some(writer)) })
    }

    /// Queues a unit, and waits for what becomes of it.
    pub(crate) async fn write<U: Unit>(&self, unit: U) -> Result<U::Outcome, StoreError> {
        let (job, answered) = job(unit);
        self.send(job)?;
        answered.await.map_err(|_| StoreError::Closed)?
    }

    /// Queues units that are one place's work, and waits for what becomes of each.
    pub(crate) async fn write_all<U: Unit>(&self, units: Vec<U>) -> Vec<Settled<U>> {
        let count = units.len();
        let (job, answered) = job_of_many(units);
        match self.send(job) {
            Ok(()) => answered.await.unwrap_or_else(|_| all(count, &StoreError::Closed)),
            Err(error) => all(count, &error),
        }
    }

    fn send(&self, job: Box<dyn Job>) -> Result<(), StoreError> {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).clone().ok_or(StoreError::Closed)?;
        jobs.try_send(job).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => StoreError::Overloaded,
            mpsc::error::TrySendError::Closed(_) => StoreError::Closed,
        })
    }

    /// Lets the thread finish what is waiting, and waits for it.
    pub(crate) async fn close(&self) {
        drop(self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take());
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = writer {
            // The thread catches its units' panics; if it died all the same, there is nothing left to wait for.
            let _ = tokio::task::spawn_blocking(move || writer.join()).await;
        }
    }
}

/// Units that all ended like this.
pub(crate) fn all<T>(count: usize, error: &StoreError) -> Vec<Result<T, StoreError>> {
    (0..count).map(|_| Err(error.clone())).collect()
}
