//! Units of work that share a transaction, whatever their types.
//!
//! Units of one type make a lot, which is decided as a whole. When a lot fails, everything is undone, the other lots are
//! tried again without it, and the lot in two halves: after a few rounds the one unit that fails is alone, and only it is
//! answered with the error. That is sound because a unit is data: deciding it again decides it afresh.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use tokio::sync::oneshot;

use crate::StoreError;
use crate::unit::{Transaction, Unit};

/// What becomes of a unit.
pub(crate) type Settled<U> = Result<<U as Unit>::Outcome, StoreError>;

/// Whoever waits for a unit.
enum Answer<U: Unit> {
    Alone(oneshot::Sender<Settled<U>>),
    /// For several units at once; this one's place among them.
    Together(Arc<Together<U>>, usize),
}

impl<U: Unit> Answer<U> {
    fn send(self, settled: Settled<U>) {
        match self {
            // Whoever has hung up in the meantime learns of it by repeating the request.
            Self::Alone(answer) => drop(answer.send(settled)),
            Self::Together(all, place) => all.settle(place, settled),
        }
    }

    fn is_abandoned(&self) -> bool {
        match self {
            Self::Alone(answer) => answer.is_closed(),
            Self::Together(all, _) => all.answer.as_ref().is_none_or(oneshot::Sender::is_closed),
        }
    }
}

/// What becomes of several units, which may be decided in different transactions: told when the last of them is settled.
struct Together<U: Unit> {
    settled: Mutex<Vec<Settled<U>>>,
    answer: Option<oneshot::Sender<Vec<Settled<U>>>>,
}

impl<U: Unit> Together<U> {
    fn settle(&self, place: usize, settled: Settled<U>) {
        if let Some(waiting) = self.settled.lock().unwrap_or_else(PoisonError::into_inner).get_mut(place) {
            *waiting = settled;
        }
    }
}

impl<U: Unit> Drop for Together<U> {
    fn drop(&mut self) {
        let settled = std::mem::take(self.settled.get_mut().unwrap_or_else(PoisonError::into_inner));
        if let Some(answer) = self.answer.take() {
            // As above.
            let _ = answer.send(settled);
        }
    }
}

/// Units and whoever waits for them.
struct Waiting<U: Unit> {
    units: Vec<U>,
    answers: Vec<Answer<U>>,
}

/// Units of one type on their way to the writer.
pub(crate) trait Job: Any + Send {
    /// Whether nobody waits for them any more.
    fn is_abandoned(&self) -> bool;

    /// Joins the lot of their type, or begins one.
    fn join(self: Box<Self>, lots: &mut Vec<Box<dyn Lot>>);
}

/// The unit as a job, and where its answer will arrive.
pub(crate) fn job<U: Unit>(unit: U) -> (Box<dyn Job>, oneshot::Receiver<Settled<U>>) {
    let (answer, answered) = oneshot::channel();
    (Box::new(Waiting { units: vec![unit], answers: vec![Answer::Alone(answer)] }), answered)
}

/// The units as one job, and where their answers will arrive, in their order: each succeeds or fails by itself.
pub(crate) fn job_of_many<U: Unit>(units: Vec<U>) -> (Box<dyn Job>, oneshot::Receiver<Vec<Settled<U>>>) {
    let (answer, answered) = oneshot::channel();
    // What is lost on the way was not written.
    let settled = units.iter().map(|_| Err(StoreError::Closed)).collect();
    let all = Arc::new(Together { settled: Mutex::new(settled), answer: Some(answer) });
    let answers = (0..units.len()).map(|place| Answer::Together(Arc::clone(&all), place)).collect();
    (Box::new(Waiting { units, answers }), answered)
}

impl<U: Unit> Job for Waiting<U> {
    fn is_abandoned(&self) -> bool {
        self.answers.iter().all(Answer::is_abandoned)
    }

    fn join(self: Box<Self>, lots: &mut Vec<Box<dyn Lot>>) {
        let Self { mut units, mut answers } = *self;
        let same = lots.iter_mut().find_map(|lot| lot.as_any().downcast_mut::<LotOf<U>>());
        if let Some(lot) = same {
            lot.units.append(&mut units);
            lot.answers.append(&mut answers);
        } else {
            lots.push(Box::new(LotOf { units, answers, outcomes: Vec::new() }));
        }
    }
}

/// Units of one type that are decided together.
pub(crate) trait Lot {
    fn as_any(&mut self) -> &mut dyn Any;
    fn len(&self) -> usize;
    fn decide<'a>(&'a mut self, transaction: &'a Transaction<'_>) -> LocalBoxFuture<'a, Result<(), StoreError>>;
    /// Tells everybody what became of their units, which are durable now.
    fn committed(self: Box<Self>);
    fn failed(self: Box<Self>, error: &StoreError);
    /// Two lots with half of the units each; `None` if there is only one unit.
    fn halves(self: Box<Self>) -> Result<[Box<dyn Lot>; 2], Box<dyn Lot>>;
}

struct LotOf<U: Unit> {
    units: Vec<U>,
    answers: Vec<Answer<U>>,
    outcomes: Vec<U::Outcome>,
}

impl<U: Unit> Lot for LotOf<U> {
    fn as_any(&mut self) -> &mut dyn Any {
        self
    }

    fn len(&self) -> usize {
        self.units.len()
    }

    fn decide<'a>(&'a mut self, transaction: &'a Transaction<'_>) -> LocalBoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.outcomes = U::decide(&self.units, transaction).await?;
            if self.outcomes.len() == self.units.len() {
                return Ok(());
            }
            Err(StoreError::Internal("units of work and their outcomes do not match".into()))
        })
    }

    fn committed(self: Box<Self>) {
        for ((unit, answer), outcome) in self.units.into_iter().zip(self.answers).zip(self.outcomes) {
            unit.committed(&outcome);
            answer.send(Ok(outcome));
        }
    }

    fn failed(self: Box<Self>, error: &StoreError) {
        for answer in self.answers {
            answer.send(Err(error.clone()));
        }
    }

    fn halves(mut self: Box<Self>) -> Result<[Box<dyn Lot>; 2], Box<dyn Lot>> {
        if self.units.len() < 2 {
            return Err(self);
        }
        let middle = self.units.len() / 2;
        let second =
            Self { units: self.units.split_off(middle), answers: self.answers.split_off(middle), outcomes: Vec::new() };
        Ok([self, Box::new(second)])
    }
}

/// What shares a transaction.
pub(crate) struct Group {
    lots: Vec<Box<dyn Lot>>,
}

/// Why a group was not committed. Nothing of it was then written, except where the connection broke during the commit.
pub(crate) enum Failure {
    /// This lot failed by itself.
    Lot { index: usize, error: StoreError },
    /// Nothing could be written.
    Whole(StoreError),
}

impl Group {
    /// The jobs as a group, without those for which nobody waits any more: what has not begun need not happen.
    pub(crate) fn of(jobs: impl IntoIterator<Item = Box<dyn Job>>) -> Self {
        let mut lots = Vec::new();
        for job in jobs.into_iter().filter(|job| !job.is_abandoned()) {
            job.join(&mut lots);
        }
        Self { lots }
    }

    /// A group for each lot.
    pub(crate) fn one_by_one(self) -> impl Iterator<Item = Self> {
        self.lots.into_iter().map(|lot| Self { lots: vec![lot] })
    }

    /// How many units it has.
    pub(crate) fn len(&self) -> usize {
        self.lots.iter().map(|lot| lot.len()).sum()
    }

    /// Decides all units. A panic is an error of the lot that panicked.
    pub(crate) async fn decide(&mut self, transaction: &Transaction<'_>) -> Result<(), Failure> {
        for (index, lot) in self.lots.iter_mut().enumerate() {
            let decided = AssertUnwindSafe(lot.decide(transaction)).catch_unwind().await;
            let error = match decided {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => error,
                Err(_panic) => StoreError::Internal("a unit of work panicked".into()),
            };
            return Err(Failure::Lot { index, error });
        }
        Ok(())
    }

    /// Commits with `commit`, and again in parts as long as parts fail; everybody is answered.
    pub(crate) async fn settle(self, mut commit: impl AsyncFnMut(&mut Self) -> Result<(), Failure>) {
        let mut groups = vec![self];
        while let Some(mut group) = groups.pop() {
            if group.lots.is_empty() {
                continue;
            }
            match commit(&mut group).await {
                Ok(()) => group.lots.into_iter().for_each(|lot| lot.committed()),
                // Without the database the parts would fare no better than the whole.
                Err(Failure::Whole(error) | Failure::Lot { error: error @ StoreError::Unavailable { .. }, .. }) => {
                    group.lots.into_iter().for_each(|lot| lot.failed(&error));
                }
                Err(Failure::Lot { index, error }) => {
                    match group.lots.remove(index).halves() {
                        Ok(halves) => groups.extend(halves.map(|lot| Self { lots: vec![lot] })),
                        Err(lot) => lot.failed(&error),
                    }
                    groups.push(group);
                }
            }
        }
    }
}
