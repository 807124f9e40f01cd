//! Our own private keys: for `private_key_jwt` and for encrypted ID tokens.

use p256::SecretKey;
use p256::pkcs8::DecodePrivateKey;
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use serde_json::{Value, json};

use super::JoseError;
use super::base64::{decode_standard, encode_url};

/// A key that signs client assertions: RS256 or ES256, as the file has it.
pub(crate) struct SigningKey {
    pair: Pair,
    kid: String,
}

enum Pair {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair, SecretKey),
}

impl SigningKey {
    /// Reads a private key: PKCS#8, or an RSA or EC key in its older form.
    pub(crate) fn from_pem(pem: &str) -> Result<Self, JoseError> {
        let (label, der) = read_pem(pem)?;
        let refused = JoseError("the private key is neither RSA of 2048 bits or more nor P-256");
        let rsa = match label {
            "RSA PRIVATE KEY" => RsaKeyPair::from_der(&der).ok(),
            _ => RsaKeyPair::from_pkcs8(&der).ok(),
        };
        let pair = match rsa {
            Some(pair) => Pair::Rsa(pair),
            None => {
                let secret = read_p256(&der).ok_or(refused)?;
                let pair = EcdsaKeyPair::from_private_key_and_public_key(
                    &ECDSA_P256_SHA256_FIXED_SIGNING,
                    &secret.to_bytes(),
                    &secret.public_key().to_sec1_bytes(),
                    &SystemRandom::new(),
                );
                Pair::P256(pair.map_err(|_| refused)?, secret)
            }
        };
        let kid = thumbprint(&pair.public_members());
        Ok(Self { pair, kid })
    }

    /// The algorithm that this key signs with.
    pub(crate) fn algorithm(&self) -> &'static str {
        match self.pair {
            Pair::Rsa(_) => "RS256",
            Pair::P256(..) => "ES256",
        }
    }

    /// Signs claims as a token in the compact form.
    pub(crate) fn sign(&self, claims: &Value) -> Result<String, JoseError> {
        let header = json!({ "alg": self.algorithm(), "kid": self.kid, "typ": "JWT" });
        let [header, claims] =
            [&header, claims].map(|part| encode_url(part.to_string().as_bytes()));
        let message = format!("{header}.{claims}");
        let failed = |_| JoseError("our private key does not sign");
        let random = SystemRandom::new();
        let signature = match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message.as_bytes(), &mut signature)
                    .map_err(failed)?;
                signature
            }
            Pair::P256(pair, _) => {
                pair.sign(&random, message.as_bytes()).map_err(failed)?.as_ref().to_vec()
            }
        };
        Ok(format!("{message}.{}", encode_url(&signature)))
    }

    /// The public half as a JSON Web Key.
    pub(crate) fn public_jwk(&self) -> Value {
        let members = self.pair.public_members();
        published(members, &self.kid, "sig", Some(self.algorithm()))
    }
}

impl Pair {
    fn public_members(&self) -> Value {
        match self {
            Self::Rsa(pair) => {
                let public = PublicKeyComponents::<Vec<u8>>::from(pair.public());
                json!({ "e": encode_url(&public.e), "kty": "RSA", "n": encode_url(&public.n) })
            }
            Self::P256(_, secret) => p256_members(secret),
        }
    }
}

/// Reads a private key on P-256 for encrypted ID tokens.
pub(crate) fn decryption_key(pem: &str) -> Result<SecretKey, JoseError> {
    let (_, der) = read_pem(pem)?;
    read_p256(&der).ok_or(JoseError("the decryption key is not a private key on P-256"))
}

/// The public half of a decryption key as a JSON Web Key. It names no algorithm: the key is good for
/// both, and providers pass over a key that names another one than they were told to use.
pub(crate) fn public_decryption_jwk(secret: &SecretKey) -> Value {
    let members = p256_members(secret);
    let kid = thumbprint(&members);
    published(members, &kid, "enc", None)
}

fn published(mut members: Value, kid: &str, purpose: &str, algorithm: Option<&str>) -> Value {
    if let Value::Object(members) = &mut members {
        members.insert("kid".into(), kid.into());
        members.insert("use".into(), purpose.into());
        if let Some(algorithm) = algorithm {
            members.insert("alg".into(), algorithm.into());
        }
    }
    members
}

fn p256_members(secret: &SecretKey) -> Value {
    let point = secret.public_key().to_sec1_bytes();
    let coordinate =
        |from: usize| encode_url(&point.iter().copied().skip(from).take(32).collect::<Vec<_>>());
    json!({ "crv": "P-256", "kty": "EC", "x": coordinate(1), "y": coordinate(33) })
}

/// The thumbprint of RFC 7638: the required members, which the callers list in order.
fn thumbprint(members: &Value) -> String {
    let text = members.to_string();
    encode_url(ring::digest::digest(&ring::digest::SHA256, text.as_bytes()).as_ref())
}

fn read_p256(der: &[u8]) -> Option<SecretKey> {
    SecretKey::from_pkcs8_der(der).or_else(|_| SecretKey::from_sec1_der(der).map_err(|_| ())).ok()
}

/// The label and content of the first private key of a PEM text.
fn read_pem(pem: &str) -> Result<(&str, Vec<u8>), JoseError> {
    let blocks = pem.split("-----BEGIN ").skip(1);
    let block = |text| {
        let (label, rest) = str::split_once(text, "-----")?;
        let (body, _) = rest.split_once("-----END")?;
        label.ends_with("PRIVATE KEY").then(|| Some((label, decode_standard(body)?)))?
    };
    blocks.into_iter().find_map(block).ok_or(JoseError("the file has no private key in PEM"))
}

#[cfg(test)]
mod tests {
    use ring::signature::EcdsaKeyPair;

    use super::*;
    use crate::Algorithm;
    use crate::jose::jwk::KeySet;
    use crate::jose::jws::Unverified;

    #[test]
    fn what_a_key_signs_its_published_half_verifies() {
        // given: a key in a file
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let der = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let body = super::super::base64::encode_standard(der.as_ref());
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
        // when
        let key = SigningKey::from_pem(&pem).unwrap();
        let token = key.sign(&json!({ "iss": "fieldtest" })).unwrap();
        // then
        let keys = json!({ "keys": [key.public_jwk()] }).to_string();
        let keys = KeySet::from_json(keys.as_bytes()).unwrap();
        let token = Unverified::parse(&token, &Algorithm::ALL).unwrap();
        assert_eq!(token.verify(&keys), Ok(br#"{"iss":"fieldtest"}"#.as_slice()));
        assert!(decryption_key(&pem).is_ok());
        assert!(!key.public_jwk().to_string().contains("\"d\""));
    }

    #[test]
    fn the_thumbprint_is_that_of_a_key_with_sorted_members() {
        let members = json!({ "crv": "P-256", "kty": "EC", "x": "a", "y": "b" });
        assert_eq!(members.to_string(), r#"{"crv":"P-256","kty":"EC","x":"a","y":"b"}"#);
    }

    #[test]
    fn a_file_without_a_private_key_is_refused() {
        for pem in ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"] {
            assert!(SigningKey::from_pem(pem).is_err());
        }
    }
}
