//! Migrates a schema, once, however many processes start at the same time.

use refinery_core::Runner;
use refinery_core::error::Kind;
use tokio_postgres::Client;

use super::connect::Connector;
use super::error::cause;
use super::migration_client::MigrationClient;
use crate::OpenError;

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
    migrations: &Runner,
) -> Result<(), OpenError> {
    let (mut client, driver) = connector.connect().await?;
    connector.check_pooling(&client).await.map_err(|error| connector.refused(&error))?;
    let refused = |error: tokio_postgres::Error| OpenError::Server {
        database: connector.name.clone(),
        cause: cause(&error),
    };
    let ours = newest(migrations);
    let is_done = match newest_applied(&client, schema).await.map_err(refused)? {
        Some(newest) if newest > ours => {
            return Err(OpenError::TooNew { database: connector.name.clone() });
        }
        applied => applied == Some(ours),
    };
    if !is_done {
        client.execute("SELECT pg_advisory_lock($1)", &[&LOCK]).await.map_err(refused)?;
        if !schema_exists(&client, schema).await.map_err(refused)? {
            client.batch_execute(&format!("CREATE SCHEMA {schema}")).await.map_err(refused)?;
        }
        let mut client = MigrationClient(&mut client);
        migrations.run_async(&mut client).await.map_err(|source| failed(connector, &source))?;
    }
    // Closing the connection releases the lock.
    drop(client);
    let _ = driver.await;
    Ok(())
}

/// The error of a migration, in the words of PostgreSQL.
fn failed(connector: &Connector, source: &refinery_core::Error) -> OpenError {
    let database = connector.name.clone();
    let cause = match source.kind() {
        Kind::MissingVersion(_) => return OpenError::TooNew { database },
        Kind::Connection(what, source) => match source.downcast_ref() {
            Some(error) => format!("{what}: {}", cause(error)),
            None => format!("{what}: {source}"),
        },
        _ => source.to_string(),
    };
    OpenError::Migration { database, cause }
}

/// The newest migration of this program.
fn newest(migrations: &Runner) -> i32 {
    migrations
        .get_migrations()
        .iter()
        .map(refinery_core::Migration::version)
        .max()
        .unwrap_or_default()
}

/// The table of the applied migrations.
pub(super) fn history_table(schema: &str) -> String {
    format!("{schema}.refinery_schema_history")
}

/// The newest migration that has been applied, or `None`.
async fn newest_applied(
    client: &Client,
    schema: &str,
) -> Result<Option<i32>, tokio_postgres::Error> {
    let history = history_table(schema);
    let found = client.query_one("SELECT to_regclass($1) IS NOT NULL", &[&history]).await?;
    if !found.try_get::<_, bool>(0)? {
        return Ok(None);
    }
    let newest = client.query_one(&format!("SELECT MAX(version) FROM {history}"), &[]).await?;
    newest.try_get(0)
}

async fn schema_exists(client: &Client, schema: &str) -> Result<bool, tokio_postgres::Error> {
    let found =
        client.query_opt("SELECT 1 FROM pg_namespace WHERE nspname = $1", &[&schema]).await?;
    Ok(found.is_some())
}
