//! Reading the domain's types out of rows of either engine.

use std::cell::Cell;
use std::str::FromStr;

use domain::{ProviderId, Timestamp};
use rusqlite::types::ValueRef;
use tokio_postgres::types::{FromSql, Type};

use crate::StoreError;

/// A row of a query's result.
///
/// Each method reads the column of this name. It returns an error if the query has no such column,
/// or if the column holds a value that fieldtest does not write. `NULL` is such a value, except for
/// the methods whose names begin with `optional`.
pub struct Row<'a> {
    cells: Cells<'a>,
    columns: &'a [String],
    /// The column after the one that was read last. Columns are mostly read in their order, so the
    /// search for a name begins here.
    next: Cell<usize>,
}

enum Cells<'a> {
    Sqlite(&'a rusqlite::Row<'a>),
    Postgres(&'a tokio_postgres::Row),
}

/// Reads a value from a row.
pub type Read<T> = fn(&Row<'_>) -> Result<T, StoreError>;

impl<'a> Row<'a> {
    pub(crate) fn sqlite(row: &'a rusqlite::Row<'a>, columns: &'a [String]) -> Self {
        Self { cells: Cells::Sqlite(row), columns, next: Cell::new(0) }
    }

    pub(crate) fn postgres(row: &'a tokio_postgres::Row, columns: &'a [String]) -> Self {
        Self { cells: Cells::Postgres(row), columns, next: Cell::new(0) }
    }

    /// The column's index. The drivers would compare its name with all others each time.
    fn index(&self, column: &str) -> Result<usize, StoreError> {
        let start = self.next.get();
        let index = (start..self.columns.len())
            .chain(0..start)
            .find(|index| self.columns.get(*index).is_some_and(|name| name == column))
            .ok_or_else(|| StoreError::Internal(format!("a query without the column {column}")))?;
        self.next.set(index + 1);
        Ok(index)
    }

    /// Whether the column is `NULL`.
    pub(crate) fn is_null(&self, column: &str) -> Result<bool, StoreError> {
        let index = self.index(column)?;
        Ok(match self.cells {
            Cells::Sqlite(row) => matches!(row.get_ref(index)?, ValueRef::Null),
            Cells::Postgres(row) => row.try_get::<_, Option<AnyValue>>(index)?.is_none(),
        })
    }

    /// A number.
    pub fn integer(&self, column: &'static str) -> Result<i64, StoreError> {
        required(self.optional_integer(column)?, column)
    }

    /// A number, or `None`.
    pub fn optional_integer(&self, column: &'static str) -> Result<Option<i64>, StoreError> {
        let index = self.index(column)?;
        Ok(match self.cells {
            Cells::Sqlite(row) => row.get(index)?,
            Cells::Postgres(row) => row.try_get(index)?,
        })
    }

    /// A number from 0 to [`u32::MAX`].
    pub fn count(&self, column: &'static str) -> Result<u32, StoreError> {
        self.integer(column)?.try_into().map_err(|_| unreadable(column))
    }

    /// A number from 0 to [`u32::MAX`], or `None`.
    pub fn optional_count(&self, column: &'static str) -> Result<Option<u32>, StoreError> {
        let number = self.optional_integer(column)?;
        number.map(|number| number.try_into().map_err(|_| unreadable(column))).transpose()
    }

    /// A number from 0 to [`i64::MAX`]: a count of rows, or a sum.
    pub fn total(&self, column: &'static str) -> Result<u64, StoreError> {
        self.integer(column)?.try_into().map_err(|_| unreadable(column))
    }

    /// A truth value.
    pub fn boolean(&self, column: &'static str) -> Result<bool, StoreError> {
        required(self.optional_boolean(column)?, column)
    }

    /// A truth value, or `None`.
    pub fn optional_boolean(&self, column: &'static str) -> Result<Option<bool>, StoreError> {
        let index = self.index(column)?;
        Ok(match self.cells {
            Cells::Sqlite(row) => row.get(index)?,
            Cells::Postgres(row) => row.try_get(index)?,
        })
    }

    /// Text, borrowed from the row.
    pub fn text(&self, column: &'static str) -> Result<&str, StoreError> {
        required(self.optional_text(column)?, column)
    }

    /// Text, borrowed from the row, or `None`.
    pub fn optional_text(&self, column: &'static str) -> Result<Option<&str>, StoreError> {
        let index = self.index(column)?;
        match self.cells {
            Cells::Sqlite(row) => {
                row.get_ref(index)?.as_str_or_null().map_err(|_| unreadable(column))
            }
            Cells::Postgres(row) => Ok(row.try_get(index)?),
        }
    }

    /// Text.
    pub fn string(&self, column: &'static str) -> Result<String, StoreError> {
        self.text(column).map(str::to_owned)
    }

    /// Text, or `None`.
    pub fn optional_string(&self, column: &'static str) -> Result<Option<String>, StoreError> {
        Ok(self.optional_text(column)?.map(str::to_owned))
    }

    /// Text that the type parses.
    pub fn parsed<T: FromStr>(&self, column: &'static str) -> Result<T, StoreError> {
        self.text(column)?.parse().map_err(|_| unreadable(column))
    }

    /// Text that the type parses, or `None`.
    pub fn optional_parsed<T: FromStr>(
        &self,
        column: &'static str,
    ) -> Result<Option<T>, StoreError> {
        let text = self.optional_text(column)?;
        text.map(|text| text.parse().map_err(|_| unreadable(column))).transpose()
    }

    /// Text that is the name of a value.
    pub fn named<T>(
        &self,
        column: &'static str,
        from_name: fn(&str) -> Option<T>,
    ) -> Result<T, StoreError> {
        from_name(self.text(column)?).ok_or_else(|| unreadable(column))
    }

    /// Text that is the name of a value, or `None`.
    pub fn optional_named<T>(
        &self,
        column: &'static str,
        from_name: fn(&str) -> Option<T>,
    ) -> Result<Option<T>, StoreError> {
        let name = self.optional_text(column)?;
        name.map(|name| from_name(name).ok_or_else(|| unreadable(column))).transpose()
    }

    /// Text that is a JSON array of strings.
    pub fn strings(&self, column: &'static str) -> Result<Vec<String>, StoreError> {
        serde_json::from_str(self.text(column)?).map_err(|_| unreadable(column))
    }

    /// Text that is a JSON array of provider ids, as [`provider_ids_json`] writes it.
    pub fn provider_ids(&self, column: &'static str) -> Result<Vec<ProviderId>, StoreError> {
        let ids = self.strings(column)?.into_iter().map(|id| id.parse());
        ids.collect::<Result<_, _>>().map_err(|_| unreadable(column))
    }

    /// `N` bytes: an id, or a hash.
    pub fn bytes<const N: usize>(&self, column: &'static str) -> Result<[u8; N], StoreError> {
        required(self.optional_bytes(column)?, column)
    }

    /// `N` bytes, or `None`.
    pub fn optional_bytes<const N: usize>(
        &self,
        column: &'static str,
    ) -> Result<Option<[u8; N]>, StoreError> {
        let bytes = self.optional_blob(column)?;
        bytes.map(|bytes| bytes.try_into().map_err(|_| unreadable(column))).transpose()
    }

    /// Bytes of any length, or `None`.
    pub fn optional_blob(&self, column: &'static str) -> Result<Option<&[u8]>, StoreError> {
        let index = self.index(column)?;
        match self.cells {
            Cells::Sqlite(row) => {
                row.get_ref(index)?.as_blob_or_null().map_err(|_| unreadable(column))
            }
            Cells::Postgres(row) => Ok(row.try_get(index)?),
        }
    }

    /// A time, stored in milliseconds.
    pub fn time(&self, column: &'static str) -> Result<Timestamp, StoreError> {
        self.integer(column).map(Timestamp::from_millis)
    }

    /// A time, stored in milliseconds, or `None`.
    pub fn optional_time(&self, column: &'static str) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.optional_integer(column)?.map(Timestamp::from_millis))
    }
}

/// A PostgreSQL value of any type.
struct AnyValue;

impl FromSql<'_> for AnyValue {
    fn from_sql(_: &Type, _: &[u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self)
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// The value of a column that is not `NULL` in this row.
///
/// # Errors
/// If it is `NULL`.
pub fn required<T>(value: Option<T>, column: &'static str) -> Result<T, StoreError> {
    value.ok_or_else(|| unreadable(column))
}

/// The column holds a value that fieldtest does not write.
fn unreadable(column: &str) -> StoreError {
    StoreError::Internal(format!("the column {column} holds an invalid value"))
}

/// A JSON array of provider ids, which [`Row::provider_ids`] reads.
#[must_use]
pub fn provider_ids_json(ids: &[ProviderId]) -> String {
    let ids: Vec<&str> = ids.iter().map(ProviderId::as_str).collect();
    serde_json::Value::from(ids).to_string()
}
