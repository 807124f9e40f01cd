use domain::Timestamp;
use domain::idempotency::{Fingerprint, IdempotencyKey};

/// The idempotency of one request: stored in the transaction that stores what the request makes (§4).
#[derive(Clone, Debug)]
pub struct Idempotency {
    /// The key that the client chose.
    pub key: IdempotencyKey,
    /// What the client asked for.
    pub fingerprint: Fingerprint,
    /// From when on the key is as good as new.
    pub expires_at: Timestamp,
}
