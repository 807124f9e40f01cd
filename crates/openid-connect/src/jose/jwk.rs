//! Public keys of a provider, and sets of them (RFC 7517).

use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256,
    RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde::Deserialize;

use super::JoseError;
use super::base64::decode_url;
use crate::Algorithm;

/// The greatest number of keys of a set that are looked at.
const MAX_KEYS: usize = 64;

/// The public keys of a provider that this crate can use.
#[derive(Debug, Default)]
pub(crate) struct KeySet(Vec<Key>);

/// One public key for signatures.
#[derive(Debug)]
pub(crate) struct Key {
    kid: Option<String>,
    algorithm: Option<String>,
    material: Material,
}

#[derive(Debug)]
enum Material {
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
    P256(Vec<u8>),
    Ed25519(Vec<u8>),
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Members {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl KeySet {
    /// Reads a key set. Keys of other kinds are passed over, as RFC 7517 wants, and so is whatever
    /// comes after the first 64.
    pub(crate) fn from_json(bytes: &[u8]) -> Result<Self, JoseError> {
        let document: Document =
            serde_json::from_slice(bytes).map_err(|_| JoseError("the key set is not JSON"))?;
        let keys = document.keys.into_iter().take(MAX_KEYS).filter_map(Key::from_value);
        Ok(Self(keys.collect()))
    }

    /// The keys that may have made a signature: of the algorithm's type and, if the token names
    /// one, with that `kid`. Several keys with one `kid` are all candidates.
    pub(crate) fn candidates<'a>(
        &'a self,
        algorithm: Algorithm,
        kid: Option<&'a str>,
    ) -> impl Iterator<Item = &'a Key> {
        self.0.iter().filter(move |key| {
            key.fits(algorithm) && kid.is_none_or(|kid| key.kid.as_deref() == Some(kid))
        })
    }

    /// Whether some key can verify this algorithm.
    pub(crate) fn has(&self, algorithm: Algorithm) -> bool {
        self.candidates(algorithm, None).next().is_some()
    }

    /// The number of keys that can be used.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Key {
    fn from_value(value: serde_json::Value) -> Option<Self> {
        let members: Members = serde_json::from_value(value).ok()?;
        let is_for_signatures = members.purpose.as_deref().is_none_or(|purpose| purpose == "sig")
            && members.key_ops.as_ref().is_none_or(|uses| uses.iter().any(|one| one == "verify"));
        let decoded = |text: &Option<String>| decode_url(text.as_deref()?);
        let of_length = |text| decoded(text).filter(|bytes| bytes.len() == 32);
        let material = match (members.kty.as_str(), members.crv.as_deref()) {
            ("RSA", _) => {
                let modulus = without_leading_zeros(decoded(&members.n)?);
                let exponent = without_leading_zeros(decoded(&members.e)?);
                Material::Rsa { modulus, exponent }
            }
            ("EC", Some("P-256")) => {
                let point = [vec![4], of_length(&members.x)?, of_length(&members.y)?];
                Material::P256(point.concat())
            }
            ("OKP", Some("Ed25519")) => Material::Ed25519(of_length(&members.x)?),
            _ => return None,
        };
        is_for_signatures.then_some(Self { kid: members.kid, algorithm: members.alg, material })
    }

    fn fits(&self, algorithm: Algorithm) -> bool {
        let is_of_type = matches!(
            (&self.material, algorithm),
            (Material::Rsa { .. }, Algorithm::Rs256 | Algorithm::Ps256)
                | (Material::P256(_), Algorithm::Es256)
                | (Material::Ed25519(_), Algorithm::EdDsa)
        );
        let is_named = |name: &str| Algorithm::from_name(name) == Some(algorithm);
        is_of_type && self.algorithm.as_deref().is_none_or(is_named)
    }

    /// Whether this key made `signature` over `message`. RSA keys below 2048 bits never did.
    pub(crate) fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let result = match (&self.material, algorithm) {
            (Material::Rsa { modulus, exponent }, Algorithm::Rs256 | Algorithm::Ps256) => {
                let scheme = match algorithm {
                    Algorithm::Ps256 => &RSA_PSS_2048_8192_SHA256,
                    _ => &RSA_PKCS1_2048_8192_SHA256,
                };
                let key = RsaPublicKeyComponents { n: modulus, e: exponent };
                key.verify(scheme, message, signature)
            }
            (Material::P256(point), Algorithm::Es256) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature)
            }
            (Material::Ed25519(point), Algorithm::EdDsa) => {
                UnparsedPublicKey::new(&ED25519, point).verify(message, signature)
            }
            _ => return false,
        };
        result.is_ok()
    }
}

/// ring takes numbers without leading zeros; some providers send them.
fn without_leading_zeros(bytes: Vec<u8>) -> Vec<u8> {
    bytes.into_iter().skip_while(|byte| *byte == 0).collect()
}
