//! Slots bound how many challenge requests this process has leased at once.

use std::sync::Arc;

use domain::Timestamp;
use domain::challenge_request::ChallengeRequest;
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

/// A challenge request that only this scheduler may attempt.
pub(crate) struct LeasedRequest {
    pub(crate) request: Arc<ChallengeRequest>,
    /// When the lease ends.
    pub(crate) expires_at: Timestamp,
    pub(crate) slot: TakenSlots,
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
    ) -> Vec<LeasedRequest> {
        let lease = |request: ChallengeRequest| {
            let request = Arc::new(request);
            let slot = Self(self.0.split(1)?);
            Some(LeasedRequest { request, expires_at, slot })
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
        let filled = slots.take_for_due(2).unwrap().fill(vec![request()], at(20));
        assert_eq!((filled.len(), slots.take_for_due(3).unwrap().len()), (1, 2));
    }
}
