//! The deployment's own secret, from which every keyed hash is made (§10).

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::Randomness;

/// 32 secret bytes. Never printed; compared only through [`SecretKey::verifies`].
#[derive(Clone)]
pub struct SecretKey([u8; 32]);

impl SecretKey {
    /// A new, random one.
    #[must_use]
    pub fn random(randomness: &dyn Randomness) -> Self {
        let mut bytes = [0; 32];
        randomness.fill(&mut bytes);
        Self(bytes)
    }

    /// From the 64 hexadecimal digits in which it is kept; `None` for anything else.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }

    /// The 64 hexadecimal digits in which it is kept. A secret: for its file only.
    #[must_use]
    pub fn to_hex(&self) -> String {
        hex::encode(self.0)
    }

    /// A key for one purpose. What is made with it says nothing about this key, or about another
    /// purpose's.
    #[must_use]
    pub fn derive(&self, purpose: &str) -> Self {
        Self(self.tag(purpose.as_bytes()))
    }

    /// The keyed hash (HMAC-SHA256) of `data`.
    #[must_use]
    pub fn tag(&self, data: &[u8]) -> [u8; 32] {
        self.mac(data).finalize().into_bytes().into()
    }

    /// Whether `tag` is the keyed hash of `data`, in a time that does not depend on where they
    /// differ.
    #[must_use]
    pub fn verifies(&self, data: &[u8], tag: &[u8]) -> bool {
        self.mac(data).verify_slice(tag).is_ok()
    }

    fn mac(&self, data: &[u8]) -> Hmac<Sha256> {
        mac(&self.0, data)
    }
}

/// The keyed hash (HMAC-SHA256) of `data` under a key of any length, ready to be read or compared.
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
    fn is_the_standard_keyed_hash() {
        // RFC 4231, test case 2, has a short key; this one is our length, checked with another
        // implementation.
        let key = SecretKey::from_hex(&"0b".repeat(32)).unwrap();
        let expected = "198a607eb44bfbc69903a0f1cf2bbdc5ba0aa3f3d9ae3c1c7a3b1696a0b68cf7";
        assert_eq!(hex::encode(key.tag(b"Hi There")), expected);
        assert!(key.verifies(b"Hi There", &hex::decode(expected).unwrap()));
        assert!(!key.verifies(b"Hi there", &hex::decode(expected).unwrap()));
    }

    #[test]
    fn is_never_printed() {
        let key = SecretKey::from_hex(&"ab".repeat(32)).unwrap();
        assert_eq!(format!("{key:?}"), "SecretKey(…)");
        assert_eq!(key.to_hex(), "ab".repeat(32));
    }

    #[test]
    fn purposes_do_not_share_a_key() {
        let key = SecretKey::from_hex(&"ab".repeat(32)).unwrap();
        assert_ne!(key.derive("one").tag(b"x"), key.derive("two").tag(b"x"));
    }
}
