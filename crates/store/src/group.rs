//! Units of work that share a transaction, whatever their types.
//!
//! Units of one type make a lot, which is decided as a whole. When a lot fails, everything is undone, the other lots are
//! tried again without it, and the lot in two halves: after a few rounds the one unit that fails is alone, and only it is
//! answered with the error. That is sound because a unit is data: deciding it again decides it afresh.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use tokio::sync::oneshot;

use crate::StoreError;
use crate::unit::{Transaction, Unit};

/// What becomes of a unit, for whoever waits for it.
type Answer<U> = Result<<U as Unit>::Outcome, StoreError>;

/// A unit and whoever waits for it.
struct Waiting<U: Unit> {
    unit: U,
    answer: oneshot::Sender<Answer<U>>,
}

/// A unit on its way to the writer.
pub(crate) trait Job: Any + Send {
    /// Whether nobody waits for it any more.
    fn is_abandoned(&self) -> bool;

    /// Joins the lot of its type, or begins one.
    fn join(self: Box<Self>, lots: &mut Vec<Box<dyn Lot>>);
}

/// The unit as a job, and where its answer will arrive.
pub(crate) fn job<U: Unit>(unit: U) -> (Box<dyn Job>, oneshot::Receiver<Answer<U>>) {
    let (answer, answered) = oneshot::channel();
    (Box::new(Waiting { unit, answer }), answered)
}

impl<U: Unit> Job for Waiting<U> {
    fn is_abandoned(&self) -> bool {
        self.answer.is_closed()
    }

    fn join(self: Box<Self>, lots: &mut Vec<Box<dyn Lot>>) {
        let Self { unit, answer } = *self;
        let same = lots.iter_mut().find_map(|lot| lot.as_any().downcast_mut::<LotOf<U>>());
        if let Some(lot) = same {
            lot.units.push(unit);
            lot.answers.push(answer);
        } else {
            lots.push(Box::new(LotOf { units: vec![unit], answers: vec![answer], outcomes: Vec::new() }));
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
    answers: Vec<oneshot::Sender<Answer<U>>>,
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
        for (answer, outcome) in self.answers.into_iter().zip(self.outcomes) {
            // Whoever has hung up in the meantime learns of it by repeating the request.
            let _ = answer.send(Ok(outcome));
        }
    }

    fn failed(self: Box<Self>, error: &StoreError) {
        for answer in self.answers {
            let _ = answer.send(Err(error.clone()));
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
