//! The part of JOSE that a relying party needs, on ring: signatures that are verified and made,
//! key sets, and tokens that are decrypted (RFC 7515 to 7518, RFC 8037).

pub(crate) mod base64;
pub(crate) mod jwe;
pub(crate) mod jwk;
pub(crate) mod jws;
pub(crate) mod own_keys;

/// Why a token or a key is refused. The text is for an operator and holds nothing of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct JoseError(pub(crate) &'static str);
