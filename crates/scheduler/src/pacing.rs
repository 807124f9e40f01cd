//! Pacing: how many attempts run at once, and how long the scheduler pauses between them.

use std::time::Duration;

use challenge_service::handle::Capacity;

/// The shortest pause: requests that are ordered meanwhile are handed over together.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);

/// The longest pause: an attempt that took longer than usual was itself kept waiting.
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// How a challenge service takes requests.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pacing {
    /// How many attempts run at once.
    pub(crate) attempts: usize,
    /// How many requests share an attempt.
    pub(crate) batch: usize,
    pauses: bool,
}

impl Pacing {
    /// In the same process one attempt at a time takes many requests, and pauses leave the
    /// databases to those who order. Over HTTP each request is an attempt, and none waits for
    /// another.
    pub(crate) fn of(capacity: Capacity) -> Self {
        match capacity {
            Capacity::Batches(batch) => Self { attempts: 1, batch, pauses: true },
            Capacity::Connections(attempts) => Self { attempts, batch: 1, pauses: false },
        }
    }

    /// The pause after an attempt that took so long: half of that, within bounds.
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
