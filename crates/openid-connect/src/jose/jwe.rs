//! Encrypted tokens in the compact form, for keys on P-256 (RFC 7516, RFC 7518 section 4.6).

use aes_kw::{KeyInit, KwAes256};
use p256::{PublicKey, SecretKey};
use ring::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::digest;
use serde::Deserialize;

use super::JoseError;
use super::base64::decode_url;

/// The greatest length of a token, in bytes.
const MAX_LENGTH: usize = 256 * 1024;

const UNREADABLE: JoseError = JoseError("the encrypted token cannot be decrypted with our key");

#[derive(Deserialize)]
struct Header {
    alg: String,
    enc: String,
    epk: Option<EphemeralKey>,
    apu: Option<String>,
    apv: Option<String>,
    crit: Option<serde_json::Value>,
    zip: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct EphemeralKey {
    kty: String,
    crv: String,
    x: String,
    y: String,
}

/// Whether a token has the five parts of an encrypted one.
pub(crate) fn is_encrypted(token: &str) -> bool {
    token.bytes().filter(|byte| *byte == b'.').count() == 4
}

/// Decrypts a token with the first key that fits.
///
/// Compression is refused: a small token could otherwise fill the memory.
pub(crate) fn decrypt(token: &str, keys: &[SecretKey]) -> Result<Vec<u8>, JoseError> {
    let malformed = JoseError("the token is no encrypted token in the compact form");
    let parts: Vec<&str> = token.splitn(6, '.').collect();
    let &[protected, wrapped, iv, ciphertext, tag] = parts.as_slice() else {
        return Err(malformed);
    };
    if token.len() > MAX_LENGTH {
        return Err(JoseError("the token is too long"));
    }
    let header = decode_url(protected).ok_or(malformed)?;
    let header: Header = serde_json::from_slice(&header).map_err(|_| malformed)?;
    if header.crit.is_some() || header.zip.is_some() {
        return Err(JoseError("the encrypted token's header has an extension that is unknown"));
    }
    let wrapped = decode_url(wrapped).ok_or(malformed)?;
    let iv: [u8; 12] = decode_url(iv).and_then(|iv| iv.try_into().ok()).ok_or(malformed)?;
    let sealed = [ciphertext, tag].map(decode_url);
    let [Some(ciphertext), Some(tag)] = sealed else { return Err(malformed) };
    if tag.len() != 16 {
        return Err(malformed);
    }
    let sealed = [ciphertext, tag].concat();
    let peer = header.peer()?;
    let open = |key| {
        let content_key = header.content_key(key, &peer, &wrapped)?;
        let unbound = UnboundKey::new(header.cipher()?.0, &content_key).map_err(|_| UNREADABLE)?;
        let (mut buffer, nonce) = (sealed.clone(), Nonce::assume_unique_for_key(iv));
        let opened = LessSafeKey::new(unbound)
            .open_in_place(nonce, Aad::from(protected), &mut buffer)
            .map_err(|_| UNREADABLE)?;
        Ok(opened.to_vec())
    };
    let no_key = Err(JoseError("the token is encrypted and no decryption key is configured"));
    keys.iter().map(open).reduce(Result::or).unwrap_or(no_key)
}

impl Header {
    fn cipher(&self) -> Result<(&'static ring::aead::Algorithm, usize), JoseError> {
        match self.enc.as_str() {
            "A128GCM" => Ok((&AES_128_GCM, 16)),
            "A256GCM" => Ok((&AES_256_GCM, 32)),
            _ => Err(JoseError("the token is encrypted with a cipher that is not supported")),
        }
    }

    /// The sender's key. A point that is not on the curve would give away our key bit by bit.
    fn peer(&self) -> Result<PublicKey, JoseError> {
        let refused = JoseError("the encrypted token's ephemeral key is not a point of P-256");
        let key = self.epk.as_ref().filter(|key| key.kty == "EC" && key.crv == "P-256");
        let key = key.ok_or(refused)?;
        let coordinates = [&key.x, &key.y].map(|text| decode_url(text));
        let [Some(x), Some(y)] = coordinates else { return Err(refused) };
        if x.len() != 32 || y.len() != 32 {
            return Err(refused);
        }
        PublicKey::from_sec1_bytes(&[vec![4], x, y].concat()).map_err(|_| refused)
    }

    fn content_key(
        &self,
        key: &SecretKey,
        peer: &PublicKey,
        wrapped: &[u8],
    ) -> Result<Vec<u8>, JoseError> {
        let shared = key.diffie_hellman(peer);
        let shared = shared.raw_secret_bytes().as_slice();
        let length = self.cipher()?.1;
        match self.alg.as_str() {
            "ECDH-ES" if wrapped.is_empty() => self.derive(shared, &self.enc, length),
            "ECDH-ES+A256KW" => {
                let wrapping = self.derive(shared, &self.alg, 32)?;
                let wrapping = KwAes256::new_from_slice(&wrapping).map_err(|_| UNREADABLE)?;
                let mut content_key = vec![0; length];
                if wrapped.len() != length + 8 {
                    return Err(UNREADABLE);
                }
                wrapping.unwrap_key(wrapped, &mut content_key).map_err(|_| UNREADABLE)?;
                Ok(content_key)
            }
            _ => Err(JoseError("the token's key is agreed on in a way that is not supported")),
        }
    }

    /// Concat KDF with SHA-256, of which one round is enough for 32 bytes (RFC 7518, 4.6.2).
    fn derive(&self, shared: &[u8], algorithm: &str, length: usize) -> Result<Vec<u8>, JoseError> {
        let party = |info: &Option<String>| decode_url(info.as_deref().unwrap_or_default());
        let [Some(apu), Some(apv)] = [party(&self.apu), party(&self.apv)] else {
            return Err(UNREADABLE);
        };
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(&1_u32.to_be_bytes());
        context.update(shared);
        for field in [algorithm.as_bytes(), &apu, &apv] {
            context.update(&u32::try_from(field.len()).unwrap_or(u32::MAX).to_be_bytes());
            context.update(field);
        }
        context.update(&u32::try_from(length * 8).unwrap_or(u32::MAX).to_be_bytes());
        Ok(context.finish().as_ref().iter().copied().take(length).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(epk_x: &str) -> Header {
        let text = format!(
            r#"{{"alg":"ECDH-ES","enc":"A128GCM","apu":"QWxpY2U","apv":"Qm9i","epk":{{"kty":"EC",
            "crv":"P-256","x":"{epk_x}","y":"SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps"}}}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    const X: &str = "gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0";

    #[test]
    fn the_key_of_rfc_7518_appendix_c_is_derived() {
        let bob = decode_url("VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw").unwrap();
        let bob = SecretKey::from_slice(&bob).unwrap();
        let header = header(X);
        let key = header.content_key(&bob, &header.peer().unwrap(), &[]).unwrap();
        assert_eq!(super::super::base64::encode_url(&key), "VqqN6vgjbSBcIijNcacQGg");
    }

    #[test]
    fn a_token_with_a_wrapped_key_is_decrypted_by_the_key_that_fits() {
        // given: a token for our key, made as a provider makes it
        let [ours, theirs, other] = [[7; 32], [8; 32], [9; 32]];
        let [ours, theirs, other] =
            [ours, theirs, other].map(|k| SecretKey::from_slice(&k).unwrap());
        let point = theirs.public_key().to_sec1_bytes();
        let [x, y] = [&point[1..33], &point[33..]].map(super::super::base64::encode_url);
        let text = format!(
            r#"{{"alg":"ECDH-ES+A256KW","enc":"A256GCM",
            "epk":{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}"}}}}"#
        );
        let header: Header = serde_json::from_str(&text).unwrap();
        let shared = theirs.diffie_hellman(&ours.public_key());
        let wrapping = header.derive(shared.raw_secret_bytes(), &header.alg, 32).unwrap();
        let (content_key, mut wrapped) = ([5; 32], [0; 40]);
        let wrapping = KwAes256::new_from_slice(&wrapping).unwrap();
        wrapping.wrap_key(&content_key, &mut wrapped).unwrap();
        let protected = super::super::base64::encode_url(text.as_bytes());
        let sealing = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &content_key).unwrap());
        let mut sealed = b"signed".to_vec();
        let tag = sealing
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key([1; 12]),
                Aad::from(&protected),
                &mut sealed,
            )
            .unwrap();
        let parts = [&wrapped[..], &[1; 12], &sealed, tag.as_ref()];
        let parts = parts.map(super::super::base64::encode_url).join(".");
        let token = format!("{protected}.{parts}");
        // when, then
        assert!(is_encrypted(&token));
        let opened = decrypt(&token, &[other.clone(), ours]);
        assert_eq!(opened.as_deref(), Ok(b"signed".as_slice()));
        assert_eq!(decrypt(&token, &[other]), Err(UNREADABLE));
        assert!(decrypt(&token, &[]).is_err());
    }

    #[test]
    fn a_compressed_token_is_refused_before_it_is_opened() {
        let key = SecretKey::from_slice(&[7; 32]).unwrap();
        for extension in [r#""zip":"DEF""#, r#""crit":["exp"]"#] {
            let text = format!(r#"{{"alg":"ECDH-ES","enc":"A128GCM",{extension}}}"#);
            let token =
                format!("{}..AAAA.AAAA.AAAA", super::super::base64::encode_url(text.as_bytes()));
            let refused =
                JoseError("the encrypted token's header has an extension that is unknown");
            assert_eq!(decrypt(&token, std::slice::from_ref(&key)), Err(refused));
        }
    }

    #[test]
    fn a_point_beside_the_curve_is_refused() {
        assert!(header("gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV1").peer().is_err());
        assert!(header("AA").peer().is_err());
    }
}
