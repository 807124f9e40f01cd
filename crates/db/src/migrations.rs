//! The migrations of a store: their texts, and which of them a database still needs.
//!
//! Both engines record an applied migration in the transaction that applies it. So a process that
//! is killed in the middle leaves nothing half done.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use siphasher::sip::SipHasher13;
use thiserror::Error;

/// One migration of a store, for both engines.
pub struct Migration {
    /// Number and name, such as `V1__challenges`.
    pub name: &'static str,
    /// The SQL for SQLite.
    pub sqlite: &'static str,
    /// The SQL for PostgreSQL, which describes the same tables.
    pub postgres: &'static str,
}

/// The migrations of these names, from the folders `migrations/sqlite` and `migrations/postgres` of
/// the crate that calls this.
#[macro_export]
macro_rules! migrations {
    ($($name:literal),* $(,)?) => {
        &[$($crate::Migration {
            name: $name,
            sqlite: include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"), "/migrations/sqlite/", $name, ".sql"
            )),
            postgres: include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"), "/migrations/postgres/", $name, ".sql"
            )),
        }),*]
    };
}

/// The table of the applied migrations. The library that applied them before fieldtest did so
/// itself gave it this name.
pub(crate) const HISTORY_TABLE: &str = "refinery_schema_history";

/// Creates the table of the applied migrations.
pub(crate) fn create_history(table: &str) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS {table} (
            version INT4 PRIMARY KEY,
            name VARCHAR(255),
            applied_on VARCHAR(255),
            checksum VARCHAR(255)
        )"
    )
}

/// The migrations of a store as one engine applies them, in the order of their versions.
pub(crate) struct Migrations(Vec<Step>);

/// One migration as one engine applies it.
pub(crate) struct Step {
    /// The number in the name.
    pub(crate) version: i32,
    /// The name without the number.
    pub(crate) name: &'static str,
    /// The statements.
    pub(crate) sql: &'static str,
    /// What tells whether an applied migration had the same text.
    pub(crate) checksum: String,
}

/// The applied migrations: their checksums by version.
pub(crate) type History = BTreeMap<i32, String>;

/// Why a database cannot be migrated.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum MigrationError {
    /// A newer program has applied a migration.
    #[error("migration {0} is unknown to this program")]
    Unknown(i32),
    /// The text of a migration has changed since it was applied.
    #[error("migration {0} was applied with another text")]
    Different(i32),
    /// A migration is missing although a later one was applied.
    #[error("migration {0} was not applied, but a later one was")]
    Skipped(i32),
    /// A mistake in this program.
    #[error("the migration {0:?} is not named V<number>__<name>")]
    Name(&'static str),
}

impl Migrations {
    /// The migrations with these names and texts, in the order of their versions.
    pub(crate) fn new(
        migrations: impl Iterator<Item = (&'static str, &'static str)>,
    ) -> Result<Self, MigrationError> {
        let steps: Result<Vec<_>, _> = migrations.map(|(name, sql)| Step::new(name, sql)).collect();
        Ok(Self(steps?))
    }

    /// All of them.
    pub(crate) fn steps(&self) -> &[Step] {
        &self.0
    }

    /// Those that a database with this history still needs.
    pub(crate) fn missing_from(&self, history: &History) -> Result<&[Step], MigrationError> {
        for (version, checksum) in history {
            match self.0.iter().find(|step| step.version == *version) {
                None => return Err(MigrationError::Unknown(*version)),
                Some(step) if step.checksum != *checksum => {
                    return Err(MigrationError::Different(*version));
                }
                Some(_) => {}
            }
        }
        // All of the history is known, so a difference means that one was skipped.
        let (applied, missing) = self.0.split_at_checked(history.len()).unwrap_or((&self.0, &[]));
        match applied.iter().find(|step| !history.contains_key(&step.version)) {
            Some(skipped) => Err(MigrationError::Skipped(skipped.version)),
            None => Ok(missing),
        }
    }
}

impl Step {
    fn new(full_name: &'static str, sql: &'static str) -> Result<Self, MigrationError> {
        let parts = full_name.strip_prefix('V').and_then(|rest| rest.split_once("__"));
        let (version, name) = parts
            .and_then(|(version, name)| Some((version.parse::<i32>().ok()?, name)))
            .ok_or(MigrationError::Name(full_name))?;
        // This is how the library of earlier versions computed it.
        let mut hasher = SipHasher13::new();
        name.hash(&mut hasher);
        version.hash(&mut hasher);
        sql.hash(&mut hasher);
        Ok(Self { version, name, sql, checksum: hasher.finish().to_string() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn migrations() -> Migrations {
        let names = ["V1__challenges", "V2__deployment_settings", "V3__crowds"];
        Migrations::new(names.into_iter().map(|name| (name, "SELECT 1"))).unwrap()
    }

    fn history(versions: &[i32]) -> History {
        let migrations = migrations();
        let applied = migrations.steps().iter().filter(|step| versions.contains(&step.version));
        applied.map(|step| (step.version, step.checksum.clone())).collect()
    }

    #[test]
    fn what_was_not_applied_is_missing() {
        let missing = |versions: &[i32]| -> Result<Vec<i32>, MigrationError> {
            let migrations = migrations();
            let steps = migrations.missing_from(&history(versions))?;
            Ok(steps.iter().map(|step| step.version).collect())
        };
        assert_eq!(missing(&[]), Ok(vec![1, 2, 3]));
        assert_eq!(missing(&[1]), Ok(vec![2, 3]));
        assert_eq!(missing(&[1, 2, 3]), Ok(vec![]));
        assert_eq!(missing(&[2]), Err(MigrationError::Skipped(1)));
        assert_eq!(missing(&[1, 3]), Err(MigrationError::Skipped(2)));
    }

    #[test]
    fn a_history_of_another_program_is_refused() {
        let refused = |version, checksum: &str| {
            let mut history = history(&[1, 2, 3]);
            history.insert(version, checksum.to_owned());
            migrations().missing_from(&history).err()
        };
        assert_eq!(refused(99, "0"), Some(MigrationError::Unknown(99)));
        assert_eq!(refused(2, "0"), Some(MigrationError::Different(2)));
    }

    #[test]
    fn checksums_are_those_of_earlier_versions() {
        let step = Step::new("V1__challenges", "SELECT 1").unwrap();
        assert_eq!((step.version, step.name), (1, "challenges"));
        assert_eq!(step.checksum, "1494725890529409824");
        assert!(Step::new("1__challenges", "").is_err());
        assert!(Step::new("V1_challenges", "").is_err());
    }
}
