//! Reading the domain's types out of rows.

use std::str::FromStr;

use domain::production_test::Payload;
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
    /// The payload, whose columns have the same names in both stores.
    fn payload(&self) -> rusqlite::Result<Payload>;
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

    fn payload(&self) -> rusqlite::Result<Payload> {
        Ok(Payload {
            title: self.get("title")?,
            description: self.get("description")?,
            provider_ids: provider_ids(self)?,
            max_stamp_claims: self.get("max_stamp_claims")?,
            target_platform: target_platform(self)?,
            allow_duplicate_participation: self.get("allow_duplicate_participation")?,
        })
    }
}

fn target_platform(row: &Row<'_>) -> rusqlite::Result<Option<Platform>> {
    const COLUMN: &str = "target_platform";
    match row.get_ref(COLUMN)?.as_str_or_null()? {
        Some(name) => name.parse().map(Some).map_err(|_| unreadable(COLUMN)),
        None => Ok(None),
    }
}

fn provider_ids(row: &Row<'_>) -> rusqlite::Result<Vec<ProviderId>> {
    const COLUMN: &str = "provider_ids";
    let ids: Vec<String> = serde_json::from_str(row.get_ref(COLUMN)?.as_str()?).map_err(|_| unreadable(COLUMN))?;
    ids.iter().map(|id| id.parse()).collect::<Result<_, _>>().map_err(|_| unreadable(COLUMN))
}

fn unreadable(column: &'static str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(Unreadable(column)))
}

/// The form in which [`RowExt::payload`] reads them back.
pub(crate) fn provider_ids_json(ids: &[ProviderId]) -> String {
    let ids: Vec<&str> = ids.iter().map(ProviderId::as_str).collect();
    serde_json::Value::from(ids).to_string()
}
