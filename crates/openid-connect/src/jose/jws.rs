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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::base64::encode_url;

    const PAYLOAD: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt\
        cGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    const ES256: &str = r#"{"kty":"EC","crv":"P-256",
        "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
    const ES256_SIGNATURE: &str = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSA\
        pmWQxfKTUJqPP3-Kg6NU1Q";
    const EDDSA: &str = r#"{"kty":"OKP","crv":"Ed25519",
        "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    const EDDSA_TOKEN: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il\
        _MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g\
        7sVvpAr_MuM0KAg";
    const RS256: &str = concat!(
        r#"{"kty":"RSA","e":"AQAB","n":""#,
        "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJ",
        "PMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0",
        "LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uD",
        "Zlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2",
        "PAcDTW9gb54h4FRWyuXpoQ",
        r#""}"#
    );
    const RS256_SIGNATURE: &str = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7\
        AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4\
        BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K\
        0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqv\
        hJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrB\
        p0igcN_IoypGlUPQGe77Rw";

    fn keys(jwks: &[&str]) -> KeySet {
        KeySet::from_json(format!(r#"{{"keys":[{}]}}"#, jwks.join(",")).as_bytes()).unwrap()
    }

    fn accepts(token: &str, keys: &KeySet) -> bool {
        Unverified::parse(token, &Algorithm::ALL).is_ok_and(|token| token.verify(keys).is_ok())
    }

    #[test]
    fn the_tokens_of_rfc_7515_and_rfc_8037_are_good_and_a_changed_one_is_not() {
        let all = keys(&[ES256, EDDSA, RS256]);
        let es256 = format!("eyJhbGciOiJFUzI1NiJ9.{PAYLOAD}.{ES256_SIGNATURE}");
        let rs256 = format!("eyJhbGciOiJSUzI1NiJ9.{PAYLOAD}.{RS256_SIGNATURE}");
        for token in [&es256, &rs256, EDDSA_TOKEN] {
            assert!(accepts(token, &all), "{token}");
            assert!(!accepts(&token.replacen(".e", ".f", 1).replacen(".R", ".S", 1), &all));
            assert!(!accepts(token, &keys(&[])));
        }
    }

    #[test]
    fn headers_that_attackers_send_are_refused() {
        for header in [
            r#"{"alg":"none"}"#,
            r#"{"alg":"None"}"#,
            r#"{"alg":"HS256"}"#,
            r#"{"alg":"ES256","crit":["exp"]}"#,
            r#"{"alg":"ES256","crit":[]}"#,
            r#"{"alg":"ES256","b64":false}"#,
            r#"{"alg":"none","alg":"ES256"}"#,
            r#"{"alg":["ES256"]}"#,
        ] {
            let token = format!("{}.{PAYLOAD}.", encode_url(header.as_bytes()));
            assert!(Unverified::parse(&token, &Algorithm::ALL).is_err(), "{header}");
        }
    }

    #[test]
    fn a_public_rsa_key_is_no_secret_for_hs256() {
        // given: a token signed with the modulus as if it were a shared secret
        let header = encode_url(br#"{"alg":"HS256"}"#);
        let signed = format!("{header}.{PAYLOAD}");
        let secret = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, RS256.as_bytes());
        let tag = ring::hmac::sign(&secret, signed.as_bytes());
        // when, then
        assert!(!accepts(&format!("{signed}.{}", encode_url(tag.as_ref())), &keys(&[RS256])));
    }

    #[test]
    fn of_keys_with_one_kid_each_is_tried_but_not_endlessly() {
        let named = |key: &str| key.replacen('{', r#"{"kid":"1","#, 1);
        let other = named(ES256).replace("f83O", "f83P");
        let twice = keys(&[&other, &named(ES256)]);
        let plain = format!("eyJhbGciOiJFUzI1NiJ9.{PAYLOAD}.{ES256_SIGNATURE}");
        assert!(accepts(&plain, &twice));
        let mut many = vec![other.as_str(); 20];
        let last = named(ES256);
        many.push(&last);
        assert!(!accepts(&plain, &keys(&many)));
    }

    #[test]
    fn keys_for_encryption_or_another_algorithm_are_not_used() {
        for members in [r#""use":"enc""#, r#""alg":"ES512""#, r#""key_ops":["deriveKey"]"#] {
            let key = ES256.replacen('{', &format!("{{{members},"), 1);
            let plain = format!("eyJhbGciOiJFUzI1NiJ9.{PAYLOAD}.{ES256_SIGNATURE}");
            assert!(!accepts(&plain, &keys(&[&key])), "{members}");
        }
    }
}
