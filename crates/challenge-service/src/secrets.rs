//! What the challenge service makes with its secret key: tokens that need not be stored, and hashes
//! of what must not be (§10).

use domain::secret_key::SecretKey;
use domain::verification::{Subject, SubjectHash};
use domain::{ChallengeId, ParticipationId, ProviderId};

/// The keys of the challenge service, one for each purpose.
#[derive(Clone, Debug)]
pub struct Secrets {
    participation_tokens: SecretKey,
    simulator_codes: SecretKey,
    subjects: SecretKey,
    browsers: SecretKey,
    /// Shared with the verifiers: any text.
    verification: VerificationSecret,
}

/// The secret with which verifiers sign their events. Never printed.
#[derive(Clone)]
pub struct VerificationSecret(pub String);

impl std::fmt::Debug for VerificationSecret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("VerificationSecret(…)")
    }
}

impl Secrets {
    pub fn new(key: &SecretKey, verification: VerificationSecret) -> Self {
        Self {
            participation_tokens: key.derive("participation token"),
            simulator_codes: key.derive("simulator code"),
            subjects: key.derive("subject"),
            browsers: key.derive("browser"),
            verification,
        }
    }

    /// The token that opens a participation. It follows from the id, so it can be shown again but
    /// need not be stored.
    pub(crate) fn participation_token(&self, id: ParticipationId) -> String {
        encode(&self.participation_tokens.tag(id.as_bytes()))
    }

    pub(crate) fn opens_participation(&self, id: ParticipationId, token: &str) -> bool {
        decode(token).is_some_and(|tag| self.participation_tokens.verifies(id.as_bytes(), &tag))
    }

    /// The code that opens the simulator's page for a participation, and nothing else: it stands in
    /// a URL.
    pub(crate) fn simulator_code(&self, id: ParticipationId) -> String {
        encode(&self.simulator_codes.tag(id.as_bytes()))
    }

    pub(crate) fn opens_simulator(&self, id: ParticipationId, code: &str) -> bool {
        decode(code).is_some_and(|tag| self.simulator_codes.verifies(id.as_bytes(), &tag))
    }

    /// A person, as one challenge knows them with one provider: hashes of different challenges
    /// cannot be compared.
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

    /// A browser, as one challenge knows it.
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
