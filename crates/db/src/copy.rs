//! Copies a store from SQLite to PostgreSQL, in one transaction (§13).

use std::path::Path;
use std::pin::pin;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Column};

use crate::location::{Location, Schema};
use crate::postgres::{Connector, PostgresOptions, cause};
use crate::value::Value;
use crate::{Database, OpenError, StoreError, WriterMetrics};

/// A table and the number of its rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableCount {
    /// The table's name.
    pub table: &'static str,
    /// The number of its rows.
    pub rows: u64,
}

/// The result of copying a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyOutcome {
    /// `false` if the target had the same rows already.
    pub is_new: bool,
    /// The tables, which are now the same on both sides.
    pub tables: Vec<TableCount>,
}

/// Why a store was not copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The source or the target cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The source file cannot be read.
    #[error("cannot read the embedded database: {0}")]
    Source(#[from] rusqlite::Error),
    /// The target cannot be written.
    #[error("cannot write {database}: {cause}")]
    Target {
        /// Host, database and schema.
        database: String,
        /// The message of the database or its driver.
        cause: String,
    },
    /// The target has other rows.
    #[error(
        "{database} holds something else already ({theirs} rows in {table}, {ours} would be \
         copied); it was left as it is. Copy to an empty database"
    )]
    Occupied {
        /// Host, database and schema.
        database: String,
        /// A table that differs.
        table: &'static str,
        /// The number of rows in the source.
        ours: u64,
        /// The number of rows in the target.
        theirs: u64,
    },
    /// The target has not stored all rows.
    #[error("{database} has taken {arrived} of {sent} rows of {table}; it was left as it was")]
    Incomplete {
        /// Host, database and schema.
        database: String,
        /// The table.
        table: &'static str,
        /// The number of rows that were sent.
        sent: u64,
        /// The number of rows that were stored.
        arrived: u64,
    },
}

/// Copies a store from a folder to a PostgreSQL database. No server may use the folder.
///
/// # Errors
/// If the copy fails. The target is then unchanged.
pub async fn copy(
    folder: &Path,
    to: &PostgresOptions,
    schema: &Schema,
) -> Result<CopyOutcome, CopyError> {
    // Migrates both sides, so that they have the same columns.
    for location in [Location::from(folder.to_owned()), Location::Postgres(Box::new(to.clone()))] {
        Database::open(&location, schema, WriterMetrics::default()).await?.close().await;
    }
    let tables =
        schema.tables.iter().copied().filter(|table| !schema.derived_tables.contains(table));
    copy_tables(folder, to, schema, tables.collect()).await
}

async fn copy_tables(
    folder: &Path,
    to: &PostgresOptions,
    schema: &Schema,
    tables: Vec<&'static str>,
) -> Result<CopyOutcome, CopyError> {
    let source =
        Connection::open_with_flags(folder.join(schema.file), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut wanted = Vec::with_capacity(tables.len());
    for &table in &tables {
        let sql = format!("SELECT COUNT(*) FROM {table}");
        let rows: i64 = source.query_row(&sql, (), |row| row.get(0))?;
        wanted.push(TableCount { table, rows: rows.unsigned_abs() });
    }
    let connector = Connector::for_migrations(to, schema.postgres)?;
    let (client, _driver) = connector.connect().await?;
    let target = Target { client, database: connector.name };
    // The server rolls back when the connection is dropped before the commit.
    target.run("BEGIN").await?;
    target.run(&format!("LOCK TABLE {} IN EXCLUSIVE MODE", tables.join(", "))).await?;
    if target.has_the_same_rows(&wanted).await? {
        return Ok(CopyOutcome { is_new: false, tables: wanted });
    }
    for TableCount { table, rows } in &wanted {
        target.copy_table(&source, table).await?;
        let arrived = target.count(table).await?;
        if arrived != *rows {
            return Err(CopyError::Incomplete {
                database: target.database,
                table,
                sent: *rows,
                arrived,
            });
        }
    }
    target.run("COMMIT").await?;
    target.run(&format!("ANALYZE {}", tables.join(", "))).await?;
    Ok(CopyOutcome { is_new: true, tables: wanted })
}

struct Target {
    client: Client,
    /// Host, database and schema.
    database: String,
}

impl Target {
    /// Whether each table has this number of rows. `false` if all are empty, an error otherwise.
    async fn has_the_same_rows(&self, wanted: &[TableCount]) -> Result<bool, CopyError> {
        let mut counts = Vec::with_capacity(wanted.len());
        for TableCount { table, .. } in wanted {
            counts.push(self.count(table).await?);
        }
        if counts.iter().all(|count| *count == 0) {
            return Ok(wanted.iter().all(|wanted| wanted.rows == 0));
        }
        match wanted.iter().zip(&counts).find(|(wanted, count)| wanted.rows != **count) {
            None => Ok(true),
            Some((TableCount { table, rows }, count)) => {
                let database = self.database.clone();
                Err(CopyError::Occupied { database, table, ours: *rows, theirs: *count })
            }
        }
    }

    async fn count(&self, table: &str) -> Result<u64, CopyError> {
        let row = self.client.query_one(&format!("SELECT COUNT(*) FROM {table}"), &[]).await;
        let rows: i64 = row.and_then(|row| row.try_get(0)).map_err(|error| self.failed(&error))?;
        Ok(rows.unsigned_abs())
    }

    /// Copies all rows of a table.
    async fn copy_table(&self, source: &Connection, table: &str) -> Result<(), CopyError> {
        let failed = |error: tokio_postgres::Error| self.failed(&error);
        let described =
            self.client.prepare(&format!("SELECT * FROM {table}")).await.map_err(failed)?;
        let columns = described.columns();
        let names: Vec<&str> = columns.iter().map(Column::name).collect();
        let types: Vec<Type> = columns.iter().map(|column| column.type_().clone()).collect();
        let names = names.join(", ");

        let command = format!("COPY {table} ({names}) FROM STDIN BINARY");
        let sink = self.client.copy_in(&command).await.map_err(failed)?;
        let mut writer = pin!(BinaryCopyInWriter::new(sink, &types));
        let mut statement = source.prepare(&format!("SELECT {names} FROM {table}"))?;
        let mut rows = statement.query(())?;
        while let Some(row) = rows.next()? {
            let mut values = Vec::with_capacity(types.len());
            for (index, kind) in types.iter().enumerate() {
                values.push(value(row.get_ref(index)?, kind).map_err(|error| {
                    CopyError::Target { database: self.database.clone(), cause: error.to_string() }
                })?);
            }
            let fields: Vec<_> = values.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
            writer.as_mut().write(&fields).await.map_err(failed)?;
        }
        writer.finish().await.map_err(failed)?;
        Ok(())
    }

    async fn run(&self, command: &str) -> Result<(), CopyError> {
        self.client.batch_execute(command).await.map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &tokio_postgres::Error) -> CopyError {
        CopyError::Target { database: self.database.clone(), cause: cause(error) }
    }
}

/// Converts a value of SQLite to the type of the PostgreSQL column.
fn value<'a>(stored: ValueRef<'a>, kind: &Type) -> Result<Value<'a>, StoreError> {
    match stored {
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Integer(number) if *kind == Type::BOOL => Ok(Value::Boolean(number != 0)),
        ValueRef::Integer(number) => Ok(Value::Integer(number)),
        ValueRef::Text(text) => std::str::from_utf8(text)
            .map(|text| Value::Text(text.into()))
            .map_err(|_| StoreError::Internal("text is not UTF-8".into())),
        ValueRef::Blob(bytes) => Ok(Value::Bytes(bytes.into())),
        ValueRef::Real(_) => Err(StoreError::Internal("no column holds fractions".into())),
    }
}
