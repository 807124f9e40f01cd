//! Slots bound how many challenge requests this process has leased at once.

use std::sync::Arc;

use domain::Timestamp;
use domain::challenge_request::ChallengeRequest;
use parking_lot::Mutex;
use store_workspace::RequestKey;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The slots of one scheduler. Clones share them.
#[derive(Clone)]
pub(crate) struct Slots {
    semaphore: Arc<Semaphore>,
    /// How many slots are reserved for requests in the table, which are older than new ones.
    reserved_for_due: usize,
}

/// Taken slots. Dropping them frees them.
#[derive(Debug)]
pub(crate) struct TakenSlots(OwnedSemaphorePermit);

/// A lease of this scheduler. One that is dropped before its attempt has been recorded is left
/// behind, and is released by its key: nothing ever looks for the leases of a holder in the table.
pub(crate) struct HeldLease {
    key: Option<RequestKey>,
    left_behind: LeftBehind,
}

/// The requests whose leases were left behind. Clones share it.
pub(crate) type LeftBehind = Arc<Mutex<Vec<RequestKey>>>;

impl HeldLease {
    pub(crate) fn new(key: RequestKey, left_behind: &LeftBehind) -> Self {
        Self { key: Some(key), left_behind: Arc::clone(left_behind) }
    }

    /// The lease is over: the end of its attempt is recorded.
    pub(crate) fn settle(&mut self) {
        self.key = None;
    }
}

impl Drop for HeldLease {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            self.left_behind.lock().push(key);
        }
    }
}

/// A challenge request that only this scheduler may attempt.
pub(crate) struct LeasedRequest {
    pub(crate) request: Arc<ChallengeRequest>,
    /// When the lease ends.
    pub(crate) expires_at: Timestamp,
    pub(crate) slot: TakenSlots,
    pub(crate) lease: HeldLease,
}

impl Slots {
    pub(crate) fn new(count: usize) -> Self {
        Self { semaphore: Arc::new(Semaphore::new(count)), reserved_for_due: count / 2 }
    }

    /// A slot for a request that is about to be stored.
    pub(crate) fn take_for_new(&self) -> Option<TakenSlots> {
        if self.semaphore.available_permits() <= self.reserved_for_due {
            return None;
        }
        Arc::clone(&self.semaphore).try_acquire_owned().ok().map(TakenSlots)
    }

    /// At most `limit` slots for requests from the table; `None` if no slot is free.
    pub(crate) fn take_for_due(&self, limit: usize) -> Option<TakenSlots> {
        let free = self.semaphore.available_permits().min(limit);
        let free = u32::try_from(free).ok().filter(|free| *free > 0)?;
        Arc::clone(&self.semaphore).try_acquire_many_owned(free).ok().map(TakenSlots)
    }
}

impl TakenSlots {
    pub(crate) fn len(&self) -> usize {
        self.0.num_permits()
    }

    /// Gives each request a slot, and frees the remaining slots.
    pub(crate) fn fill(
        mut self,
        requests: Vec<ChallengeRequest>,
        expires_at: Timestamp,
        left_behind: &LeftBehind,
    ) -> Vec<LeasedRequest> {
        let lease = |request: ChallengeRequest| {
            let lease = HeldLease::new(RequestKey::from(&request), left_behind);
            let request = Arc::new(request);
            let slot = Self(self.0.split(1)?);
            Some(LeasedRequest { request, expires_at, slot, lease })
        };
        requests.into_iter().map_while(lease).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_data::{at, request};

    #[test]
    fn new_requests_leave_half_of_the_slots_to_those_in_the_table() {
        let slots = Slots::new(4);
        let taken = [slots.take_for_new().unwrap(), slots.take_for_new().unwrap()];
        assert!(slots.take_for_new().is_none());
        let due = slots.take_for_due(10).unwrap();
        assert_eq!((due.len(), slots.take_for_due(1).is_none()), (2, true));
        drop((taken, due));
        assert_eq!(slots.take_for_due(10).unwrap().len(), 4);
    }

    #[test]
    fn slots_that_no_request_fills_are_free_again() {
        let slots = Slots::new(3);
        let filled =
            slots.take_for_due(2).unwrap().fill(vec![request()], at(20), &LeftBehind::default());
        assert_eq!((filled.len(), slots.take_for_due(3).unwrap().len()), (1, 2));
    }
}
