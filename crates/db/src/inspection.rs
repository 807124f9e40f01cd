//! Looking at a store's tables without changing anything: not the tables, not the files, not a
//! server that is at work (§13).

use std::collections::BTreeMap;
use std::fmt;

use domain::{Clock, Timestamp};
use refinery_core::Runner;

use crate::location::{Location, Schema};
use crate::{StoreError, UnavailableReason, postgres, sqlite};

/// What was found of a store's tables (§13).
#[derive(Debug)]
pub struct Inspection {
    /// What people recognise the tables by: a file, or host, database and schema.
    pub name: String,
    /// How they are.
    pub state: TablesState,
}

/// How a store's tables are.
#[derive(Debug)]
pub enum TablesState {
    /// There is no such file yet.
    Missing,
    /// They cannot be looked at.
    Closed(Problem),
    /// They were looked at.
    Open(Box<Tables>),
}

/// What is known of tables that could be looked at.
#[derive(Debug)]
pub struct Tables {
    /// Which migrations have been run on them.
    pub applied: Applied,
    /// Whether this account may change them, and make those that are missing.
    pub may_change: bool,
    /// Whether a write gets through.
    pub writable: Result<(), Problem>,
    /// What this account may not do with tables that exist, such as `INSERT on api_keys`.
    pub forbidden: Vec<String>,
    /// What has been agreed on, by its name.
    pub settings: BTreeMap<String, String>,
    /// What the database's own clock says, where it has one.
    pub clock: Option<ClockReading>,
    /// When the newest row was made, where the database has no clock.
    pub newest_row: Option<Timestamp>,
    /// Whether another process has the file open: a server, or a command. Any number may use a
    /// PostgreSQL database.
    pub is_in_use: bool,
}

/// The migrations that have been run, compared with those that this program has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// The newest that was run; none if no tables have been made.
    pub newest: Option<i32>,
    /// Those that have not been run.
    pub missing: Vec<i32>,
    /// Those that this program does not know.
    pub unknown: Vec<i32>,
    /// Those that were run with another text.
    pub different: Vec<i32>,
}

/// What a database's clock said, and ours before the question and after the answer.
#[derive(Clone, Copy, Debug)]
pub struct ClockReading {
    /// Ours, before.
    pub before: Timestamp,
    /// The database's.
    pub there: Timestamp,
    /// Ours, after.
    pub after: Timestamp,
}

/// Why something could not be done with tables.
#[derive(Clone, Debug)]
pub struct Problem {
    /// Of which kind it is.
    pub kind: ErrorKind,
    /// What the database, its driver or the operating system says. No secret is in it.
    pub cause: String,
}

/// A kind of problem: each is mended in another way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The file is no database, or is damaged.
    NotADatabase,
    /// This account must not.
    Forbidden,
    /// The database does not know this user, or the password is wrong.
    Credentials,
    /// The server has no such database.
    NoSuchDatabase,
    /// The database cannot do its work now.
    Unavailable(UnavailableReason),
    /// Anything else.
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
    /// Compares what was run, each with its checksum, with what this program would run.
    pub(crate) fn compare(run: &BTreeMap<i32, String>, migrations: &Runner) -> Self {
        let known: BTreeMap<i32, String> = migrations
            .get_migrations()
            .iter()
            .map(|one| (one.version(), one.checksum().to_string()))
            .collect();
        let versions = |of: &BTreeMap<i32, String>, is_wanted: &dyn Fn(&i32, &String) -> bool| {
            of.iter()
                .filter(|(version, checksum)| is_wanted(version, checksum))
                .map(|(version, _)| *version)
                .collect()
        };
        Self {
            newest: run.keys().next_back().copied(),
            missing: versions(&known, &|version, _| !run.contains_key(version)),
            unknown: versions(run, &|version, _| !known.contains_key(version)),
            different: versions(run, &|version, checksum| {
                known.get(version).is_some_and(|known| known != checksum)
            }),
        }
    }
}

/// Looks at a store's tables (§13).
///
/// Call this in a process that does not have them open: on SQLite, looking would release that
/// process's locks.
pub async fn inspect(
    location: &Location,
    schema: &'static Schema,
    clock: &dyn Clock,
) -> Inspection {
    let looked = match location {
        Location::Folder(folder) => {
            let path = folder.join(schema.file);
            let look = tokio::task::spawn_blocking(move || {
                let migrations = schema.sqlite_runner().map_err(broken)?;
                sqlite::inspect::look(&path, schema, &migrations)
            });
            look.await.unwrap_or_else(|error| Err(Problem::new(ErrorKind::Other, error)))
        }
        Location::Postgres(options) => match schema.postgres_runner() {
            Ok(migrations) => {
                postgres::inspect::look(options, schema, &migrations, clock).await.map(Some)
            }
            Err(error) => Err(broken(error)),
        },
    };
    let state = match looked {
        Ok(None) => TablesState::Missing,
        Ok(Some(tables)) => TablesState::Open(Box::new(tables)),
        Err(problem) => TablesState::Closed(problem),
    };
    Inspection { name: location.describe(schema), state }
}

fn broken(error: refinery_core::Error) -> Problem {
    Problem::new(ErrorKind::Other, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn migrations() -> Runner {
        let migrations = ["V1__challenges", "V2__deployment_settings", "V3__crowds"];
        let migrations =
            migrations.map(|name| refinery_core::Migration::unapplied(name, "SELECT 1").unwrap());
        Runner::new(&migrations)
    }

    fn run(versions: &[(i32, Option<&str>)]) -> BTreeMap<i32, String> {
        let runner = migrations();
        let checksum = |version| {
            let known =
                runner.get_migrations().iter().find(|migration| migration.version() == version);
            known.map_or_else(String::new, |migration| migration.checksum().to_string())
        };
        versions
            .iter()
            .map(|(version, sum)| (*version, sum.map_or_else(|| checksum(*version), str::to_owned)))
            .collect()
    }

    #[test]
    fn what_was_run_is_missing_unknown_or_different() {
        let compare = |versions| Applied::compare(&run(versions), &migrations());
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
