//! Looking at a schema without changing it, over one connection of its own.

use std::collections::BTreeMap;

use domain::{Clock, Timestamp};
use refinery_core::Runner;
use tokio::time::timeout;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use super::connect::Connector;
use super::error::cause;
use super::{PostgresOptions, migrate};
use crate::error::UnavailableReason;
use crate::inspection::{Applied, ClockReading, ErrorKind, Problem, Tables};
use crate::location::Schema;
use crate::{OpenError, StoreError};

type Answer<T> = Result<T, tokio_postgres::Error>;

/// What each account that serves must be allowed to do with each table.
const RIGHTS: [&str; 4] = ["SELECT", "INSERT", "UPDATE", "DELETE"];

/// Looks at the schema.
pub(crate) async fn look(
    options: &PostgresOptions,
    subject: &Schema,
    migrations: &Runner,
    clock: &dyn Clock,
) -> Result<Tables, Problem> {
    let connector =
        Connector::for_work(options, subject.postgres).map_err(|error| match error {
            OpenError::Server { cause, .. } => {
                Problem::new(ErrorKind::Unavailable(UnavailableReason::Unreachable), cause)
            }
            other => Problem::new(ErrorKind::Other, other),
        })?;
    let connect = timeout(options.timeout, connector.config.connect(connector.tls.clone()));
    let (client, connection) = match connect.await {
        Ok(connected) => connected.map_err(problem)?,
        Err(_elapsed) => {
            return Err(Problem::new(
                ErrorKind::Unavailable(UnavailableReason::Slow),
                "no connection was made in time",
            ));
        }
    };
    let driver = tokio::spawn(connection);
    let tables = read(&client, subject, migrations, clock).await.map_err(problem);
    // The connection goes with the client; how it ends changes nothing of what was read.
    drop(client);
    let _ = timeout(options.timeout, driver).await;
    tables
}

async fn read(
    client: &Client,
    subject: &Schema,
    migrations: &Runner,
    clock: &dyn Clock,
) -> Answer<Tables> {
    let schema = subject.postgres;
    let clock = reading(client, clock).await?;
    let history = migrate::history(schema);
    let run = if exists(client, &history).await? {
        versions(client, &history).await?
    } else {
        BTreeMap::new()
    };
    let facts_table = format!("{schema}.deployment_facts");
    let has_facts = exists(client, &facts_table).await?;
    let writable = can_write(client, has_facts.then_some(&*facts_table)).await;
    Ok(Tables {
        applied: Applied::compare(&run, migrations),
        may_change: may_change(client, schema, &history).await?,
        writable,
        forbidden: forbidden(client, subject).await?,
        settings: if has_facts { settings(client, &facts_table).await? } else { BTreeMap::new() },
        clock: Some(clock),
        newest_row: None,
        is_in_use: false,
    })
}

async fn reading(client: &Client, clock: &dyn Clock) -> Answer<ClockReading> {
    // Prepared beforehand, so that the time between is the time of one round trip.
    let question = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)";
    let question = client.prepare(question).await?;
    let before = clock.now();
    let there = client.query_one(&question, &[]).await?.try_get(0)?;
    Ok(ClockReading { before, there: Timestamp::from_millis(there), after: clock.now() })
}

async fn exists(client: &Client, table: &str) -> Answer<bool> {
    client.query_one("SELECT to_regclass($1) IS NOT NULL", &[&table]).await?.try_get(0)
}

async fn versions(client: &Client, history: &str) -> Answer<BTreeMap<i32, String>> {
    let rows = client.query(&format!("SELECT version, checksum FROM {history}"), &[]).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

async fn settings(client: &Client, table: &str) -> Answer<BTreeMap<String, String>> {
    let rows = client.query(&format!("SELECT name, value FROM {table}"), &[]).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

/// Whether this account may add tables and change those that exist: they are changed by their owner
/// only.
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

/// What this account lacks of the rights that serving needs.
async fn forbidden(client: &Client, subject: &Schema) -> Answer<Vec<String>> {
    let lacking = "SELECT wanted FROM unnest($2::text[]) WITH ORDINALITY AS rights (wanted, number)
        WHERE to_regclass($1) IS NOT NULL AND NOT has_table_privilege(to_regclass($1), wanted) ORDER BY number";
    let lacking = client.prepare(lacking).await?;
    let mut all = Vec::new();
    for table in subject.tables {
        let name = format!("{}.{table}", subject.postgres);
        let rows = client.query(&lacking, &[&name, &&RIGHTS[..]]).await?;
        let rights: Vec<&str> = rows.iter().map(|row| row.try_get(0)).collect::<Answer<_>>()?;
        all.extend((!rights.is_empty()).then(|| format!("{} on {table}", rights.join(", "))));
    }
    Ok(all)
}

/// Whether a write gets through. No fact has an empty name, and whatever happened is undone.
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
        // The transaction is over either way; what comes next is not to be part of it.
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
