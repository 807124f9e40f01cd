//! The dispatcher: one loop that hands challenge requests over (§9), with two sources. Requests of
//! this process arrive by local dispatch. Retries, requests of other processes, and requests that a
//! crashed process left behind are leased from the table.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use db::{Channel, StoreError};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Fuse, FusedFuture};
use futures_util::stream::{FuturesUnordered, StreamExt};
use parking_lot::Mutex;
use store_workspace::LeaseDue;

use crate::attempt::attempt;
use crate::slots::{LeasedRequest, TakenSlots};
use crate::{Scheduler, Stopping, leases};

/// How often the table is polled during attempts, for requests that become due without a
/// notification.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Hands over all requests that are submitted or due. An attempt that hangs occupies its slots and
/// delays nothing else.
///
/// # Errors
/// When the workspace database fails. Requests in flight are then unchanged in the table.
pub async fn run(scheduler: &Scheduler, stopping: &Stopping) -> Result<(), StoreError> {
    let should_poll = scheduler.poll.is_due() || scheduler.dispatch.has_abandoned();
    Dispatcher::new(scheduler, stopping, should_poll).run().await
}

/// Waits for a reason to run the dispatcher before its period is over.
pub async fn wake_up(scheduler: &Scheduler) {
    tokio::select! {
        () = scheduler.dispatch.changed() => scheduler.poll.skip_next(),
        () = scheduler.store.database().notified(Channel::NewRequest) => {}
    }
}

/// When the table is polled: at each run, unless the run has work from local dispatch and the last
/// poll was a moment ago.
#[derive(Default)]
pub(crate) struct Poll {
    last: Mutex<Option<Instant>>,
    skip_next: AtomicBool,
}

impl Poll {
    fn skip_next(&self) {
        self.skip_next.store(true, Ordering::Relaxed);
    }

    fn is_due(&self) -> bool {
        let may_skip = self.skip_next.swap(false, Ordering::Relaxed);
        !may_skip || self.last.lock().is_none_or(|last| last.elapsed() >= POLL_INTERVAL)
    }

    fn done(&self) {
        *self.last.lock() = Some(Instant::now());
    }
}

struct Dispatcher<'a> {
    scheduler: &'a Scheduler,
    stopping: &'a Stopping,
    /// Requests that were leased from the table and not attempted yet.
    due: VecDeque<LeasedRequest>,
    attempts: FuturesUnordered<BoxFuture<'a, Result<(), StoreError>>>,
    /// Whether there may be due requests without a lease.
    should_poll: bool,
    /// Whether the last poll found as many requests as it asked for.
    may_have_more: bool,
    result: Result<(), StoreError>,
}

impl<'a> Dispatcher<'a> {
    fn new(scheduler: &'a Scheduler, stopping: &'a Stopping, should_poll: bool) -> Self {
        Self {
            scheduler,
            stopping,
            due: VecDeque::new(),
            attempts: FuturesUnordered::new(),
            should_poll,
            may_have_more: false,
            result: Ok(()),
        }
    }

    async fn run(mut self) -> Result<(), StoreError> {
        let scheduler = self.scheduler;
        let mut leasing = std::pin::pin!(Fuse::terminated());
        let mut next_poll = std::pin::pin!(tokio::time::sleep(POLL_INTERVAL));
        loop {
            if leasing.is_terminated()
                && let Some(slots) = self.slots_for_due()
            {
                self.should_poll = false;
                scheduler.poll.done();
                leasing.set(lease(scheduler, slots).fuse());
            }
            self.start_attempts();
            if self.attempts.is_empty() && leasing.is_terminated() {
                return self.result;
            }
            // While all attempts are taken, what is submitted waits without waking this loop.
            let has_room = self.attempts.len() < scheduler.pacing.attempts;
            tokio::select! {
                leased = &mut leasing, if !leasing.is_terminated() => self.take_leased(leased),
                Some(ended) = self.attempts.next() => self.finish(ended),
                () = scheduler.dispatch.changed(), if has_room => {}
                () = scheduler.store.database().notified(Channel::NewRequest) => {
                    self.should_poll = true;
                }
                () = &mut next_poll => {
                    self.should_poll = true;
                    next_poll.as_mut().reset(tokio::time::Instant::now() + POLL_INTERVAL);
                }
            }
        }
    }

    fn may_start(&self) -> bool {
        self.result.is_ok() && !self.stopping.is_set()
    }

    /// Slots for the requests to lease now: as many as can be attempted soon, so that no lease
    /// expires while its request waits.
    fn slots_for_due(&self) -> Option<TakenSlots> {
        let pacing = self.scheduler.pacing;
        if !self.should_poll || !self.may_start() || !self.due.is_empty() {
            return None;
        }
        let free = pacing.attempts.saturating_sub(self.attempts.len()).max(1);
        self.scheduler.dispatch.slots.take_for_due(free.saturating_mul(pacing.batch))
    }

    fn start_attempts(&mut self) {
        let pacing = self.scheduler.pacing;
        while self.may_start() && self.attempts.len() < pacing.attempts {
            let batch = self.next_batch(pacing.batch);
            if batch.is_empty() {
                return;
            }
            self.attempts.push(Box::pin(paced_attempt(self.scheduler, batch)));
        }
    }

    /// The next requests to attempt together. If both sources have requests, each gets half.
    fn next_batch(&mut self, limit: usize) -> Vec<LeasedRequest> {
        let dispatch = &self.scheduler.dispatch;
        let reserved = if dispatch.has_submitted() { limit.div_ceil(2) } else { limit };
        let count = self.due.len().min(reserved);
        let mut batch: Vec<LeasedRequest> = self.due.drain(..count).collect();
        batch.extend(dispatch.take_submitted(limit.saturating_sub(count)));
        batch
    }

    fn take_leased(&mut self, leased: Result<Leased, StoreError>) {
        match leased {
            Ok(Leased { requests, is_full }) => {
                self.may_have_more = is_full;
                self.should_poll |= is_full;
                self.due.extend(requests);
            }
            Err(error) => self.result = Err(error),
        }
    }

    /// Takes the results of all attempts that have ended. Requests whose result could not be
    /// written are unchanged in the table, and are attempted again.
    fn finish(&mut self, ended: Result<(), StoreError>) {
        let mut ended = Some(ended);
        while let Some(result) = ended {
            self.result = std::mem::replace(&mut self.result, Ok(())).and(result);
            ended = self.attempts.next().now_or_never().flatten();
        }
        self.should_poll |= self.may_have_more;
    }
}

/// An attempt, with the pause that follows it.
async fn paced_attempt(scheduler: &Scheduler, batch: Vec<LeasedRequest>) -> Result<(), StoreError> {
    let start = Instant::now();
    let result = attempt(scheduler, batch).await;
    if let Some(pause) = scheduler.pacing.pause_after(start.elapsed()) {
        tokio::time::sleep(pause).await;
    }
    result
}

/// The result of a poll.
struct Leased {
    requests: Vec<LeasedRequest>,
    /// Whether the requests fill all slots.
    is_full: bool,
}

async fn lease(scheduler: &Scheduler, slots: TakenSlots) -> Result<Leased, StoreError> {
    // Released first, so that this poll finds them.
    leases::release_abandoned(scheduler).await;
    leases::release_left_behind(scheduler).await;
    // The number of slots is far below `u32::MAX`.
    let limit = u32::try_from(slots.len()).unwrap_or(u32::MAX);
    let now = scheduler.clock_and_rng.now();
    let until = now.plus(scheduler.dispatch.lease_duration);
    let holder = scheduler.dispatch.holder.clone();
    let requests = scheduler.store.lease_due(LeaseDue { holder, now, until, limit }).await?;
    let left_behind = &scheduler.dispatch.left_behind;
    Ok(Leased {
        is_full: requests.len() >= slots.len(),
        requests: slots.fill(requests, until, left_behind),
    })
}
