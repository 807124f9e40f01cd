//! Signed messages: `X-Hopae-Signature: t=<unix seconds>,v1=<hex HMAC-SHA256 of "<t>.<raw body>">`
//! (§10).

use std::time::Duration;

use domain::Timestamp;
use domain::secret_key::mac;
use hmac::Mac;

/// The header that carries the signature.
pub const HEADER: &str = "X-Hopae-Signature";

/// How far the signature's time may be from ours, either way: 300 seconds.
pub const TOLERANCE: Duration = Duration::from_mins(5);

/// Why a signature was refused. Callers are told none of this; it is for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// Not of the form `t=…,v1=…`.
    #[error("the signature header is malformed")]
    Malformed,
    /// Made too long ago, or in the future.
    #[error("the signature is more than 300 seconds from now")]
    OutOfTime,
    /// Made with another secret or for another body.
    #[error("the signature does not match")]
    Mismatch,
}

/// The header's value for this body.
#[must_use]
pub fn sign(secret: &[u8], now: Timestamp, body: &[u8]) -> String {
    let time = now.as_seconds();
    let tag = mac(secret, &signed_text(time, body)).finalize().into_bytes();
    format!("t={time},v1={}", hex::encode(tag))
}

/// Checks a header's value. It may carry several `v1`, so that a secret can be replaced: one has to
/// match.
///
/// # Errors
/// When it is malformed, too old, or made with another secret or for another body.
pub fn verify(
    secret: &[u8],
    now: Timestamp,
    body: &[u8],
    header: &str,
) -> Result<(), SignatureError> {
    let mut time = None;
    let mut tags = Vec::new();
    for part in header.split(',') {
        match part.trim().split_once('=') {
            Some(("t", value)) => time = value.parse::<i64>().ok(),
            Some(("v1", value)) => {
                tags.push(hex::decode(value).map_err(|_| SignatureError::Malformed)?)
            }
            Some(_) => {}
            None => return Err(SignatureError::Malformed),
        }
    }
    let time = time.ok_or(SignatureError::Malformed)?;
    if tags.is_empty() {
        return Err(SignatureError::Malformed);
    }
    if now.as_seconds().abs_diff(time) > TOLERANCE.as_secs() {
        return Err(SignatureError::OutOfTime);
    }
    let expected = mac(secret, &signed_text(time, body));
    let matches = tags.iter().any(|tag| expected.clone().verify_slice(tag).is_ok());
    if matches { Ok(()) } else { Err(SignatureError::Mismatch) }
}

fn signed_text(time: i64, body: &[u8]) -> Vec<u8> {
    let mut text = format!("{time}.").into_bytes();
    text.extend_from_slice(body);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[test]
    fn a_signature_is_good_for_300_seconds_either_way() {
        let header = sign(b"secret", at(1000), b"body");
        for (now, expected) in [
            (699, Err(SignatureError::OutOfTime)),
            (700, Ok(())),
            (1300, Ok(())),
            (1301, Err(SignatureError::OutOfTime)),
        ] {
            assert_eq!(verify(b"secret", at(now), b"body", &header), expected, "at {now}");
        }
    }

    #[test]
    fn another_body_secret_or_time_does_not_match() {
        let header = sign(b"secret", at(1000), b"body");
        let mismatch = Err(SignatureError::Mismatch);
        assert_eq!(verify(b"secret", at(1000), b"bodi", &header), mismatch);
        assert_eq!(verify(b"secreT", at(1000), b"body", &header), mismatch);
        assert_eq!(
            verify(b"secret", at(1000), b"body", &header.replace("t=1000", "t=1001")),
            mismatch
        );
    }

    #[test]
    fn one_of_several_signatures_is_enough() {
        let (old, new) = (sign(b"old", at(1000), b"body"), sign(b"new", at(1000), b"body"));
        let both = format!("{old},{}", new.split_once(',').unwrap().1);
        assert_eq!(verify(b"new", at(1000), b"body", &both), Ok(()));
    }

    #[test]
    fn a_malformed_header_is_refused() {
        for header in [
            "",
            "t=1000",
            "v1=00",
            "t=x,v1=00",
            "t=1000,v1=zz",
            "t=1000;v1=00",
            "t=99999999999999999999,v1=00",
        ] {
            assert_eq!(
                verify(b"secret", at(1000), b"", header),
                Err(SignatureError::Malformed),
                "{header}"
            );
        }
    }

    proptest! {
        #[test]
        fn checking_never_panics(header in ".*", body in proptest::collection::vec(any::<u8>(), 0..64), now in any::<i64>()) {
            let _ = verify(b"secret", Timestamp::from_millis(now), &body, &header);
        }
    }
}
