//! Identifiers (§1).

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{Clock, Randomness, base62};

/// The text is not an id of the expected type. The API answers it like an id that does not exist:
/// not found.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid id")]
pub struct MalformedId;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// From the sixteen bytes that the database stores.
            #[must_use]
            pub fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// The sixteen bytes that the database stores. Time-ordered ids sort by them.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, concat!($prefix, "{}"), self.0.hyphenated())
            }
        }

        impl FromStr for $name {
            type Err = MalformedId;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let uuid = text.strip_prefix($prefix).ok_or(MalformedId)?;
                // Each id has one spelling: 36 characters, with hyphens, in lower case.
                if uuid.len() != 36 || uuid.bytes().any(|byte| byte.is_ascii_uppercase()) {
                    return Err(MalformedId);
                }
                uuid.parse().map(Self).map_err(|_| MalformedId)
            }
        }
    };
}

uuid_id!(
    /// A challenge request: `req_` and a UUID (§5).
    RequestId,
    "req_"
);
uuid_id!(
    /// A challenge: `ch_` and a UUID (§6).
    ChallengeId,
    "ch_"
);
uuid_id!(
    /// A tester's participation in a challenge: `par_` and a UUID (§10).
    ParticipationId,
    "par_"
);
uuid_id!(
    /// An API key, without its secret: `key_` and a UUID (§2).
    ApiKeyId,
    "key_"
);
uuid_id!(
    /// An event: `evt_` and a UUID, the same for every delivery (§7).
    EventId,
    "evt_"
);

impl EventId {
    /// A UUID of version 8 with the first 16 bytes of this hash.
    pub(crate) fn of_hash(hash: [u8; 32]) -> Self {
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(hash).for_each(|(byte, hashed)| *byte = hashed);
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }
}

uuid_id!(
    /// The activation of a provider for an app: `act_` and a UUID (§11).
    ActivationId,
    "act_"
);

impl ActivationId {
    /// The id of the activation of this provider for this app: a UUID of version 8 with the first 16
    /// bytes of their hash.
    #[must_use]
    pub fn of(client_id: &ClientId, provider_id: &ProviderId) -> Self {
        let text = format!("activation of {} for {}", provider_id.as_str(), client_id.as_str());
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(Sha256::digest(text)).for_each(|(byte, hashed)| *byte = hashed);
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }
}

impl ChallengeId {
    /// The id of the challenge that this request can become: the same UUID with another prefix.
    ///
    /// The challenge's primary key thus guarantees one challenge per request (§9) without a second
    /// unique index, and challenges sort like their requests.
    #[must_use]
    pub fn of(request: RequestId) -> Self {
        Self(request.0)
    }
}

/// An app's client id: 8 letters and digits (§1).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(String);

impl ClientId {
    const LENGTH: usize = 8;

    /// A random client id. It has 47 bits, so a unique index has to rule out collisions.
    #[must_use]
    pub fn random(randomness: &dyn Randomness) -> Self {
        Self(base62::random(randomness, Self::LENGTH))
    }

    /// The eight characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for ClientId {
    type Err = MalformedId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let valid =
            text.len() == Self::LENGTH && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        valid.then(|| Self(text.to_owned())).ok_or(MalformedId)
    }
}

/// A workspace: `org_` and letters and digits (§1).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkspaceId(String);

impl WorkspaceId {
    const PREFIX: &str = "org_";
    const MAX_LENGTH: usize = 64;

    /// A random workspace id (119 bits).
    #[must_use]
    pub fn random(randomness: &dyn Randomness) -> Self {
        Self(format!("{}{}", Self::PREFIX, base62::random(randomness, 20)))
    }

    /// The id as text, with its prefix.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for WorkspaceId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for WorkspaceId {
    type Err = MalformedId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let opaque = text.strip_prefix(Self::PREFIX).ok_or(MalformedId)?;
        let valid = !opaque.is_empty()
            && text.len() <= Self::MAX_LENGTH
            && opaque.bytes().all(|byte| byte.is_ascii_alphanumeric());
        valid.then(|| Self(text.to_owned())).ok_or(MalformedId)
    }
}

/// A provider's id in the catalogue, such as `bankidse` or `no-bankid`: 1 to 64 characters of
/// `a-z`, `0-9` and `-` (§11).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProviderId(String);

impl ProviderId {
    const MAX_LENGTH: usize = 64;

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProviderId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for ProviderId {
    type Err = MalformedId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let valid = !text.is_empty() && text.len() <= Self::MAX_LENGTH && text.bytes().all(allowed);
        valid.then(|| Self(text.to_owned())).ok_or(MalformedId)
    }
}

/// Generates UUIDs of version 7 that ascend even within one millisecond. Ids therefore sort in the
/// order of their creation, and inserts stay at the right edge of an index.
pub struct IdGenerator {
    clock: Arc<dyn Clock>,
    randomness: Arc<dyn Randomness>,
    last: Mutex<u128>,
}

/// The random part of a version 7 UUID; the milliseconds are above it.
const RANDOM_BITS: u32 = 74;

impl IdGenerator {
    /// A generator with this clock and this source of randomness.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, randomness: Arc<dyn Randomness>) -> Self {
        Self { clock, randomness, last: Mutex::new(0) }
    }

    /// A new challenge request's id.
    #[must_use]
    pub fn request(&self) -> RequestId {
        RequestId(self.next())
    }

    /// A new participation's id.
    #[must_use]
    pub fn participation(&self) -> ParticipationId {
        ParticipationId(self.next())
    }

    /// A new API key's id.
    #[must_use]
    pub fn api_key(&self) -> ApiKeyId {
        ApiKeyId(self.next())
    }

    fn next(&self) -> Uuid {
        let mut random = [0; 16];
        self.randomness.fill(&mut random);
        let random = u128::from_le_bytes(random);
        let now = u128::from(self.clock.now().as_millis().max(0).unsigned_abs());
        let fresh = (now << RANDOM_BITS) | (random >> (128 - RANDOM_BITS));

        // Ignoring poisoning is safe: the assignment below is the only change and cannot panic.
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = if fresh >> RANDOM_BITS > *last >> RANDOM_BITS {
            fresh
        } else {
            // The same millisecond as before, or a clock that was set back: add a random step.
            *last + 1 + u128::from(random as u32)
        };
        version_7(*last)
    }
}

/// Lays out 48 + 74 bits around the version and variant of a UUID.
fn version_7(number: u128) -> Uuid {
    let time = number >> RANDOM_BITS;
    let upper = (number >> 62) & 0xfff;
    let lower = number & ((1 << 62) - 1);
    Uuid::from_u128((time << 80) | (0x7 << 76) | (upper << 64) | (0b10 << 62) | lower)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ManualClock, SeededRandomness, Timestamp};
    use proptest::prelude::*;

    fn ids_at(millis: i64) -> IdGenerator {
        let clock = ManualClock::at(Timestamp::from_millis(millis));
        IdGenerator::new(Arc::new(clock), Arc::new(SeededRandomness::from_seed(7)))
    }

    #[test]
    fn ids_ascend_while_the_clock_stands_still() {
        let ids = ids_at(1_775_642_400_000);
        let generated: Vec<RequestId> = (0..1000).map(|_| ids.request()).collect();
        assert!(generated.is_sorted_by(|one, next| one < next));
    }

    #[test]
    fn a_new_id_is_a_version_7_uuid_with_the_current_time() {
        let uuid = ids_at(1_775_642_400_000).request().0;
        assert_eq!(uuid.get_version_num(), 7);
        assert_eq!(uuid.get_variant(), uuid::Variant::RFC4122);
        let (seconds, _) = uuid.get_timestamp().unwrap().to_unix();
        assert_eq!(seconds, 1_775_642_400);
    }

    #[test]
    fn a_requests_challenge_has_the_same_uuid() {
        let request = ids_at(0).request();
        assert_eq!(
            ChallengeId::of(request).to_string(),
            request.to_string().replace("req_", "ch_")
        );
    }

    #[test]
    fn an_id_has_one_spelling() {
        let id = ids_at(0).request();
        assert_eq!(id.to_string().parse(), Ok(id));
        let uuid = id.0.hyphenated().to_string();
        for wrong in [
            uuid.clone(),
            format!("ch_{uuid}"),
            format!("req_{}", id.0.simple()),
            format!("req_{{{uuid}}}"),
            format!("req_{}", uuid.to_uppercase()),
            String::new(),
        ] {
            if wrong != id.to_string() {
                assert_eq!(wrong.parse::<RequestId>(), Err(MalformedId), "{wrong}");
            }
        }
    }

    #[test]
    fn a_client_id_is_eight_letters_and_digits() {
        assert!("FK5b0KSM".parse::<ClientId>().is_ok());
        for wrong in ["", "FK5b0KS", "FK5b0KSMM", "FK5b0KS-", "FK5b0KSé"] {
            assert_eq!(wrong.parse::<ClientId>(), Err(MalformedId), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn reading_an_id_never_panics(text in ".*") {
            let _ = text.parse::<RequestId>();
            let _ = text.parse::<ClientId>();
            let _ = text.parse::<WorkspaceId>();
            let _ = text.parse::<ProviderId>();
        }

        #[test]
        fn a_random_client_id_is_valid(seed in any::<u64>()) {
            let id = ClientId::random(&SeededRandomness::from_seed(seed));
            prop_assert!(id.as_str().parse::<ClientId>() == Ok(id));
        }
    }
}
