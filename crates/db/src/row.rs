//! Reading the domain's types out of rows, of either engine.

use std::cell::Cell;
use std::str::FromStr;

use domain::production_test::Payload;
use domain::{Platform, ProviderId, Timestamp};

use crate::StoreError;

/// A row that a query has found.
pub struct Row<'a> {
    cells: Cells<'a>,
    columns: &'a [String],
    /// Where to look first: columns are mostly read in their order.
    next: Cell<usize>,
}

enum Cells<'a> {
    Sqlite(&'a rusqlite::Row<'a>),
    Postgres(&'a tokio_postgres::Row),
}

/// Makes something of a row.
pub type Read<T> = fn(&Row<'_>) -> Result<T, StoreError>;

impl<'a> Row<'a> {
    pub(crate) fn sqlite(row: &'a rusqlite::Row<'a>, columns: &'a [String]) -> Self {
        Self { cells: Cells::Sqlite(row), columns, next: Cell::new(0) }
    }

    pub(crate) fn postgres(row: &'a tokio_postgres::Row, columns: &'a [String]) -> Self {
        Self { cells: Cells::Postgres(row), columns, next: Cell::new(0) }
    }

    /// Where a column is. Drivers would compare its name with all others, each time.
    fn place(&self, column: &str) -> Result<usize, StoreError> {
        let start = self.next.get();
        let places = (start..self.columns.len()).chain(0..start);
        let place = places
            .into_iter()
            .find(|place| self.columns.get(*place).is_some_and(|name| name == column));
        let place = place
            .ok_or_else(|| StoreError::Internal(format!("a query without the column {column}")))?;
        self.next.set(place + 1);
        Ok(place)
    }

    pub fn optional_integer(&self, column: &str) -> Result<Option<i64>, StoreError> {
        let place = self.place(column)?;
        Ok(match self.cells {
            Cells::Sqlite(row) => row.get(place)?,
            Cells::Postgres(row) => row.try_get(place)?,
        })
    }

    pub fn integer(&self, column: &'static str) -> Result<i64, StoreError> {
        self.optional_integer(column)?.ok_or_else(|| unreadable(column))
    }

    /// A number that is never negative and fits 32 bits.
    pub fn count(&self, column: &'static str) -> Result<u32, StoreError> {
        self.integer(column)?.try_into().map_err(|_| unreadable(column))
    }

    pub fn optional_boolean(&self, column: &str) -> Result<Option<bool>, StoreError> {
        let place = self.place(column)?;
        Ok(match self.cells {
            Cells::Sqlite(row) => row.get(place)?,
            Cells::Postgres(row) => row.try_get(place)?,
        })
    }

    pub fn boolean(&self, column: &'static str) -> Result<bool, StoreError> {
        self.optional_boolean(column)?.ok_or_else(|| unreadable(column))
    }

    pub fn optional_text(&self, column: &'static str) -> Result<Option<&str>, StoreError> {
        let place = self.place(column)?;
        match self.cells {
            Cells::Sqlite(row) => {
                row.get_ref(place)?.as_str_or_null().map_err(|_| unreadable(column))
            }
            Cells::Postgres(row) => Ok(row.try_get(place)?),
        }
    }

    pub fn text(&self, column: &'static str) -> Result<&str, StoreError> {
        self.optional_text(column)?.ok_or_else(|| unreadable(column))
    }

    pub fn optional_bytes<const N: usize>(
        &self,
        column: &'static str,
    ) -> Result<Option<[u8; N]>, StoreError> {
        let bytes = self.optional_blob(column)?;
        bytes.map(|bytes| bytes.try_into().map_err(|_| unreadable(column))).transpose()
    }

    /// Bytes of any length.
    pub fn optional_blob(&self, column: &'static str) -> Result<Option<&[u8]>, StoreError> {
        let place = self.place(column)?;
        match self.cells {
            Cells::Sqlite(row) => {
                row.get_ref(place)?.as_blob_or_null().map_err(|_| unreadable(column))
            }
            Cells::Postgres(row) => Ok(row.try_get(place)?),
        }
    }

    pub fn bytes<const N: usize>(&self, column: &'static str) -> Result<[u8; N], StoreError> {
        self.optional_bytes(column)?.ok_or_else(|| unreadable(column))
    }

    pub fn time(&self, column: &'static str) -> Result<Timestamp, StoreError> {
        self.integer(column).map(Timestamp::from_millis)
    }

    pub fn optional_time(&self, column: &'static str) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.optional_integer(column)?.map(Timestamp::from_millis))
    }

    pub fn parsed<T: FromStr>(&self, column: &'static str) -> Result<T, StoreError> {
        self.text(column)?.parse().map_err(|_| unreadable(column))
    }

    pub fn named<T>(
        &self,
        column: &'static str,
        from_name: fn(&str) -> Option<T>,
    ) -> Result<T, StoreError> {
        from_name(self.text(column)?).ok_or_else(|| unreadable(column))
    }

    /// The payload, whose columns have the same names in both stores.
    pub fn payload(&self) -> Result<Payload, StoreError> {
        Ok(Payload {
            title: self.text("title")?.to_owned(),
            description: self.optional_text("description")?.map(str::to_owned),
            provider_ids: self.provider_ids()?,
            max_stamp_claims: self.count("max_stamp_claims")?,
            target_platform: self.target_platform()?,
            allow_duplicate_participation: self
                .optional_boolean("allow_duplicate_participation")?,
        })
    }

    fn target_platform(&self) -> Result<Option<Platform>, StoreError> {
        const COLUMN: &str = "target_platform";
        self.optional_text(COLUMN)?
            .map(|name| name.parse().map_err(|_| unreadable(COLUMN)))
            .transpose()
    }

    fn provider_ids(&self) -> Result<Vec<ProviderId>, StoreError> {
        const COLUMN: &str = "provider_ids";
        let ids: Vec<String> =
            serde_json::from_str(self.text(COLUMN)?).map_err(|_| unreadable(COLUMN))?;
        ids.iter().map(|id| id.parse()).collect::<Result<_, _>>().map_err(|_| unreadable(COLUMN))
    }
}

/// The value in the table is none that fieldtest writes.
fn unreadable(column: &str) -> StoreError {
    StoreError::Internal(format!("the column {column} holds a value that cannot be"))
}

/// The form in which [`Row::payload`] reads them back.
pub fn provider_ids_json(ids: &[ProviderId]) -> String {
    let ids: Vec<&str> = ids.iter().map(ProviderId::as_str).collect();
    serde_json::Value::from(ids).to_string()
}
