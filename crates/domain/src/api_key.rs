//! Workspace API keys (§2).

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{ApiKeyId, Environment, Randomness, Timestamp, WorkspaceId, base62};

/// 33 characters of base 62 carry 196 bits.
const RANDOM_LENGTH: usize = 33;
const CHECKSUM_LENGTH: usize = 6;

/// The access that a key grants (§2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Read and write.
    Full,
    /// Read only.
    ReadOnly,
}

impl Access {
    /// The name in the database and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::ReadOnly => "read_only",
        }
    }

    /// The inverse of [`Access::as_str`].
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Full, Self::ReadOnly].into_iter().find(|access| access.as_str() == name)
    }
}

/// An API key without its secret (§2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// The id, which is public.
    pub id: ApiKeyId,
    /// The workspace that the key gives access to.
    pub workspace_id: WorkspaceId,
    /// What the key is for, as described by its creator.
    pub name: String,
    /// The access that the key grants.
    pub access: Access,
    /// When the key was created.
    pub created_at: Timestamp,
    /// When the key expires; `None` if it does not.
    pub expires_at: Option<Timestamp>,
    /// When the key was revoked; `None` if it was not.
    pub revoked_at: Option<Timestamp>,
    /// When the key was last used, to about a minute; `None` if it never was.
    pub last_used_at: Option<Timestamp>,
}

impl ApiKey {
    /// Whether the key is accepted at `now`: neither expired nor revoked.
    #[must_use]
    pub fn is_valid_at(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

/// The SHA-256 of a secret. The database stores it and looks keys up by it. A fast hash is enough
/// because every secret is random and long: an API key's has 196 bits, a client secret 256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// Hashes a secret of any form.
    #[must_use]
    pub fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret).into())
    }

    /// From the bytes that the database stores.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes that the database stores.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether this is the hash of `secret`. The comparison takes constant time.
    #[must_use]
    pub fn matches(&self, secret: &str) -> bool {
        self.0.ct_eq(&Self::of(secret).0).into()
    }
}

/// A new secret: the environment's prefix, 33 random characters and a checksum of 6 characters. It
/// is shown once and never stored.
#[must_use]
pub fn new_secret(environment: Environment, randomness: &dyn Randomness) -> String {
    let body = base62::random(randomness, RANDOM_LENGTH);
    let unchecked = format!("{}{body}", prefix(environment));
    let checksum = checksum(&unchecked);
    format!("{unchecked}{checksum}")
}

/// The hash of a well-formed secret, or `None` if the secret has a wrong prefix, length or checksum
/// for this environment. A typo is thus found without a database query.
///
/// The checksum is no secret: anyone can compute it, so it is compared with `==`.
#[must_use]
pub fn recognise(secret: &str, environment: Environment) -> Option<SecretHash> {
    let body = secret.strip_prefix(prefix(environment))?;
    if body.len() != RANDOM_LENGTH + CHECKSUM_LENGTH
        || !body.bytes().all(|byte| byte.is_ascii_alphanumeric())
    {
        return None;
    }
    let (unchecked, given) = secret.split_at_checked(secret.len() - CHECKSUM_LENGTH)?;
    (checksum(unchecked) == given).then(|| SecretHash::of(secret))
}

fn prefix(environment: Environment) -> &'static str {
    match environment {
        Environment::Sandbox => "sk_workspace_test_",
        Environment::Production => "sk_workspace_prod_",
    }
}

fn checksum(unchecked: &str) -> String {
    base62::six_characters(crc32fast::hash(unchecked.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SeededRandomness;
    use proptest::prelude::*;

    fn secret() -> String {
        new_secret(Environment::Sandbox, &SeededRandomness::from_seed(3))
    }

    #[test]
    fn a_new_secret_is_recognised_in_its_environment_only() {
        assert!(secret().starts_with("sk_workspace_test_"));
        assert_eq!(recognise(&secret(), Environment::Sandbox), Some(SecretHash::of(&secret())));
        assert_eq!(recognise(&secret(), Environment::Production), None);
    }

    #[test]
    fn a_hash_matches_its_secret_only() {
        let hash = SecretHash::of("secret");
        assert!(hash.matches("secret"));
        assert!(!hash.matches("Secret"));
    }

    proptest! {
        #[test]
        fn a_typo_is_refused(position in 18_usize..57, replacement in "[0-9A-Za-z]") {
            let mut typo = secret();
            typo.replace_range(position..=position, &replacement);
            prop_assume!(typo != secret());
            prop_assert_eq!(recognise(&typo, Environment::Sandbox), None);
        }

        #[test]
        fn recognising_never_panics(text in ".*") {
            prop_assert_eq!(recognise(&text, Environment::Sandbox), None);
        }
    }

    #[test]
    fn a_key_is_valid_until_it_expires_or_is_revoked() {
        let at = Timestamp::from_millis;
        let key = ApiKey {
            id: ApiKeyId::from_bytes([0; 16]),
            workspace_id: "org_a".parse().unwrap(),
            name: String::new(),
            access: Access::Full,
            created_at: at(0),
            expires_at: Some(at(10)),
            revoked_at: None,
            last_used_at: None,
        };
        assert!(key.is_valid_at(at(9)));
        assert!(!key.is_valid_at(at(10)));
        assert!(!ApiKey { revoked_at: Some(at(1)), ..key }.is_valid_at(at(2)));
    }
}
