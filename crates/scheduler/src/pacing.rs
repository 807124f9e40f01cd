//! Pacing: how many attempts run at once, and how long the dispatcher pauses after an attempt.

use std::time::Duration;

use challenge_service::handle::Capacity;

/// The shortest pause. Requests that arrive meanwhile share the next batch.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);

/// The longest pause. A longer attempt was itself delayed by others.
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// How attempts are paced for one challenge service.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pacing {
    /// How many attempts run at once.
    pub(crate) attempts: usize,
    /// How many requests share an attempt.
    pub(crate) batch: usize,
    pauses: bool,
}

impl Pacing {
    /// In the same process one attempt at a time takes a batch of requests, and the pauses leave
    /// the databases to new orders. Over HTTP each request is a separate attempt, and there are
    /// no pauses.
    pub(crate) fn of(capacity: Capacity) -> Self {
        match capacity {
            Capacity::Batches(batch) => Self { attempts: 1, batch, pauses: true },
            Capacity::Connections(attempts) => Self { attempts, batch: 1, pauses: false },
        }
    }

    /// The pause after an attempt: half of its duration, within bounds.
    pub(crate) fn pause_after(self, attempt: Duration) -> Option<Duration> {
        self.pauses.then(|| (attempt / 2).clamp(SHORTEST_PAUSE, LONGEST_PAUSE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_half_of_the_attempt_within_bounds() {
        let pacing = Pacing::of(Capacity::Batches(64));
        let pause = |millis| pacing.pause_after(Duration::from_millis(millis)).unwrap().as_millis();
        assert_eq!([pause(0), pause(1), pause(20), pause(1000)], [1, 1, 10, 50]);
        let pacing = Pacing::of(Capacity::Connections(64));
        assert_eq!(pacing.pause_after(Duration::from_secs(1)), None);
    }
}
