//! How it goes with a provider, for metrics and `doctor`.

use std::sync::{Mutex, PoisonError};

use domain::Timestamp;
use domain::verification::FailureReason;

use crate::Failure;

/// How it goes with a provider. Nothing in it is of a tester.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// When discovery was last read.
    pub last_discovery: Option<Timestamp>,
    /// The detail of the last failure that is not the tester's own doing.
    pub last_error: Option<String>,
    /// Verifications that succeeded since the start of the process.
    pub succeeded: u64,
    /// Verifications that failed since the start of the process.
    pub failed: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Record(Mutex<Health>);

impl Record {
    pub(crate) fn read(&self) -> Health {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn discovered(&self, now: Timestamp) {
        self.update(|health| health.last_discovery = Some(now));
    }

    pub(crate) fn redeemed<T>(&self, result: &Result<T, Failure>) {
        self.update(|health| match result {
            Ok(_) => health.succeeded += 1,
            Err(_) => health.failed += 1,
        });
        self.noted(result);
    }

    pub(crate) fn noted<T>(&self, result: &Result<T, Failure>) {
        use FailureReason::{AssuranceTooLow, CancelledByTester, RefusedByProvider};
        if let Err(failure) = result
            && !matches!(failure.reason, AssuranceTooLow | CancelledByTester | RefusedByProvider)
        {
            self.update(|health| health.last_error = Some(failure.detail.clone()));
        }
    }

    fn update(&self, change: impl FnOnce(&mut Health)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
