//! Workspace API keys (§2).

use sha2::{Digest, Sha256};

use crate::{ApiKeyId, Environment, Randomness, Timestamp, WorkspaceId, base62};

/// 33 characters of base 62 carry 196 bits.
const RANDOM_LENGTH: usize = 33;
const CHECKSUM_LENGTH: usize = 6;

/// What a key's bearer may do (§2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Read, create and change.
    Full,
    /// Read.
    ReadOnly,
}

impl Access {
    /// The name used in the tables and on the command line.
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

/// A key as the database knows it: everything but the secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// The id by which people speak of it.
    pub id: ApiKeyId,
    /// Whose data it opens.
    pub workspace_id: WorkspaceId,
    /// What it was made for, in its maker's words.
    pub name: String,
    /// What its bearer may do.
    pub access: Access,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is refused, if ever.
    pub expires_at: Option<Timestamp>,
    /// When it was taken back, if it was.
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, as far as is known: to the minute or so.
    pub last_used_at: Option<Timestamp>,
}

impl ApiKey {
    /// Whether its bearer is let in at `now`.
    #[must_use]
    pub fn is_valid_at(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

/// The SHA-256 of a key's secret: what is stored and looked up. The secret has 196 random bits, so
/// a fast hash is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// The hash of a secret, whatever its form.
    #[must_use]
    pub fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret).into())
    }

    /// The bytes that the database keeps.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// A new secret: prefix, 33 random characters, 6 characters of checksum. Shown once, never stored.
#[must_use]
pub fn new_secret(environment: Environment, randomness: &dyn Randomness) -> String {
    let body = base62::random(randomness, RANDOM_LENGTH);
    let unchecked = format!("{}{body}", prefix(environment));
    let checksum = checksum(&unchecked);
    format!("{unchecked}{checksum}")
}

/// The hash under which this secret would be stored, or `None` if no such secret was ever made for
/// this environment: then there is no need to ask the database.
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
    fn a_new_secret_is_recognised_in_its_own_environment_only() {
        assert!(secret().starts_with("sk_workspace_test_"));
        assert_eq!(recognise(&secret(), Environment::Sandbox), Some(SecretHash::of(&secret())));
        assert_eq!(recognise(&secret(), Environment::Production), None);
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
