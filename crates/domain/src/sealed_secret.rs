//! A secret that is stored encrypted with the API key of the request that created it (§4, §11).
//!
//! The database holds only a hash of that API key, so it cannot open what it stores.
//!
//! The cipher is ChaCha20-Poly1305 (RFC 8439). HKDF-SHA256 (RFC 5869) derives its key from the API
//! key, which has 196 random bits. The nonce is 12 bytes of the injected [`Randomness`] and is
//! stored in front of the ciphertext. Random nonces are safe here: under one API key a nonce
//! repeats with a probability of 2⁻³³ after 2³² secrets, and a workspace creates and rotates far
//! fewer. The context is authenticated, so a sealed secret cannot be moved to another record.

use std::fmt;

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce};
use ring::hkdf::{HKDF_SHA256, Salt};

use crate::Randomness;

/// Separates the derived key from any other that is ever derived from an API key.
const KEY_PURPOSE: &[&[u8]] = &[b"fieldtest sealed secret v1"];

/// A secret encrypted with an API key: nonce, ciphertext, tag.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedSecret(Vec<u8>);

impl SealedSecret {
    /// Encrypts `secret` with `api_key`. Only the same key and the same `context` open it.
    #[expect(clippy::expect_used, reason = "ring refuses only messages of 256 GiB and more")]
    #[must_use]
    pub fn seal(secret: &str, api_key: &str, context: &str, randomness: &dyn Randomness) -> Self {
        let mut nonce = [0; NONCE_LEN];
        randomness.fill(&mut nonce);
        let mut message = secret.as_bytes().to_vec();
        key(api_key)
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(context),
                &mut message,
            )
            .expect("a short message");
        Self([&nonce[..], &message].concat())
    }

    /// Decrypts the secret. `None` if it was sealed with another key or context, or in the format
    /// that preceded ChaCha20-Poly1305.
    #[must_use]
    pub fn open(&self, api_key: &str, context: &str) -> Option<String> {
        let (nonce, message) = self.0.split_first_chunk()?;
        let mut message = message.to_vec();
        let secret = key(api_key)
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(context), &mut message)
            .ok()?;
        String::from_utf8(secret.to_vec()).ok()
    }

    /// The bytes that the database stores.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// From the bytes that the database stores. Any bytes are accepted; [`SealedSecret::open`]
    /// checks them.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

#[expect(clippy::expect_used, reason = "HKDF-SHA256 yields any key of up to 8160 bytes")]
fn key(api_key: &str) -> LessSafeKey {
    let prk = Salt::new(HKDF_SHA256, &[]).extract(api_key.as_bytes());
    let okm = prk.expand(KEY_PURPOSE, &CHACHA20_POLY1305).expect("a key of 32 bytes");
    LessSafeKey::new(okm.into())
}

impl fmt::Debug for SealedSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SealedSecret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SeededRandomness;

    const SECRET: &str = "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f";

    fn sealed() -> SealedSecret {
        SealedSecret::seal(SECRET, "key", "app 1", &SeededRandomness::from_seed(1))
    }

    #[test]
    fn only_the_same_key_and_context_open_a_secret() {
        assert_eq!(sealed().open("key", "app 1").as_deref(), Some(SECRET));
        assert_eq!(sealed().open("other", "app 1"), None);
        assert_eq!(sealed().open("key", "app 2"), None);
    }

    #[test]
    fn a_changed_or_shortened_message_is_not_opened() {
        let bytes = sealed().as_bytes().to_vec();
        for position in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[position] ^= 1;
            assert_eq!(SealedSecret::from_bytes(&changed).open("key", "app 1"), None, "{position}");
            let shortened = SealedSecret::from_bytes(&bytes[..position]);
            assert_eq!(shortened.open("key", "app 1"), None, "{position}");
        }
    }

    #[test]
    fn the_same_secret_is_sealed_differently_each_time() {
        let randomness = SeededRandomness::from_seed(1);
        let seal = || SealedSecret::seal(SECRET, "key", "app 1", &randomness);
        assert_ne!(seal(), seal());
    }

    /// Records in the format of version 0.1.0 (40 bytes) can still be valid right after an upgrade.
    #[test]
    fn a_record_in_the_previous_format_is_not_opened() {
        let record =
            "c0955a604c2130be88c835e6b70976bcedcfd902a28a770a1f699e8f06fd47a69f393b47d6ae05d2";
        let sealed = SealedSecret::from_bytes(&hex::decode(record).unwrap());
        assert_eq!(sealed.open("key", "app 1"), None);
    }

    #[test]
    fn a_sealed_secret_is_not_shown_in_debug_output() {
        assert_eq!(format!("{:?}", sealed()), "SealedSecret(…)");
    }
}
