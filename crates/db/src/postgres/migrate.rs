//! Migrates a schema, once, however many processes start at the same time.

use tokio_postgres::Client;

use super::connect::Connector;
use super::error::cause;
use super::script::statements;
use crate::OpenError;
use crate::migrations::{HISTORY_TABLE, History, MigrationError, Migrations, Step, create_history};

/// The number of the advisory lock that guards migrations and the creation of the first rows:
/// "fieldtst" in ASCII.
pub(super) const LOCK: i64 = 0x6669_656c_6474_7374;

/// Creates the schema if it is missing, and applies the missing migrations.
///
/// If no migration is missing, this neither locks nor writes. So a server's account needs no right
/// to change tables.
pub(super) async fn run(
    connector: &Connector,
    schema: &str,
    migrations: &Migrations,
) -> Result<(), OpenError> {
    let (mut client, driver) = connector.connect().await?;
    connector.check_pooling(&client).await.map_err(|error| connector.refused(&error))?;
    let refused = |error: tokio_postgres::Error| OpenError::Server {
        database: connector.name.clone(),
        cause: cause(&error),
    };
    let history = history_table(schema);
    let applied_before = applied(&client, &history).await.map_err(refused)?;
    let missing = migrations.missing_from(&applied_before);
    if !missing.map_err(|error| failed(connector, &error))?.is_empty() {
        client.execute("SELECT pg_advisory_lock($1)", &[&LOCK]).await.map_err(refused)?;
        if !schema_exists(&client, schema).await.map_err(refused)? {
            client.batch_execute(&format!("CREATE SCHEMA {schema}")).await.map_err(refused)?;
        }
        // Another process may have applied some of them before this one got the lock.
        let applied = applied(&client, &history).await.map_err(refused)?;
        let missing = migrations.missing_from(&applied);
        for step in missing.map_err(|error| failed(connector, &error))? {
            let done = apply(&mut client, &history, step).await;
            done.map_err(|error| step_failed(connector, step, &error))?;
        }
    }
    // Closing the connection releases the lock.
    drop(client);
    let _ = driver.await;
    Ok(())
}

/// Applies a migration and records it. Each statement is a call of its own, because some servers,
/// such as those with Citus, refuse several statements in one.
async fn apply(
    client: &mut Client,
    history: &str,
    step: &Step,
) -> Result<(), tokio_postgres::Error> {
    let transaction = client.transaction().await?;
    transaction.batch_execute(&create_history(history)).await?;
    for statement in statements(step.sql) {
        transaction.batch_execute(statement).await?;
    }
    let record = format!(
        "INSERT INTO {history} (version, name, applied_on, checksum)
        VALUES ($1, $2, to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), $3)"
    );
    transaction.execute(&record, &[&step.version, &step.name, &step.checksum]).await?;
    transaction.commit().await
}

fn failed(connector: &Connector, error: &MigrationError) -> OpenError {
    let database = connector.name.clone();
    match error {
        MigrationError::Unknown(_) => OpenError::TooNew { database },
        _ => OpenError::Migration { database, cause: error.to_string() },
    }
}

/// The error of one migration, in the words of PostgreSQL.
fn step_failed(connector: &Connector, step: &Step, error: &tokio_postgres::Error) -> OpenError {
    OpenError::Migration {
        database: connector.name.clone(),
        cause: format!("migration V{}__{}: {}", step.version, step.name, cause(error)),
    }
}

/// The table of the applied migrations.
pub(super) fn history_table(schema: &str) -> String {
    format!("{schema}.{HISTORY_TABLE}")
}

/// The applied migrations. Without a table of them, none was applied.
pub(super) async fn applied(
    client: &Client,
    history: &str,
) -> Result<History, tokio_postgres::Error> {
    let found = client.query_one("SELECT to_regclass($1) IS NOT NULL", &[&history]).await?;
    if !found.try_get::<_, bool>(0)? {
        return Ok(History::new());
    }
    let rows = client.query(&format!("SELECT version, checksum FROM {history}"), &[]).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

async fn schema_exists(client: &Client, schema: &str) -> Result<bool, tokio_postgres::Error> {
    let found =
        client.query_opt("SELECT 1 FROM pg_namespace WHERE nspname = $1", &[&schema]).await?;
    Ok(found.is_some())
}
