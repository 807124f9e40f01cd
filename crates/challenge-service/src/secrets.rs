//! Tokens and hashes that the challenge service derives from its secret key (§10). A token is an
//! HMAC of an id, so it need not be stored; personal data is stored as an HMAC only.

use domain::secret_key::SecretKey;
use domain::verification::{Subject, SubjectHash};
use domain::{ChallengeId, ParticipationId, ProviderId};
use openid_connect::Attempt;

/// The keys of the challenge service, one derived for each purpose.
#[derive(Clone, Debug)]
pub struct Secrets {
    participation_tokens: SecretKey,
    simulator_codes: SecretKey,
    verification_codes: SecretKey,
    states: SecretKey,
    nonces: SecretKey,
    code_verifiers: SecretKey,
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
            verification_codes: key.derive("verification code"),
            states: key.derive("verification state"),
            nonces: key.derive("verification nonce"),
            code_verifiers: key.derive("verification code verifier"),
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

    /// The code in the URL that leads a participation's tester to the provider.
    pub(crate) fn verification_code(&self, id: ParticipationId) -> String {
        encode(&self.verification_codes.tag(id.as_bytes()))
    }

    pub(crate) fn is_verification_code(&self, id: ParticipationId, code: &str) -> bool {
        decode(code).is_some_and(|tag| self.verification_codes.verifies(id.as_bytes(), &tag))
    }

    /// The hash of a state: all that is stored of it.
    pub(crate) fn state_hash(&self, state: &str) -> [u8; 32] {
        self.states.tag(state.as_bytes())
    }

    /// The secrets of the attempt with this state. They follow from it, so no table holds them.
    pub(crate) fn attempt(&self, state: &str) -> Attempt {
        Attempt {
            state: state.to_owned(),
            nonce: encode(&self.nonces.tag(state.as_bytes())),
            code_verifier: encode(&self.code_verifiers.tag(state.as_bytes())),
        }
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
