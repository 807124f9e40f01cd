//! Inspects a schema without changing it, over a separate connection.

use std::collections::BTreeMap;

use domain::{Clock, Timestamp};
use tokio::time::timeout;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use super::connect::Connector;
use super::error::cause;
use super::session::SessionError;
use super::{PostgresOptions, migrate};
use crate::error::UnavailableReason;
use crate::inspection::{Applied, ClockReading, ErrorKind, Problem, Tables};
use crate::location::Schema;
use crate::migrations::Migrations;
use crate::{OpenError, StoreError};

type Answer<T> = Result<T, tokio_postgres::Error>;

/// The rights that a server's account needs on each table.
const RIGHTS: [&str; 4] = ["SELECT", "INSERT", "UPDATE", "DELETE"];

/// Inspects the schema.
pub(crate) async fn inspect(
    options: &PostgresOptions,
    schema: &Schema,
    migrations: &Migrations,
    clock: &dyn Clock,
) -> Result<Tables, Problem> {
    let connector =
        Connector::for_queries(options, schema.postgres).map_err(|error| match error {
            OpenError::Server { cause, .. } => {
                Problem::new(ErrorKind::Unavailable(UnavailableReason::Unreachable), cause)
            }
            other => Problem::new(ErrorKind::Other, other),
        })?;
    let connect = async {
        let (client, driver) = connector.connect_session().await?;
        connector.check_pooling(&client).await?;
        Ok((client, driver))
    };
    let (client, driver) = match timeout(options.timeout, connect).await {
        Ok(connected) => connected.map_err(session_problem)?,
        Err(_elapsed) => {
            return Err(Problem::new(
                ErrorKind::Unavailable(UnavailableReason::Slow),
                "no connection was made in time",
            ));
        }
    };
    let tables = read(&client, schema, migrations, clock).await.map_err(problem);
    // Closes the connection. An error while closing does not affect what was read.
    drop(client);
    let _ = timeout(options.timeout, driver).await;
    tables
}

/// Why no session was begun.
fn session_problem(error: SessionError) -> Problem {
    match error {
        SessionError::Postgres(error) => match problem(error) {
            Problem { kind: ErrorKind::Other, cause } => {
                Problem::new(ErrorKind::Unavailable(UnavailableReason::Unreachable), cause)
            }
            problem => problem,
        },
        other => other.into_store_error().into(),
    }
}

async fn read(
    client: &Client,
    schema: &Schema,
    migrations: &Migrations,
    clock: &dyn Clock,
) -> Answer<Tables> {
    let clock = read_clock(client, clock).await?;
    let history = migrate::history_table(schema.postgres);
    let applied = migrate::applied(client, &history).await?;
    let settings_table = format!("{}.deployment_facts", schema.postgres);
    let has_settings = exists(client, &settings_table).await?;
    let writable = can_write(client, has_settings.then_some(&*settings_table)).await;
    let settings =
        if has_settings { settings(client, &settings_table).await? } else { BTreeMap::new() };
    Ok(Tables {
        applied: Applied::compare(&applied, migrations),
        may_change: may_change(client, schema.postgres, &history).await?,
        writable,
        forbidden: forbidden(client, schema).await?,
        settings,
        clock: Some(clock),
        newest_row: None,
        is_in_use: false,
    })
}

async fn read_clock(client: &Client, clock: &dyn Clock) -> Answer<ClockReading> {
    // The query is prepared before, so that the readings of our clock are one round trip apart.
    let query = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)";
    let query = client.prepare(query).await?;
    let before = clock.now();
    let there = client.query_one(&query, &[]).await?.try_get(0)?;
    Ok(ClockReading { before, there: Timestamp::from_millis(there), after: clock.now() })
}

async fn exists(client: &Client, table: &str) -> Answer<bool> {
    client.query_one("SELECT to_regclass($1) IS NOT NULL", &[&table]).await?.try_get(0)
}

async fn settings(client: &Client, table: &str) -> Answer<BTreeMap<String, String>> {
    let rows = client.query(&format!("SELECT name, value FROM {table}"), &[]).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

/// Whether this account can run migrations: only the owner of a table can change it.
async fn may_change(client: &Client, schema: &str, history: &str) -> Answer<bool> {
    let owns = "SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass($1)";
    if let Some(row) = client.query_opt(owns, &[&history]).await? {
        return row.try_get(0);
    }
    let may_add = "SELECT has_schema_privilege(oid, 'CREATE') FROM pg_namespace WHERE nspname = $1";
    if let Some(row) = client.query_opt(may_add, &[&schema]).await? {
        return row.try_get(0);
    }
    client
        .query_one("SELECT has_database_privilege(current_database(), 'CREATE')", &[])
        .await?
        .try_get(0)
}

/// The rights that a server needs and this account lacks.
async fn forbidden(client: &Client, schema: &Schema) -> Answer<Vec<String>> {
    let lacking = "
        SELECT wanted FROM unnest($2::text[]) WITH ORDINALITY AS rights (wanted, number)
        WHERE to_regclass($1) IS NOT NULL AND NOT has_table_privilege(to_regclass($1), wanted)
        ORDER BY number";
    let lacking = client.prepare(lacking).await?;
    let mut all = Vec::new();
    for table in schema.tables {
        let name = format!("{}.{table}", schema.postgres);
        let rows = client.query(&lacking, &[&name, &&RIGHTS[..]]).await?;
        let rights: Vec<&str> = rows.iter().map(|row| row.try_get(0)).collect::<Answer<_>>()?;
        all.extend((!rights.is_empty()).then(|| format!("{} on {table}", rights.join(", "))));
    }
    Ok(all)
}

/// Whether a write succeeds. No setting has an empty name, and the transaction is rolled back.
async fn can_write(client: &Client, settings: Option<&str>) -> Result<(), Problem> {
    let setting = client
        .query_one("SELECT current_setting('transaction_read_only')", &[])
        .await
        .map_err(problem)?;
    if setting.try_get::<_, &str>(0).map_err(problem)? == "on" {
        return Err(Problem::new(
            ErrorKind::Unavailable(UnavailableReason::ReadOnly),
            "transaction_read_only is on, as on a standby",
        ));
    }
    let Some(settings) = settings else { return Ok(()) };
    let write = format!("BEGIN; DELETE FROM {settings} WHERE name = ''; ROLLBACK");
    let written = client.batch_execute(&write).await;
    if written.is_err() {
        // Ends the failed transaction, so that later statements are not part of it.
        client.batch_execute("ROLLBACK").await.map_err(problem)?;
    }
    written.map_err(problem)
}

fn problem(error: tokio_postgres::Error) -> Problem {
    let kind = match error.code() {
        Some(code) if code.code().starts_with("28") => ErrorKind::Credentials,
        Some(code) if *code == SqlState::UNDEFINED_DATABASE => ErrorKind::NoSuchDatabase,
        Some(code) if *code == SqlState::INSUFFICIENT_PRIVILEGE => ErrorKind::Forbidden,
        _ => return StoreError::from(error).into(),
    };
    Problem::new(kind, cause(&error))
}
