//! The deployment's secret key and the HMACs made with it (§10).

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::Randomness;

/// A key of 32 bytes. `Debug` does not show it, and it cannot be compared with `==`.
#[derive(Clone)]
pub struct SecretKey([u8; 32]);

impl SecretKey {
    /// A random key.
    #[must_use]
    pub fn random(randomness: &dyn Randomness) -> Self {
        let mut bytes = [0; 32];
        randomness.fill(&mut bytes);
        Self(bytes)
    }

    /// Parses 64 hexadecimal digits; `None` for any other text.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }

    /// The key as 64 hexadecimal digits. They are as secret as the key: write them to its file
    /// only.
    #[must_use]
    pub fn to_hex(&self) -> String {
        hex::encode(self.0)
    }

    /// A key for one purpose: the HMAC of its name. It reveals nothing about this key or the key
    /// for another purpose.
    ///
    /// This is not HKDF, and it must stay as it is: participation tokens, subject and browser
    /// hashes and the recorded deployment settings in existing databases depend on it.
    #[must_use]
    pub fn derive(&self, purpose: &str) -> Self {
        Self(self.tag(purpose.as_bytes()))
    }

    /// The HMAC-SHA256 of `data`.
    #[must_use]
    pub fn tag(&self, data: &[u8]) -> [u8; 32] {
        self.mac(data).finalize().into_bytes().into()
    }

    /// Whether `tag` is the HMAC-SHA256 of `data`. The comparison takes constant time.
    #[must_use]
    pub fn verifies(&self, data: &[u8], tag: &[u8]) -> bool {
        self.mac(data).verify_slice(tag).is_ok()
    }

    fn mac(&self, data: &[u8]) -> Hmac<Sha256> {
        mac(&self.0, data)
    }
}

/// HMAC-SHA256 over `data` with a key of any length. Compare it with `verify_slice`, which takes
/// constant time.
#[expect(
    clippy::expect_used,
    reason = "HMAC takes keys of any length: longer ones are hashed, shorter ones padded"
)]
#[must_use]
pub fn mac(key: &[u8], data: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
    mac.update(data);
    mac
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecretKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_an_hmac_sha256() {
        // RFC 4231, test case 1, with a longer key; computed with another implementation.
        let key = SecretKey::from_hex(&"0b".repeat(32)).unwrap();
        let expected = "198a607eb44bfbc69903a0f1cf2bbdc5ba0aa3f3d9ae3c1c7a3b1696a0b68cf7";
        assert_eq!(hex::encode(key.tag(b"Hi There")), expected);
        assert!(key.verifies(b"Hi There", &hex::decode(expected).unwrap()));
        assert!(!key.verifies(b"Hi there", &hex::decode(expected).unwrap()));
    }

    #[test]
    fn a_key_is_not_shown_in_debug_output() {
        let key = SecretKey::from_hex(&"ab".repeat(32)).unwrap();
        assert_eq!(format!("{key:?}"), "SecretKey(…)");
        assert_eq!(key.to_hex(), "ab".repeat(32));
    }

    #[test]
    fn every_purpose_has_another_key() {
        let key = SecretKey::from_hex(&"ab".repeat(32)).unwrap();
        assert_ne!(key.derive("one").tag(b"x"), key.derive("two").tag(b"x"));
    }
}
