//! The signatures of a delivery (§12): that of the published API, and that of Standard Webhooks.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::Timestamp;
use domain::secret_key::mac;
use domain::webhook::standard_key;
use hmac::Mac;
use wire::signature;

/// The value of `X-Hopae-Signature`: one time, and a signature with each secret.
pub(crate) fn published<'a>(
    secrets: impl Iterator<Item = &'a str>,
    now: Timestamp,
    body: &str,
) -> String {
    let signed = secrets.map(|secret| signature::sign(secret.as_bytes(), now, body.as_bytes()));
    signed.reduce(|all, one| format!("{all},{}", after_time(&one))).unwrap_or_default()
}

/// A signature without its time.
fn after_time(signature: &str) -> &str {
    signature.split_once(',').map_or("", |(_, signature)| signature)
}

/// The value of `webhook-signature`: one for each secret, separated by spaces.
pub(crate) fn standard<'a>(
    secrets: impl Iterator<Item = &'a str>,
    id: &str,
    now: Timestamp,
    body: &str,
) -> String {
    let text = format!("{id}.{}.{body}", now.as_seconds());
    let signed = secrets.filter_map(standard_key).map(|key| {
        let tag = mac(&key, text.as_bytes()).finalize().into_bytes();
        format!("v1,{}", STANDARD.encode(tag))
    });
    signed.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the Standard Webhooks specification.
    #[test]
    fn the_signature_is_that_of_standard_webhooks() {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let now = Timestamp::from_millis(1_614_265_330_000);
        let body = r#"{"test": 2432232314}"#;
        let signed = standard([secret].into_iter(), "msg_p5jXN8AQM9LWM0D4loKWxJek", now, body);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn both_secrets_sign_while_one_is_rotated() {
        let now = Timestamp::from_millis(1_000_000);
        let header = published(["new", "old"].into_iter(), now, "body");
        for secret in ["new", "old"] {
            assert_eq!(signature::verify(secret.as_bytes(), now, b"body", &header), Ok(()));
        }
        assert_eq!(header.matches("t=").count(), 1);
    }
}
