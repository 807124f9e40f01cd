//! One person's way to the provider and back.

use std::fmt;

use domain::ClockAndRng;
use ring::digest::{SHA256, digest};

use crate::jose::base64::encode_url;

/// The secrets of one attempt, 256 bits each. The caller keeps them until the callback, the state
/// as a hash.
#[derive(Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Comes back with the callback and tells which attempt it belongs to.
    pub state: String,
    /// Comes back within the ID token.
    pub nonce: String,
    /// Proves to the token endpoint that we began this attempt (RFC 7636).
    pub code_verifier: String,
}

/// What the provider sent back with the person.
#[derive(Clone)]
pub struct Callback {
    /// The authorization code.
    pub code: String,
    /// The issuer, where the provider says it (RFC 9207).
    pub iss: Option<String>,
}

impl Attempt {
    /// A new attempt.
    #[must_use]
    pub fn random(clock_and_rng: &ClockAndRng) -> Self {
        let text = || {
            let mut bytes = [0; 32];
            clock_and_rng.randomness().fill(&mut bytes);
            encode_url(&bytes)
        };
        Self { state: text(), nonce: text(), code_verifier: text() }
    }

    /// The challenge of the method S256.
    pub(crate) fn code_challenge(&self) -> String {
        encode_url(digest(&SHA256, self.code_verifier.as_bytes()).as_ref())
    }
}

impl fmt::Debug for Attempt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Attempt(…)")
    }
}

impl fmt::Debug for Callback {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Callback(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_challenge_is_that_of_rfc_7636_appendix_b() {
        let code_verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned();
        let attempt = Attempt { state: String::new(), nonce: String::new(), code_verifier };
        assert_eq!(attempt.code_challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        assert_eq!(format!("{attempt:?}"), "Attempt(…)");
    }
}
