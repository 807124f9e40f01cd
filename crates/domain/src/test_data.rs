//! Values that several unit tests of this crate need.

use crate::challenge::Challenge;
use crate::{ChallengeId, Timestamp};

/// An active challenge that was created at `created_at`.
pub(crate) fn challenge(created_at: Timestamp) -> Challenge {
    Challenge {
        id: ChallengeId::from_bytes([0; 16]),
        title: "BankID".into(),
        description: None,
        created_at,
        expires_at: Challenge::expiry(created_at),
        completed_at: None,
        is_closed: false,
        stamp_limit: None,
    }
}
