//! Migrates a database file, one transaction for each migration.

use std::path::Path;

use rusqlite::{Connection, Error, TransactionBehavior};

use crate::OpenError;
use crate::migrations::{HISTORY_TABLE, History, MigrationError, Migrations, Step, create_history};

/// Applies the missing migrations. If none is missing, this writes nothing.
pub(super) fn run(
    connection: &mut Connection,
    path: &Path,
    migrations: &Migrations,
) -> Result<(), OpenError> {
    let failed = |step: &Step, error: Error| OpenError::Migration {
        database: path.display().to_string(),
        cause: format!("migration V{}__{}: {error}", step.version, step.name),
    };
    let history = history(connection)
        .map_err(|source| OpenError::Database { path: path.to_owned(), source })?;
    let missing = migrations.missing_from(&history).map_err(|error| refused(path, &error))?;
    for step in missing {
        apply(connection, step).map_err(|error| failed(step, error))?;
    }
    Ok(())
}

/// The applied migrations. Without a table of them, none was applied.
pub(super) fn history(connection: &Connection) -> Result<History, Error> {
    let exists = "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = $1)";
    if !connection.query_row(exists, [HISTORY_TABLE], |row| row.get(0))? {
        return Ok(History::new());
    }
    let mut statement =
        connection.prepare(&format!("SELECT version, checksum FROM {HISTORY_TABLE}"))?;
    let rows = statement.query_map((), |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

/// Applies a migration and records it, unless another process has done so meanwhile.
fn apply(connection: &mut Connection, step: &Step) -> Result<(), Error> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if history(&transaction)?.contains_key(&step.version) {
        return Ok(());
    }
    transaction.execute_batch(&create_history(HISTORY_TABLE))?;
    transaction.execute_batch(step.sql)?;
    transaction.execute(
        &format!(
            "INSERT INTO {HISTORY_TABLE} (version, name, applied_on, checksum)
            VALUES ($1, $2, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), $3)"
        ),
        (step.version, step.name, &step.checksum),
    )?;
    transaction.commit()
}

fn refused(path: &Path, error: &MigrationError) -> OpenError {
    let database = path.display().to_string();
    match error {
        MigrationError::Unknown(_) => OpenError::TooNew { database },
        _ => OpenError::Migration { database, cause: error.to_string() },
    }
}
