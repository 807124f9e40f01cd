//! What things are called (§1).

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use uuid::Uuid;

use crate::{Clock, Randomness, base62};

/// The text is not an id of the kind that was asked for. To a caller that is the same as an id
/// nobody has: not found.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid id")]
pub struct MalformedId;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// From the sixteen bytes that the database keeps.
            #[must_use]
            pub fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// The sixteen bytes that the database keeps; time-ordered ids sort by them.
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
                // One spelling per id: the 36 characters with hyphens, in lower case.
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
    /// A workspace API key's id, which may be shown, unlike its secret: `key_` and a UUID (§2).
    ApiKeyId,
    "key_"
);
uuid_id!(
    /// An event, however it is delivered: `evt_` and a UUID (§7).
    EventId,
    "evt_"
);

impl EventId {
    /// The id that is made of this hash: a UUID of version 8.
    pub(crate) fn of_hash(hash: [u8; 32]) -> Self {
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(hash).for_each(|(byte, hashed)| *byte = hashed);
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }
}

impl ChallengeId {
    /// The id of the one challenge that this request can become: the same UUID under another
    /// prefix.
    ///
    /// So the primary key alone makes sure that one request has one challenge (§9), on any number
    /// of machines and without a second unique index, and challenges sort as their requests do.
    #[must_use]
    pub fn of(request: RequestId) -> Self {
        Self(request.0)
    }
}

/// An app's public name: 8 letters and digits (§1).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(String);

impl ClientId {
    const LENGTH: usize = 8;

    /// A new, random one (47 bits: the table's unique index decides whether it is free).
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
    const LONGEST: usize = 64;

    /// A new, random one (119 bits).
    #[must_use]
    pub fn random(randomness: &dyn Randomness) -> Self {
        Self(format!("{}{}", Self::PREFIX, base62::random(randomness, 20)))
    }

    /// The whole text.
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
            && text.len() <= Self::LONGEST
            && opaque.bytes().all(|byte| byte.is_ascii_alphanumeric());
        valid.then(|| Self(text.to_owned())).ok_or(MalformedId)
    }
}

/// A provider of electronic identities, as the catalogue calls it: `bankidse`, `no-bankid` (§11).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProviderId(String);

impl ProviderId {
    const LONGEST: usize = 64;

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
        let valid = !text.is_empty() && text.len() <= Self::LONGEST && text.bytes().all(allowed);
        valid.then(|| Self(text.to_owned())).ok_or(MalformedId)
    }
}

/// Makes new ids: UUIDs of version 7 that ascend even within one millisecond, so that the order of
/// ids is the order of creation and inserts stay at the right edge of an index.
pub struct Ids {
    clock: Arc<dyn Clock>,
    randomness: Arc<dyn Randomness>,
    last: Mutex<u128>,
}

/// The random part of a version 7 UUID has 74 bits; above it stand the milliseconds.
const RANDOM_BITS: u32 = 74;

impl Ids {
    /// A maker of ids for this clock and this source of chance.
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

        // A number is whole or not written at all: a poisoned lock hides nothing broken.
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = if fresh >> RANDOM_BITS > *last >> RANDOM_BITS {
            fresh
        } else {
            // The same millisecond again, or a clock that went back: step forward by a random
            // amount.
            *last + 1 + u128::from(random as u32)
        };
        version_7(*last)
    }
}

/// Spreads a number of 48 + 74 bits over a UUID, around its version and variant.
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

    fn ids_at(millis: i64) -> Ids {
        let clock = ManualClock::at(Timestamp::from_millis(millis));
        Ids::new(Arc::new(clock), Arc::new(SeededRandomness::from_seed(7)))
    }

    #[test]
    fn ids_ascend_even_while_the_clock_stands_still() {
        let ids = ids_at(1_775_642_400_000);
        let made: Vec<RequestId> = (0..1000).map(|_| ids.request()).collect();
        assert!(made.is_sorted_by(|one, next| one < next));
    }

    #[test]
    fn a_new_id_is_a_version_7_uuid_of_the_present() {
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
