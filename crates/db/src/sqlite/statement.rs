//! Runs statements on a connection.

use rusqlite::{CachedStatement, Connection, params_from_iter};

use crate::StoreError;
use crate::row::Row;
use crate::sql::Sql;
use crate::value::Value;

/// Runs a statement. Returns the number of rows that it changed.
pub(crate) fn execute(
    connection: &Connection,
    sql: &Sql,
    parameters: &[Value<'_>],
) -> Result<u64, StoreError> {
    let changed = prepare(connection, sql)?.execute(params_from_iter(parameters))?;
    // A table has fewer rows than fit 64 bits.
    Ok(u64::try_from(changed).unwrap_or(u64::MAX))
}

/// Runs a statement for each row. Returns the number of rows that each run changed.
pub(crate) fn execute_each<const N: usize>(
    connection: &Connection,
    sql: &Sql,
    rows: &[[Value<'_>; N]],
) -> Result<Vec<usize>, StoreError> {
    let mut statement = prepare(connection, sql)?;
    rows.iter().map(|row| Ok(statement.execute(params_from_iter(row))?)).collect()
}

/// Runs a query. Returns its rows.
pub(crate) fn query<T>(
    connection: &Connection,
    sql: &Sql,
    parameters: &[Value<'_>],
    read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut found = Vec::new();
    run_query(&mut prepare(connection, sql)?, sql, parameters, &read, &mut found)?;
    Ok(found)
}

/// Runs a query for each row. Returns what it finds for all of them.
pub(crate) fn query_each<T, const N: usize>(
    connection: &Connection,
    sql: &Sql,
    rows: &[[Value<'_>; N]],
    read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut statement = prepare(connection, sql)?;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        run_query(&mut statement, sql, row, &read, &mut found)?;
    }
    Ok(found)
}

/// Runs a prepared query, and adds its rows to `found`.
fn run_query<T>(
    statement: &mut CachedStatement<'_>,
    sql: &Sql,
    parameters: &[Value<'_>],
    read: &impl Fn(&Row<'_>) -> Result<T, StoreError>,
    found: &mut Vec<T>,
) -> Result<(), StoreError> {
    let columns = sql.result_columns(|| statement.column_names().map(str::to_owned).collect());
    let mut rows = statement.query(params_from_iter(parameters))?;
    while let Some(row) = rows.next()? {
        found.push(read(&Row::sqlite(row, columns))?);
    }
    Ok(())
}

/// The statement, which is prepared once per connection.
pub(super) fn prepare<'connection>(
    connection: &'connection Connection,
    sql: &Sql,
) -> Result<CachedStatement<'connection>, StoreError> {
    Ok(connection.prepare_cached(sql.sqlite())?)
}
