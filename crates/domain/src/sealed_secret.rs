//! A secret that can be shown again only to whoever has seen it before (§4, §11).

use hmac::Mac;

use crate::secret_key::mac;

const SECRET: usize = 32;
const TAG: usize = 8;

/// How many bytes a sealed secret has.
pub const LENGTH: usize = SECRET + TAG;

/// A secret of 32 bytes, sealed with another secret that is not kept: without that one nobody can
/// open it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SealedSecret([u8; LENGTH]);

impl SealedSecret {
    /// Seals a secret of 64 hexadecimal digits for one purpose, which is never used twice with the
    /// same `key`. `None` if it is no such secret.
    #[must_use]
    pub fn seal(secret: &str, key: &str, purpose: &str) -> Option<Self> {
        let mut bytes = [0; SECRET];
        hex::decode_to_slice(secret, &mut bytes).ok()?;
        let tag = tag(&bytes, key, purpose);
        let sealed = masked(bytes, key, purpose);
        let mut all = [0; LENGTH];
        all.iter_mut().zip(sealed.into_iter().chain(tag)).for_each(|(place, byte)| *place = byte);
        Some(Self(all))
    }

    /// The secret, if this is the key with which it was sealed for this purpose.
    #[must_use]
    pub fn open(&self, key: &str, purpose: &str) -> Option<String> {
        let sealed = *self.0.first_chunk::<SECRET>()?;
        let bytes = masked(sealed, key, purpose);
        let is_right = self.0.last_chunk::<TAG>() == Some(&tag(&bytes, key, purpose));
        is_right.then(|| hex::encode(bytes))
    }

    /// As it is kept.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; LENGTH] {
        &self.0
    }

    /// From what is kept.
    #[must_use]
    pub fn from_bytes(bytes: [u8; LENGTH]) -> Self {
        Self(bytes)
    }
}

impl std::fmt::Debug for SealedSecret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("SealedSecret(…)")
    }
}

/// Masks the bytes, or takes the mask off again.
fn masked(mut bytes: [u8; SECRET], key: &str, purpose: &str) -> [u8; SECRET] {
    let mask = mac(key.as_bytes(), format!("mask of {purpose}").as_bytes()).finalize().into_bytes();
    bytes.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
    bytes
}

/// By this a wrong key is noticed.
fn tag(bytes: &[u8; SECRET], key: &str, purpose: &str) -> [u8; TAG] {
    let whole = mac(key.as_bytes(), &[b"tag of ", purpose.as_bytes(), b"\0", bytes].concat())
        .finalize()
        .into_bytes();
    let mut tag = [0; TAG];
    tag.iter_mut().zip(whole).for_each(|(place, byte)| *place = byte);
    tag
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_key_that_sealed_it_opens_it_and_only_for_its_purpose() {
        let secret = "0f".repeat(32);
        let sealed = SealedSecret::seal(&secret, "key", "app 1").unwrap();
        assert_eq!(sealed.open("key", "app 1"), Some(secret.clone()));
        assert_eq!(sealed.open("other", "app 1"), None);
        assert_eq!(sealed.open("key", "app 2"), None);
        assert!(!hex::encode(sealed.as_bytes()).contains(&secret[..16]));
        assert!(SealedSecret::seal("not hexadecimal", "key", "app 1").is_none());
    }
}
