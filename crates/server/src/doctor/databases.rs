//! The checks of the databases: they can be reached, read and written, and their tables are up to
//! date.

use std::collections::BTreeMap;

use db::{
    Applied, ErrorKind, Inspection, Location, Problem, Tables, TablesState, UnavailableReason,
};
use domain::Clock;
use futures_util::future::OptionFuture;
use tokio::time::timeout;

use super::finding::Finding;
use super::limit::LIMIT;
use crate::config::{Config, Role};
use crate::lifecycle::missing_database::{self, MissingDatabase};

/// The inspected databases that this configuration's roles need.
#[derive(Debug, Default)]
pub(super) struct Databases(Vec<Inspected>);

/// One inspected database.
#[derive(Debug)]
struct Inspected {
    checks: Checks,
    is_shared: bool,
    inspection: Inspection,
    /// Whether it is gone although the other database is not.
    missing: Option<MissingDatabase>,
}

/// The names of the checks of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Checks {
    database: &'static str,
    tables: &'static str,
}

const WORKSPACE: Checks = Checks { database: "connect-database", tables: "connect-tables" };
const CHALLENGE: Checks = Checks { database: "tpas-database", tables: "tpas-tables" };

/// The fingerprints of the secrets in the challenge service's database.
pub(super) enum StoredSecrets {
    /// There is no challenge service in this process.
    NotNeeded,
    /// The database cannot be read.
    Unreadable { database: String },
    /// The deployment settings. Before the first start they contain no fingerprints.
    Readable { database: String, settings: BTreeMap<String, String> },
}

impl Databases {
    pub(super) async fn inspect(config: &Config, clock: &dyn Clock) -> Self {
        let Config { roles, .. } = config;
        let (workspace, challenge) = (config.workspace_location(), config.challenge_location());
        let needs_workspace = roles.has(Role::Api) || roles.has(Role::Scheduler);
        let workspace = needs_workspace.then(|| {
            let inspection = db::inspect(&workspace, &store_workspace::SCHEMA, clock);
            within_limit(WORKSPACE, &workspace, inspection)
        });
        let challenge = roles.has(Role::ChallengeService).then(|| {
            let inspection = db::inspect(&challenge, &store_challenge::SCHEMA, clock);
            within_limit(CHALLENGE, &challenge, inspection)
        });
        let (workspace, challenge) =
            tokio::join!(OptionFuture::from(workspace), OptionFuture::from(challenge));
        let mut all: Vec<Inspected> = workspace.into_iter().chain(challenge).collect();
        if let Ok(Some(found)) = timeout(LIMIT, missing_database::find(config)).await
            && let Some(inspected) =
                all.iter_mut().find(|inspected| inspected.inspection.name == found.missing)
        {
            inspected.missing = Some(found);
        }
        Self(all)
    }

    /// The databases that could be read, with their names for people.
    pub(super) fn open(&self) -> impl Iterator<Item = (&str, &Tables)> {
        self.0.iter().filter_map(|Inspected { inspection: Inspection { name, state }, .. }| {
            match state {
                TablesState::Open(tables) => Some((&**name, &**tables)),
                TablesState::Missing | TablesState::Closed(_) => None,
            }
        })
    }

    /// Whether the deployment settings of all databases could be read.
    pub(super) fn are_readable(&self) -> bool {
        !self.0.iter().any(|inspected| matches!(inspected.inspection.state, TablesState::Closed(_)))
    }

    /// The fingerprints of the challenge service's secrets.
    pub(super) fn stored_secrets(&self) -> StoredSecrets {
        let Some(inspected) = self.0.iter().find(|inspected| inspected.checks == CHALLENGE) else {
            return StoredSecrets::NotNeeded;
        };
        let database = inspected.inspection.name.clone();
        match &inspected.inspection.state {
            TablesState::Open(tables) => {
                StoredSecrets::Readable { database, settings: tables.settings.clone() }
            }
            TablesState::Missing => StoredSecrets::Readable { database, settings: BTreeMap::new() },
            TablesState::Closed(_) => StoredSecrets::Unreadable { database },
        }
    }

    pub(super) fn findings(&self) -> Vec<Finding> {
        self.0.iter().flat_map(Inspected::findings).collect()
    }
}

/// The result of an inspection, or a timeout.
async fn within_limit(
    checks: Checks,
    location: &Location,
    inspection: impl Future<Output = Inspection>,
) -> Inspected {
    let inspection = timeout(LIMIT, inspection).await.unwrap_or_else(|_elapsed| {
        let cause = format!("it could not be looked at within {} seconds", LIMIT.as_secs());
        let problem = Problem { kind: ErrorKind::Unavailable(UnavailableReason::Slow), cause };
        Inspection { name: location.to_string(), state: TablesState::Closed(problem) }
    });
    Inspected { checks, is_shared: location.is_shared(), inspection, missing: None }
}

impl Inspected {
    fn findings(&self) -> Vec<Finding> {
        let (check, name) = (self.checks.database, &self.inspection.name);
        if let Some(MissingDatabase { missing, living }) = &self.missing {
            let text =
                format!("{missing} is missing or empty, and {living} belongs to a deployment");
            return vec![Finding::failed(check, text, missing_database::REMEDY)];
        }
        match &self.inspection.state {
            TablesState::Missing => vec![Finding::warning(
                check,
                format!("{name} is not there yet"),
                "before a first start there is nothing to do; if there was data, correct \
                 --data-dir, or restore a backup",
            )],
            TablesState::Closed(problem) => {
                vec![Finding::failed(check, format!("{name} {problem}"), self.fix(problem.kind))]
            }
            TablesState::Open(tables) => vec![self.database(tables), self.tables(tables)],
        }
    }

    /// The finding about access to the database.
    fn database(&self, tables: &Tables) -> Finding {
        let (check, name) = (self.checks.database, &self.inspection.name);
        if let Err(problem) = &tables.writable {
            return Finding::failed(check, format!("{name} {problem}"), self.fix(problem.kind));
        }
        if !tables.forbidden.is_empty() {
            let text = format!(
                "{name} can be read, but this account may not {}",
                tables.forbidden.join("; ")
            );
            return Finding::failed(check, text, self.fix(ErrorKind::Forbidden));
        }
        let user = if tables.is_in_use { "; another process has it open" } else { "" };
        Finding::good(check, format!("{name} can be read and written{user}"))
    }

    /// The finding about the migrations.
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
            let fix = "run `fieldtest migrate` as the account that owns the tables";
            return Finding::failed(
                check,
                format!("{what}, and this account may not change that"),
                fix,
            );
        }
        Finding::warning(
            check,
            what,
            "back up, then run `fieldtest migrate`, or start the server, which does the same",
        )
    }

    fn fix(&self, kind: ErrorKind) -> &'static str {
        if self.is_shared { fix_server(kind) } else { fix_file(kind) }
    }
}

fn list(versions: &[i32]) -> String {
    let versions: Vec<String> = versions.iter().map(ToString::to_string).collect();
    versions.join(", ")
}

/// How to fix a PostgreSQL database.
fn fix_server(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Credentials => "correct user and password in the URL",
        ErrorKind::NoSuchDatabase => {
            "make the database (docs/operations.md, Setting it up), or correct its name in the URL"
        }
        ErrorKind::Forbidden => {
            "grant this user what is missing (docs/operations.md, Setting it up)"
        }
        ErrorKind::Unavailable(UnavailableReason::Unreachable) => {
            "see whether it runs, and whether host, port and sslmode of the URL are right \
             (docs/operations.md, The URL)"
        }
        ErrorKind::Unavailable(UnavailableReason::Slow) => {
            "look at its load, for locks that are held for long, and for a link that drops \
             everything; --database-timeout is how long it may take"
        }
        ErrorKind::Unavailable(UnavailableReason::Busy) => {
            "see what else writes to these tables, and try again"
        }
        ErrorKind::Unavailable(UnavailableReason::ReadOnly) => {
            "name the server that takes writes: target_session_attrs=read-write finds it among \
             several hosts"
        }
        ErrorKind::Unavailable(UnavailableReason::Full) => {
            "look at its disk, its memory and its max_connections"
        }
        ErrorKind::NotADatabase | ErrorKind::Other => "look at the log of PostgreSQL",
    }
}

/// How to fix a SQLite file.
fn fix_file(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::NotADatabase => {
            "restore it from a backup (docs/operations.md, Backup and restore)"
        }
        ErrorKind::Forbidden => {
            "run this as the account that the server runs as; its files and their folder must be \
             its own"
        }
        ErrorKind::Unavailable(UnavailableReason::Slow | UnavailableReason::Busy) => {
            "end what has locked it for so long: a backup, or a program that writes to it"
        }
        ErrorKind::Unavailable(UnavailableReason::ReadOnly) => {
            "let the file, its folder and their disk be written"
        }
        ErrorKind::Unavailable(UnavailableReason::Full) => "free space on the disk",
        ErrorKind::Unavailable(UnavailableReason::Unreachable)
        | ErrorKind::Credentials
        | ErrorKind::NoSuchDatabase
        | ErrorKind::Other => "look at the disk and its file system; SQLite needs a local one",
    }
}
