//! Runs statements on a connection. Each is prepared once per connection.

use deadpool_postgres::ClientWrapper;
use tokio_postgres::Statement;
use tokio_postgres::types::ToSql;

use crate::StoreError;
use crate::row::{Read, Row};
use crate::sql::Sql;
use crate::value::Value;

type Parameter<'a> = &'a (dyn ToSql + Sync);

/// Runs a statement. Returns the number of rows that it changed.
pub(crate) async fn execute(
    client: &ClientWrapper,
    sql: &Sql,
    parameters: &[Value<'_>],
) -> Result<u64, StoreError> {
    let statement = client.prepare_cached(sql.postgres()).await?;
    Ok(client.execute(&statement, &singles(parameters)).await?)
}

/// Runs a query. Returns its rows.
pub(crate) async fn query<T>(
    client: &ClientWrapper,
    sql: &Sql,
    parameters: &[Value<'_>],
    read: Read<T>,
) -> Result<Vec<T>, StoreError> {
    let statement = client.prepare_cached(sql.postgres()).await?;
    let rows = client.query(&statement, &singles(parameters)).await?;
    read_all(sql, &statement, &rows, read)
}

/// Runs a statement over rows. Returns the number of rows that it changed.
pub(crate) async fn execute_each<const N: usize>(
    client: &ClientWrapper,
    sql: &Sql,
    rows: &[[Value<'_>; N]],
) -> Result<u64, StoreError> {
    let statement = client.prepare_cached(sql.postgres()).await?;
    let columns = columns(rows);
    Ok(client.execute(&statement, &arrays(&columns)).await?)
}

/// Runs a query over rows. Returns what it finds for all of them.
pub(crate) async fn query_each<T, const N: usize>(
    client: &ClientWrapper,
    sql: &Sql,
    rows: &[[Value<'_>; N]],
    read: Read<T>,
) -> Result<Vec<T>, StoreError> {
    let statement = client.prepare_cached(sql.postgres()).await?;
    let columns = columns(rows);
    let rows = client.query(&statement, &arrays(&columns)).await?;
    read_all(sql, &statement, &rows, read)
}

fn read_all<T>(
    sql: &Sql,
    statement: &Statement,
    rows: &[tokio_postgres::Row],
    read: Read<T>,
) -> Result<Vec<T>, StoreError> {
    let columns = sql.result_columns(|| {
        statement.columns().iter().map(|column| column.name().to_owned()).collect()
    });
    rows.iter().map(|row| read(&Row::postgres(row, columns))).collect()
}

fn singles<'a>(parameters: &'a [Value<'_>]) -> Vec<Parameter<'a>> {
    parameters.iter().map(|value| value as Parameter<'a>).collect()
}

/// The rows as columns: the statement takes an array for each column.
fn columns<'a, 'b, const N: usize>(rows: &'a [[Value<'b>; N]]) -> [Vec<&'a Value<'b>>; N] {
    let mut columns = [const { Vec::new() }; N];
    for row in rows {
        for (column, value) in columns.iter_mut().zip(row) {
            column.push(value);
        }
    }
    columns
}

fn arrays<'a, const N: usize>(columns: &'a [Vec<&Value<'_>>; N]) -> [Parameter<'a>; N] {
    columns.each_ref().map(|column| column as Parameter<'a>)
}
