//! Reading the domain's types out of rows.

use std::str::FromStr;

use domain::{Platform, ProviderId, Timestamp};
use rusqlite::Row;
use rusqlite::types::Type;

/// The value in the table is none that fieldtest writes.
#[derive(Debug, thiserror::Error)]
#[error("the column {0} holds a value that cannot be")]
struct Unreadable(&'static str);

/// Typed access to a row's columns by name.
pub(crate) trait RowExt {
    fn time(&self, column: &'static str) -> rusqlite::Result<Timestamp>;
    fn optional_time(&self, column: &'static str) -> rusqlite::Result<Option<Timestamp>>;
    fn parsed<T: FromStr>(&self, column: &'static str) -> rusqlite::Result<T>;
    fn named<T>(&self, column: &'static str, from_name: fn(&str) -> Option<T>) -> rusqlite::Result<T>;
    fn platform(&self, column: &'static str) -> rusqlite::Result<Option<Platform>>;
    fn provider_ids(&self, column: &'static str) -> rusqlite::Result<Vec<ProviderId>>;
}

impl RowExt for Row<'_> {
    fn time(&self, column: &'static str) -> rusqlite::Result<Timestamp> {
        self.get(column).map(Timestamp::from_millis)
    }

    fn optional_time(&self, column: &'static str) -> rusqlite::Result<Option<Timestamp>> {
        let millis: Option<i64> = self.get(column)?;
        Ok(millis.map(Timestamp::from_millis))
    }

    fn parsed<T: FromStr>(&self, column: &'static str) -> rusqlite::Result<T> {
        self.get_ref(column)?.as_str()?.parse().map_err(|_| unreadable(column))
    }

    fn named<T>(&self, column: &'static str, from_name: fn(&str) -> Option<T>) -> rusqlite::Result<T> {
        from_name(self.get_ref(column)?.as_str()?).ok_or_else(|| unreadable(column))
    }

    fn platform(&self, column: &'static str) -> rusqlite::Result<Option<Platform>> {
        match self.get_ref(column)?.as_str_or_null()? {
            Some(name) => name.parse().map(Some).map_err(|_| unreadable(column)),
            None => Ok(None),
        }
    }

    fn provider_ids(&self, column: &'static str) -> rusqlite::Result<Vec<ProviderId>> {
        let ids: Vec<String> = serde_json::from_str(self.get_ref(column)?.as_str()?).map_err(|_| unreadable(column))?;
        ids.iter().map(|id| id.parse()).collect::<Result<_, _>>().map_err(|_| unreadable(column))
    }
}

fn unreadable(column: &'static str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(Unreadable(column)))
}

/// The form in which [`RowExt::provider_ids`] reads them back.
pub(crate) fn provider_ids_json(ids: &[ProviderId]) -> String {
    let ids: Vec<&str> = ids.iter().map(ProviderId::as_str).collect();
    serde_json::Value::from(ids).to_string()
}
