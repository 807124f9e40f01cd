//! Whether the databases can be reached, read and written, and their tables are those of this
//! program.

use std::collections::BTreeMap;

use db::{
    Applied, ErrorKind, Inspection, Location, Problem, Tables, TablesState, UnavailableReason,
    inspect,
};
use domain::Clock;
use tokio::time::timeout;

use super::agreed::Known;
use super::{Finding, LIMIT};
use crate::config::{Config, Role};

/// What was found of the databases that this configuration's roles need.
#[derive(Debug, Default)]
pub(super) struct Databases(Vec<Looked>);

/// One of them.
#[derive(Debug)]
struct Looked {
    checks: Checks,
    is_shared: bool,
    inspection: Inspection,
}

/// What the checks of a store are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Checks {
    database: &'static str,
    tables: &'static str,
}

const CONNECT: Checks = Checks { database: "connect-database", tables: "connect-tables" };
const TPAS: Checks = Checks { database: "tpas-database", tables: "tpas-tables" };

impl Databases {
    pub(super) async fn look(config: &Config, clock: &dyn Clock) -> Self {
        let needs_connect = config.roles.has(Role::Api) || config.roles.has(Role::Scheduler);
        let needs_tpas = config.roles.has(Role::Tpas);
        let (connect, tpas) = (config.workspace_location(), config.challenge_location());
        let (connect, tpas) = tokio::join!(
            async {
                if needs_connect {
                    Some(
                        look(CONNECT, &connect, inspect(&connect, &store_workspace::SCHEMA, clock))
                            .await,
                    )
                } else {
                    None
                }
            },
            async {
                if needs_tpas {
                    Some(look(TPAS, &tpas, inspect(&tpas, &store_challenge::SCHEMA, clock)).await)
                } else {
                    None
                }
            },
        );
        Self(connect.into_iter().chain(tpas).collect())
    }

    /// Those that could be looked at, with what people call them.
    pub(super) fn open(&self) -> impl Iterator<Item = (&str, &Tables)> {
        self.0.iter().filter_map(
            |Looked { inspection: Inspection { name, state }, .. }| match state {
                TablesState::Open(tables) => Some((&**name, &**tables)),
                TablesState::Missing | TablesState::Closed(_) => None,
            },
        )
    }

    /// Whether nothing hides what has been agreed on.
    pub(super) fn are_known(&self) -> bool {
        !self.0.iter().any(|looked| matches!(looked.inspection.state, TablesState::Closed(_)))
    }

    /// What the challenge service's database says about its secrets.
    pub(super) fn known_secrets(&self) -> Known {
        let Some(looked) = self.0.iter().find(|looked| looked.checks == TPAS) else {
            return Known::NotNeeded;
        };
        let database = looked.inspection.name.clone();
        match &looked.inspection.state {
            TablesState::Open(tables) => Known::Facts { database, facts: tables.settings.clone() },
            TablesState::Missing => Known::Facts { database, facts: BTreeMap::new() },
            TablesState::Closed(_) => Known::Nothing { database },
        }
    }

    pub(super) fn findings(&self) -> Vec<Finding> {
        self.0.iter().flat_map(Looked::findings).collect()
    }
}

/// An inspection that ends in time.
async fn look(
    checks: Checks,
    location: &Location,
    inspection: impl Future<Output = Inspection>,
) -> Looked {
    let inspection = timeout(LIMIT, inspection).await.unwrap_or_else(|_elapsed| {
        let cause = format!("it could not be looked at within {} seconds", LIMIT.as_secs());
        let problem = Problem { kind: ErrorKind::Unavailable(UnavailableReason::Slow), cause };
        Inspection { name: location.to_string(), state: TablesState::Closed(problem) }
    });
    Looked { checks, is_shared: location.is_shared(), inspection }
}

impl Looked {
    fn findings(&self) -> Vec<Finding> {
        let (check, name) = (self.checks.database, &self.inspection.name);
        match &self.inspection.state {
            TablesState::Missing => vec![Finding::warning(
                check,
                format!("{name} is not there yet"),
                "before a first start there is nothing to do; if there was data, correct --data-dir, or restore a backup",
            )],
            TablesState::Closed(problem) => {
                vec![Finding::failed(check, format!("{name} {problem}"), self.mend(problem.kind))]
            }
            TablesState::Open(tables) => vec![self.database(tables), self.tables(tables)],
        }
    }

    /// Whether what has to be done with the tables may and can be done.
    fn database(&self, tables: &Tables) -> Finding {
        let (check, name) = (self.checks.database, &self.inspection.name);
        if let Err(problem) = &tables.writable {
            return Finding::failed(check, format!("{name} {problem}"), self.mend(problem.kind));
        }
        if !tables.forbidden.is_empty() {
            let text = format!(
                "{name} can be read, but this account may not {}",
                tables.forbidden.join("; ")
            );
            return Finding::failed(check, text, self.mend(ErrorKind::Forbidden));
        }
        let user = if tables.is_in_use { "; another process has it open" } else { "" };
        Finding::good(check, format!("{name} can be read and written{user}"))
    }

    /// Whether the tables are those of this program.
    fn tables(&self, tables: &Tables) -> Finding {
        let (check, name) = (self.checks.tables, &self.inspection.name);
        let Applied { newest, missing, unknown, different } = &tables.applied;
        if !different.is_empty() {
            let text = format!(
                "the tables of {name} were made by something else: migration {}",
                list(different)
            );
            return Finding::failed(check, text, "name another database, or restore a backup");
        }
        if !unknown.is_empty() {
            let text = format!(
                "the tables of {name} were made by a newer fieldtest: migration {}",
                list(unknown)
            );
            return Finding::failed(check, text, "start that version, or restore a backup");
        }
        let what = match newest {
            Some(newest) if missing.is_empty() => {
                return Finding::good(
                    check,
                    format!("{name} is up to date, with migration {newest}"),
                );
            }
            Some(_) => {
                format!("{name} is older than this program: migration {} is missing", list(missing))
            }
            None => format!("there are no tables in {name} yet"),
        };
        if !tables.may_change {
            let mend = "run `fieldtest migrate` as the account that owns the tables";
            return Finding::failed(
                check,
                format!("{what}, and this account may not change that"),
                mend,
            );
        }
        Finding::warning(
            check,
            what,
            "back up, then run `fieldtest migrate`, or start the server, which does the same",
        )
    }

    fn mend(&self, kind: ErrorKind) -> &'static str {
        if self.is_shared { mend_server(kind) } else { mend_file(kind) }
    }
}

fn list(versions: &[i32]) -> String {
    let versions: Vec<String> = versions.iter().map(ToString::to_string).collect();
    versions.join(", ")
}

/// What to do about a PostgreSQL server.
fn mend_server(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Credentials => "correct user and password in the URL",
        ErrorKind::NoSuchDatabase => {
            "make the database (docs/operations.md, Setting it up), or correct its name in the URL"
        }
        ErrorKind::Forbidden => {
            "grant this user what is missing (docs/operations.md, Setting it up)"
        }
        ErrorKind::Unavailable(UnavailableReason::Unreachable) => {
            "see whether it runs, and whether host, port and sslmode of the URL are right (docs/operations.md, The URL)"
        }
        ErrorKind::Unavailable(UnavailableReason::Slow) => {
            "look at its load, for locks that somebody holds, and for a link that drops everything; --database-timeout is \
             how long it may take"
        }
        ErrorKind::Unavailable(UnavailableReason::Busy) => {
            "see what else writes to these tables, and try again"
        }
        ErrorKind::Unavailable(UnavailableReason::ReadOnly) => {
            "name the server that takes writes: target_session_attrs=read-write finds it among several hosts"
        }
        ErrorKind::Unavailable(UnavailableReason::Full) => {
            "look at its disk, its memory and its max_connections"
        }
        ErrorKind::NotADatabase | ErrorKind::Other => "look at the log of PostgreSQL",
    }
}

/// What to do about a file of SQLite's.
fn mend_file(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::NotADatabase => {
            "restore it from a backup (docs/operations.md, Backup and restore)"
        }
        ErrorKind::Forbidden => {
            "run this as the account that the server runs as; its files and their folder must be its own"
        }
        ErrorKind::Unavailable(UnavailableReason::Slow | UnavailableReason::Busy) => {
            "end what has locked it for so long: a backup, or a program that writes to it"
        }
        ErrorKind::Unavailable(UnavailableReason::ReadOnly) => {
            "let the file, its folder and their disk be written"
        }
        ErrorKind::Unavailable(UnavailableReason::Full) => "make room on the disk",
        ErrorKind::Unavailable(UnavailableReason::Unreachable)
        | ErrorKind::Credentials
        | ErrorKind::NoSuchDatabase
        | ErrorKind::Other => "look at the disk and its file system; SQLite needs a local one",
    }
}
