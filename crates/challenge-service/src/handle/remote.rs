//! A challenge service elsewhere, over HTTP.

use std::time::Duration;

use client::{ChallengeServiceClient, ClientError};
use domain::ClockAndRng;
use domain::challenge::Challenge;

use super::error::ChallengeServiceError;

/// How long a challenge service elsewhere may take.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// To create a challenge.
    pub hand_over: Duration,
    /// To answer a read that a caller waits for.
    pub read: Duration,
}

/// A challenge service elsewhere, over HTTP. It has two clients, because a caller who waits for a
/// read has less time than the scheduler.
pub struct RemoteChallengeService {
    pub(super) for_hand_over: ChallengeServiceClient,
    pub(super) for_reads: ChallengeServiceClient,
    pub(super) clock_and_rng: ClockAndRng,
}

impl RemoteChallengeService {
    /// A challenge service at this base URL, with the token of its service surface (§10).
    ///
    /// # Errors
    /// When the URL or the token is malformed.
    pub fn new(
        url: &str,
        token: &str,
        timeouts: Timeouts,
        clock_and_rng: ClockAndRng,
    ) -> Result<Self, ClientError> {
        Ok(Self {
            for_hand_over: ChallengeServiceClient::new(url, token, timeouts.hand_over)?,
            for_reads: ChallengeServiceClient::new(url, token, timeouts.read)?,
            clock_and_rng,
        })
    }

    /// Reads an answer. A malformed answer is a temporary error, not a refusal: the service may be
    /// repaired or replaced.
    pub(super) fn challenge(
        &self,
        body: wire::challenge::Challenge,
    ) -> Result<Challenge, ChallengeServiceError> {
        body.into_domain(self.clock_and_rng.now()).map_err(ChallengeServiceError::unavailable)
    }
}
