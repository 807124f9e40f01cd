//! One line in the log for an outage, not one for each request that it fails.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::StoreError;

/// While an outage lasts, or comes and goes, it is told this often at most.
const PERIOD: Duration = Duration::from_mins(1);

/// Whether a database is available, as the last operations found. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outage(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    told_at: Option<Instant>,
    /// The failures that were not told.
    untold: u64,
    is_told: bool,
}

/// What is to be told.
#[derive(Debug, PartialEq, Eq)]
enum News {
    /// The database is unavailable, and this many failures were not told.
    Away(u64),
    /// It works again, after it was said to be unavailable.
    Back,
}

impl Outage {
    /// Notes the result of an operation on the database of this name.
    pub(crate) fn note<T>(&self, database: &str, result: &Result<T, StoreError>) {
        let failure = match result {
            Err(error @ StoreError::Unavailable { .. }) => Some(error),
            Err(_) => return,
            Ok(_) => None,
        };
        match (self.0.lock().note(failure.is_some(), Instant::now()), failure) {
            (Some(News::Away(others)), Some(error)) => {
                tracing::error!(database, %error, others, "the database is unavailable");
            }
            (Some(News::Back), _) => tracing::warn!(database, "the database is available again"),
            _ => {}
        }
    }
}

impl State {
    fn note(&mut self, is_failure: bool, now: Instant) -> Option<News> {
        if !is_failure {
            return std::mem::take(&mut self.is_told).then_some(News::Back);
        }
        if self.told_at.is_some_and(|told_at| now.duration_since(told_at) < PERIOD) {
            self.untold += 1;
            return None;
        }
        self.told_at = Some(now);
        self.is_told = true;
        Some(News::Away(std::mem::take(&mut self.untold)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_told_once_a_minute_and_its_end_once() {
        let mut state = State::default();
        let start = Instant::now();
        assert_eq!(state.note(false, start), None);
        assert_eq!(state.note(true, start), Some(News::Away(0)));
        for second in 1..60 {
            assert_eq!(state.note(true, start + Duration::from_secs(second)), None);
        }
        assert_eq!(state.note(true, start + PERIOD), Some(News::Away(59)));
        assert_eq!(state.note(false, start + PERIOD), Some(News::Back));
        assert_eq!(state.note(false, start + PERIOD), None);
        // One that comes and goes is not told each time.
        assert_eq!(state.note(true, start + PERIOD), None);
        assert_eq!(state.note(false, start + PERIOD), None);
    }
}
