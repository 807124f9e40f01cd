//! Local dispatch: a request that is ordered in the scheduler's process is stored with a lease of
//! this scheduler, and handed over as soon as it is durable, without a poll of the table (§9).
//!
//! The API reserves a slot, stores the request, and submits it. If the request may be stored but
//! was never submitted, because its caller hung up, the scheduler releases its lease and then finds
//! the request in the table.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use domain::Timestamp;
use domain::challenge_request::ChallengeRequest;
use parking_lot::Mutex;
use store_workspace::{Lease, RequestKey};
use tokio::sync::Notify;

use crate::slots::{HeldLease, LeasedRequest, LeftBehind, Slots, TakenSlots};

/// The queue from the API to the scheduler of the same process. Clones share it.
#[derive(Clone)]
pub struct LocalDispatch {
    /// The holder of the leases: a name that no other running scheduler has.
    pub(crate) holder: Arc<str>,
    pub(crate) lease_duration: Duration,
    pub(crate) slots: Slots,
    /// Leases whose attempts were not recorded.
    pub(crate) left_behind: LeftBehind,
    queue: Arc<Queue>,
}

#[derive(Default)]
struct Queue {
    submitted: Mutex<VecDeque<LeasedRequest>>,
    /// Requests that may be stored with a lease but were not submitted.
    abandoned: Mutex<Vec<Arc<ChallengeRequest>>>,
    changed: Notify,
}

impl LocalDispatch {
    pub(crate) fn new(holder: &str, lease_duration: Duration, slots: usize) -> Self {
        let slots = Slots::new(slots);
        Self {
            holder: holder.into(),
            lease_duration,
            slots,
            left_behind: LeftBehind::default(),
            queue: Arc::default(),
        }
    }

    /// Reserves a slot and a lease for a request that is about to be stored. `None` if no slot is
    /// free: the request is then stored without a lease, and a scheduler finds it in the table.
    #[must_use]
    pub fn reserve(&self, request: &Arc<ChallengeRequest>, now: Timestamp) -> Option<Reservation> {
        let slot = self.slots.take_for_new()?;
        let lease =
            Lease { holder: Arc::clone(&self.holder), expires_at: now.plus(self.lease_duration) };
        let pending = Some((Arc::clone(request), slot));
        let (queue, left_behind) = (Arc::clone(&self.queue), Arc::clone(&self.left_behind));
        Some(Reservation { lease, pending, queue, left_behind })
    }

    /// Takes the oldest submitted requests, at most `limit`.
    pub(crate) fn take_submitted(&self, limit: usize) -> Vec<LeasedRequest> {
        let mut submitted = self.queue.submitted.lock();
        let count = submitted.len().min(limit);
        submitted.drain(..count).collect()
    }

    pub(crate) fn has_submitted(&self) -> bool {
        !self.queue.submitted.lock().is_empty()
    }

    /// Drops the submitted requests: their leases are left behind.
    pub(crate) fn forget_submitted(&self) {
        self.queue.submitted.lock().clear();
    }

    pub(crate) fn has_abandoned(&self) -> bool {
        !self.queue.abandoned.lock().is_empty()
    }

    /// Takes the requests whose leases must be released one by one.
    pub(crate) fn take_abandoned(&self) -> Vec<RequestKey> {
        let abandoned = std::mem::take(&mut *self.queue.abandoned.lock());
        abandoned.iter().map(|request| RequestKey::from(&**request)).collect()
    }

    /// Waits until something is submitted or abandoned.
    pub(crate) async fn changed(&self) {
        self.queue.changed.notified().await;
    }
}

/// A slot and a lease for one request that is about to be stored.
pub struct Reservation {
    lease: Lease,
    /// `None` once the reservation is submitted or cancelled.
    pending: Option<(Arc<ChallengeRequest>, TakenSlots)>,
    queue: Arc<Queue>,
    left_behind: LeftBehind,
}

impl Reservation {
    /// The lease to store the request with.
    #[must_use]
    pub fn lease(&self) -> Lease {
        self.lease.clone()
    }

    /// Submits the request, which is durable now, to the scheduler.
    pub fn submit(mut self) {
        if let Some((request, slot)) = self.pending.take() {
            let expires_at = self.lease.expires_at;
            let lease = HeldLease::new(RequestKey::from(&*request), &self.left_behind);
            let leased = LeasedRequest { request, expires_at, slot, lease };
            self.queue.submitted.lock().push_back(leased);
            self.queue.changed.notify_one();
        }
    }

    /// Frees the slot, because the request was certainly not stored.
    pub fn cancel(mut self) {
        self.pending = None;
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if let Some((request, _)) = self.pending.take() {
            self.queue.abandoned.lock().push(request);
            self.queue.changed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_data::{at, request};

    fn dispatch(slots: usize) -> LocalDispatch {
        LocalDispatch::new("one", Duration::from_secs(20), slots)
    }

    fn key() -> RequestKey {
        RequestKey::from(&request())
    }

    #[test]
    fn a_submitted_request_keeps_its_slot_until_it_was_attempted() {
        let dispatch = dispatch(2);
        let reservation = dispatch.reserve(&request().into(), at(5)).unwrap();
        assert_eq!(reservation.lease().expires_at, at(25));
        reservation.submit();
        assert!(dispatch.reserve(&request().into(), at(5)).is_none());
        let submitted = dispatch.take_submitted(10);
        assert_eq!(submitted.len(), 1);
        assert!(dispatch.reserve(&request().into(), at(5)).is_none());
        drop(submitted);
        assert!(dispatch.reserve(&request().into(), at(5)).is_some());
    }

    #[test]
    fn a_cancelled_reservation_leaves_nothing_behind() {
        let dispatch = dispatch(2);
        dispatch.reserve(&request().into(), at(0)).unwrap().cancel();
        assert!(dispatch.take_abandoned().is_empty());
        assert!(dispatch.reserve(&request().into(), at(0)).is_some());
    }

    #[test]
    fn an_abandoned_reservation_frees_its_slot_and_its_lease_is_released() {
        let dispatch = dispatch(2);
        drop(dispatch.reserve(&request().into(), at(0)));
        assert_eq!(dispatch.take_abandoned(), [key()]);
        assert!(dispatch.reserve(&request().into(), at(0)).is_some());
    }
}
