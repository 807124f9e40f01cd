//! Inspects a store's tables without changing the tables or the files, and without disturbing a
//! server that uses them (§13).

use domain::Clock;

use crate::inspection::{ErrorKind, Inspection, Problem, TablesState};
use crate::location::{Location, Schema};
use crate::migrations::MigrationError;
use crate::{postgres, sqlite};

/// Inspects a store's tables (§13).
///
/// Call this in a process that does not have them open: on SQLite, the inspection releases the
/// process's locks on the file.
pub async fn inspect(
    location: &Location,
    schema: &'static Schema,
    clock: &dyn Clock,
) -> Inspection {
    let tables = match location {
        Location::Folder(folder) => {
            let path = folder.join(schema.file);
            let inspect = tokio::task::spawn_blocking(move || {
                let migrations = schema.sqlite_migrations().map_err(invalid)?;
                sqlite::inspect::inspect(&path, schema, &migrations)
            });
            inspect.await.unwrap_or_else(|error| Err(Problem::new(ErrorKind::Other, error)))
        }
        Location::Postgres(options) => match schema.postgres_migrations() {
            Ok(migrations) => {
                postgres::inspect::inspect(options, schema, &migrations, clock).await.map(Some)
            }
            Err(error) => Err(invalid(error)),
        },
    };
    let state = match tables {
        Ok(None) => TablesState::Missing,
        Ok(Some(tables)) => TablesState::Open(Box::new(tables)),
        Err(problem) => TablesState::Closed(problem),
    };
    Inspection { name: location.describe(schema), state }
}

fn invalid(migration: MigrationError) -> Problem {
    Problem::new(ErrorKind::Other, migration)
}
