//! Signed tokens in the compact form (RFC 7515).

use serde::Deserialize;

use super::JoseError;
use super::base64::decode_url;
use super::jwk::KeySet;
use crate::Algorithm;

/// The greatest length of a token, in bytes.
const MAX_LENGTH: usize = 256 * 1024;

/// The greatest number of keys that are tried for one signature: a set in which every key has the
/// same `kid` must not cost 64 RSA operations.
const MAX_ATTEMPTS: usize = 8;

/// A token whose signature is not checked yet.
pub(crate) struct Unverified<'a> {
    pub(crate) algorithm: Algorithm,
    pub(crate) kid: Option<String>,
    signed: &'a str,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<serde_json::Value>,
    b64: Option<serde_json::Value>,
}

impl<'a> Unverified<'a> {
    /// Takes a token apart and checks its header: the algorithm is one of `allowed`, which can hold
    /// neither `none` nor a symmetric one, and nothing is critical, since we know no extension.
    pub(crate) fn parse(token: &'a str, allowed: &[Algorithm]) -> Result<Self, JoseError> {
        if token.len() > MAX_LENGTH {
            return Err(JoseError("the token is too long"));
        }
        let malformed = JoseError("the token is no signed token in the compact form");
        let (signed, signature) = token.rsplit_once('.').ok_or(malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(malformed)?;
        let header = decode_url(header).ok_or(malformed)?;
        // serde refuses a member that comes twice.
        let header: Header = serde_json::from_slice(&header).map_err(|_| malformed)?;
        if header.crit.is_some() || header.b64.is_some() {
            return Err(JoseError("the token's header has a critical extension"));
        }
        let algorithm = Algorithm::from_name(&header.alg)
            .filter(|algorithm| allowed.contains(algorithm))
            .ok_or(JoseError("the token is signed with an algorithm that is not allowed"))?;
        Ok(Self {
            algorithm,
            kid: header.kid,
            signed,
            payload: decode_url(payload).ok_or(malformed)?,
            signature: decode_url(signature).ok_or(malformed)?,
        })
    }

    /// Whether the set has a key that this token may be signed with.
    pub(crate) fn is_known_to(&self, keys: &KeySet) -> bool {
        keys.candidates(self.algorithm, self.kid.as_deref()).next().is_some()
    }

    /// The payload, if one of the keys made the signature.
    pub(crate) fn verify(&self, keys: &KeySet) -> Result<&[u8], JoseError> {
        let mut candidates = keys.candidates(self.algorithm, self.kid.as_deref());
        let signed = self.signed.as_bytes();
        let is_valid = candidates
            .by_ref()
            .take(MAX_ATTEMPTS)
            .any(|key| key.verifies(self.algorithm, signed, &self.signature));
        let refused = JoseError("the token's signature is not from a key of the provider");
        is_valid.then_some(self.payload.as_slice()).ok_or(refused)
    }
}
