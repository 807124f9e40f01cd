//! Running statements on a connection.

use rusqlite::{CachedStatement, Connection, params_from_iter};

use crate::StoreError;
use crate::row::{Read, Row};
use crate::sql::Sql;
use crate::value::Value;

pub(crate) fn execute(connection: &Connection, sql: &Sql, parameters: &[Value<'_>]) -> Result<u64, StoreError> {
    let changed = prepare(connection, sql)?.execute(params_from_iter(parameters))?;
    // A table has fewer rows than fit 64 bits.
    Ok(u64::try_from(changed).unwrap_or(u64::MAX))
}

pub(crate) fn execute_each<const N: usize>(
    connection: &Connection,
    sql: &Sql,
    rows: &[[Value<'_>; N]],
) -> Result<u64, StoreError> {
    let mut statement = prepare(connection, sql)?;
    let mut changed = 0;
    for row in rows {
        changed += statement.execute(params_from_iter(row))?;
    }
    Ok(u64::try_from(changed).unwrap_or(u64::MAX))
}

pub(crate) fn query<T>(
    connection: &Connection,
    sql: &Sql,
    parameters: &[Value<'_>],
    read: Read<T>,
) -> Result<Vec<T>, StoreError> {
    let mut found = Vec::new();
    find(&mut prepare(connection, sql)?, sql, parameters, read, &mut found)?;
    Ok(found)
}

/// What is found for all rows together.
pub(crate) fn query_each<T, const N: usize>(
    connection: &Connection,
    sql: &Sql,
    rows: &[[Value<'_>; N]],
    read: Read<T>,
) -> Result<Vec<T>, StoreError> {
    let mut statement = prepare(connection, sql)?;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        find(&mut statement, sql, row, read, &mut found)?;
    }
    Ok(found)
}

fn find<T>(
    statement: &mut CachedStatement<'_>,
    sql: &Sql,
    parameters: &[Value<'_>],
    read: Read<T>,
    found: &mut Vec<T>,
) -> Result<(), StoreError> {
    let columns = sql.columns(|| statement.column_names().map(str::to_owned).collect());
    let mut rows = statement.query(params_from_iter(parameters))?;
    while let Some(row) = rows.next()? {
        found.push(read(&Row::sqlite(row, columns))?);
    }
    Ok(())
}

/// The statement, prepared once per connection.
///
/// SQLite numbers parameters by where they first appear, not by their names: `$2` before `$1` would swap them without a
/// word. So each statement names them in ascending order.
fn prepare<'connection>(
    connection: &'connection Connection,
    sql: &Sql,
) -> Result<CachedStatement<'connection>, StoreError> {
    let statement = connection.prepare_cached(sql.sqlite())?;
    debug_assert!(
        (1..=statement.parameter_count())
            .all(|index| statement.parameter_name(index).is_none_or(|name| name == format!("${index}"))),
        "parameters out of order in: {}",
        sql.sqlite()
    );
    Ok(statement)
}
