//! Signatures of messages (§10):
//! `X-Hopae-Signature: t=<unix seconds>,v1=<hex HMAC-SHA256 of "<t>.<raw body>">`.

use std::time::Duration;

use domain::Timestamp;
use domain::secret_key::mac;
use hmac::Mac;

/// The name of the signature header.
pub const HEADER: &str = "X-Hopae-Signature";

/// The greatest accepted difference between the signature's time and ours: 300 seconds.
pub const TOLERANCE: Duration = Duration::from_mins(5);

/// Why a signature was refused. This is logged; the response does not say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The header does not have the form `t=…,v1=…`.
    #[error("the signature header is malformed")]
    Malformed,
    /// The time differs from ours by more than [`TOLERANCE`].
    #[error("the signature is more than 300 seconds from now")]
    OutOfTime,
    /// The signature was made with another secret or for another body.
    #[error("the signature does not match")]
    Mismatch,
}

/// The value of the signature header for this body.
#[must_use]
pub fn sign(secret: &[u8], now: Timestamp, body: &[u8]) -> String {
    let time = now.as_seconds();
    let tag = mac(secret, &signed_text(time, body)).finalize().into_bytes();
    format!("t={time},v1={}", hex::encode(tag))
}

/// Checks the value of a signature header. It can have several `v1`, so that a secret can be
/// rotated; one of them has to match. The comparison takes constant time.
///
/// # Errors
/// When the value is malformed, out of time, or made with another secret or for another body.
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
    fn a_signature_is_valid_for_300_seconds_in_both_directions() {
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
        fn checking_never_panics(
            header in ".*",
            body in proptest::collection::vec(any::<u8>(), 0..64),
            now in any::<i64>(),
        ) {
            let _ = verify(b"secret", Timestamp::from_millis(now), &body, &header);
        }
    }
}
