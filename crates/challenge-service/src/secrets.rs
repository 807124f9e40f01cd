//! Tokens and hashes that the challenge service derives from its secret key (§10). A token is an
//! HMAC of an id, so it need not be stored; personal data is stored as an HMAC only.

use domain::secret_key::SecretKey;
use domain::verification::{Subject, SubjectHash};
use domain::{ChallengeId, ParticipationId, ProviderId};

/// The keys of the challenge service, one derived for each purpose.
#[derive(Clone, Debug)]
pub struct Secrets {
    participation_tokens: SecretKey,
    simulator_codes: SecretKey,
    subjects: SecretKey,
    browsers: SecretKey,
    verification: VerificationSecret,
}

/// The secret with which verifiers sign their events. Its `Debug` output hides it.
#[derive(Clone)]
pub struct VerificationSecret(
    /// Any text.
    pub String,
);

impl std::fmt::Debug for VerificationSecret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("VerificationSecret(…)")
    }
}

impl Secrets {
    /// Derives the keys.
    pub fn new(key: &SecretKey, verification: VerificationSecret) -> Self {
        Self {
            participation_tokens: key.derive("participation token"),
            simulator_codes: key.derive("simulator code"),
            subjects: key.derive("subject"),
            browsers: key.derive("browser"),
            verification,
        }
    }

    /// The bearer token of a participation.
    pub(crate) fn participation_token(&self, id: ParticipationId) -> String {
        encode(&self.participation_tokens.tag(id.as_bytes()))
    }

    pub(crate) fn is_participation_token(&self, id: ParticipationId, token: &str) -> bool {
        decode(token).is_some_and(|tag| self.participation_tokens.verifies(id.as_bytes(), &tag))
    }

    /// The code in the URL of a participation's simulator page. It gives access to that page only,
    /// because URLs are logged.
    pub(crate) fn simulator_code(&self, id: ParticipationId) -> String {
        encode(&self.simulator_codes.tag(id.as_bytes()))
    }

    pub(crate) fn is_simulator_code(&self, id: ParticipationId, code: &str) -> bool {
        decode(code).is_some_and(|tag| self.simulator_codes.verifies(id.as_bytes(), &tag))
    }

    /// The hash of a person in one challenge with one provider. Hashes of different challenges
    /// cannot be linked.
    pub(crate) fn subject_hash(
        &self,
        challenge: ChallengeId,
        provider: &ProviderId,
        subject: &Subject,
    ) -> SubjectHash {
        let scope = [
            challenge.as_bytes().as_slice(),
            provider.as_str().as_bytes(),
            b"\0",
            subject.as_str().as_bytes(),
        ]
        .concat();
        SubjectHash::from_bytes(self.subjects.tag(&scope))
    }

    /// The hash of a browser in one challenge.
    pub(crate) fn browser_hash(&self, challenge: ChallengeId, browser: &str) -> [u8; 32] {
        self.browsers.tag(&[challenge.as_bytes().as_slice(), browser.as_bytes()].concat())
    }

    pub(crate) fn verification(&self) -> &[u8] {
        self.verification.0.as_bytes()
    }
}

fn encode(tag: &[u8; 32]) -> String {
    hex::encode(tag)
}

fn decode(text: &str) -> Option<Vec<u8>> {
    hex::decode(text).ok()
}
