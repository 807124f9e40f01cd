//! The result of inspecting a store's tables (§13).

use std::collections::BTreeMap;
use std::fmt;

use domain::Timestamp;

use crate::migrations::{History, Migrations};
use crate::{StoreError, UnavailableReason};

/// The state of a store's tables (§13).
#[derive(Debug)]
pub struct Inspection {
    /// The display name of the tables: a file, or host, database and schema.
    pub name: String,
    /// Their state.
    pub state: TablesState,
}

/// Whether a store's tables can be read, and what was read.
#[derive(Debug)]
pub enum TablesState {
    /// The file does not exist.
    Missing,
    /// They cannot be read.
    Closed(Problem),
    /// They were read.
    Open(Box<Tables>),
}

/// What an inspection read.
#[derive(Debug)]
pub struct Tables {
    /// The migrations that have been applied.
    pub applied: Applied,
    /// Whether this account can run migrations.
    pub may_change: bool,
    /// Whether a write succeeds.
    pub writable: Result<(), Problem>,
    /// The rights that this account lacks, such as `INSERT on api_keys`.
    pub forbidden: Vec<String>,
    /// The deployment settings, by name.
    pub settings: BTreeMap<String, String>,
    /// The time of the database's clock, if it has one.
    pub clock: Option<ClockReading>,
    /// The creation time of the newest row, if the database has no clock.
    pub newest_row: Option<Timestamp>,
    /// Whether another process has the SQLite file open. `false` on PostgreSQL, which any number of
    /// processes can use.
    pub is_in_use: bool,
}

/// The migrations that have been applied, compared with those of this program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// The newest applied migration, or `None` if there are no tables.
    pub newest: Option<i32>,
    /// Those that have not been applied.
    pub missing: Vec<i32>,
    /// Applied ones that this program does not have.
    pub unknown: Vec<i32>,
    /// Applied ones whose text differs from this program's.
    pub different: Vec<i32>,
}

/// The time of a database's clock, and of ours before the query and after the answer.
#[derive(Clone, Copy, Debug)]
pub struct ClockReading {
    /// Our clock before the query.
    pub before: Timestamp,
    /// The database's clock.
    pub there: Timestamp,
    /// Our clock after the answer.
    pub after: Timestamp,
}

/// Why tables cannot be read or written.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The kind of error.
    pub kind: ErrorKind,
    /// The message of the database, its driver or the operating system. It contains no secret.
    pub cause: String,
}

/// The kinds of errors that an operator fixes in different ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The file is not a database, or is damaged.
    NotADatabase,
    /// This account lacks the right.
    Forbidden,
    /// The database rejects the user or the password.
    Credentials,
    /// The server has no such database.
    NoSuchDatabase,
    /// The database is unavailable.
    Unavailable(UnavailableReason),
    /// Any other error.
    Other,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            ErrorKind::NotADatabase => formatter.write_str("is not a database, or is damaged")?,
            ErrorKind::Forbidden => formatter.write_str("may not be used by this account")?,
            ErrorKind::Credentials => formatter.write_str("does not let this user in")?,
            ErrorKind::NoSuchDatabase => formatter.write_str("does not exist")?,
            ErrorKind::Unavailable(reason) => reason.fmt(formatter)?,
            ErrorKind::Other => formatter.write_str("does not work")?,
        }
        write!(formatter, ": {}", self.cause)
    }
}

impl Problem {
    pub(crate) fn new(kind: ErrorKind, cause: impl ToString) -> Self {
        Self { kind, cause: cause.to_string() }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable { reason, cause } => {
                Self { kind: ErrorKind::Unavailable(reason), cause }
            }
            StoreError::Internal(cause) => Self { kind: ErrorKind::Other, cause },
            StoreError::Overloaded | StoreError::Closed => Self::new(ErrorKind::Other, error),
        }
    }
}

impl Applied {
    /// Compares the applied migrations, each with its checksum, with those of this program.
    pub(crate) fn compare(applied: &History, migrations: &Migrations) -> Self {
        let ours: History = migrations
            .steps()
            .iter()
            .map(|migration| (migration.version, migration.checksum.clone()))
            .collect();
        let versions = |of: &History, is_wanted: &dyn Fn(&i32, &String) -> bool| {
            of.iter()
                .filter(|(version, checksum)| is_wanted(version, checksum))
                .map(|(version, _)| *version)
                .collect()
        };
        Self {
            newest: applied.keys().next_back().copied(),
            missing: versions(&ours, &|version, _| !applied.contains_key(version)),
            unknown: versions(applied, &|version, _| !ours.contains_key(version)),
            different: versions(applied, &|version, checksum| {
                ours.get(version).is_some_and(|ours| ours != checksum)
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn migrations() -> Migrations {
        let names = ["V1__challenges", "V2__deployment_settings", "V3__crowds"];
        Migrations::new(names.into_iter().map(|name| (name, "SELECT 1"))).unwrap()
    }

    fn applied(versions: &[(i32, Option<&str>)]) -> History {
        let migrations = migrations();
        let checksum = |version| {
            let ours = migrations.steps().iter().find(|step| step.version == version);
            ours.map_or_else(String::new, |step| step.checksum.clone())
        };
        versions
            .iter()
            .map(|(version, sum)| (*version, sum.map_or_else(|| checksum(*version), str::to_owned)))
            .collect()
    }

    #[test]
    fn migrations_are_missing_unknown_or_different() {
        let compare = |versions| Applied::compare(&applied(versions), &migrations());
        let all = Applied { newest: Some(3), ..Applied::default() };
        assert_eq!(compare(&[(1, None), (2, None), (3, None)]), all);
        assert_eq!(compare(&[]), Applied { missing: vec![1, 2, 3], ..Applied::default() });
        assert_eq!(
            compare(&[(1, None)]),
            Applied { newest: Some(1), missing: vec![2, 3], ..Applied::default() }
        );
        let newer = Applied { newest: Some(99), unknown: vec![99], ..Applied::default() };
        assert_eq!(compare(&[(1, None), (2, None), (3, None), (99, None)]), newer);
        assert_eq!(
            compare(&[(1, Some("0")), (2, None), (3, None)]),
            Applied { different: vec![1], ..all }
        );
    }
}
