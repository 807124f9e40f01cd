//! The parameters of a query, for either engine.

use std::borrow::Cow;

use bytes::BytesMut;
use domain::{ChallengeId, Timestamp, WorkspaceId};
use rusqlite::types::ToSqlOutput;
use tokio_postgres::types::{IsNull, Type};

/// A parameter of a query.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// `NULL`, of any kind.
    Null,
    /// A number, or a time in milliseconds.
    Integer(i64),
    /// A truth value.
    Boolean(bool),
    /// Text.
    Text(Cow<'a, str>),
    /// An id or a hash.
    Bytes(Cow<'a, [u8]>),
}

impl Value<'_> {
    /// The same value, which borrows nothing.
    #[must_use]
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Null => Value::Null,
            Self::Integer(number) => Value::Integer(number),
            Self::Boolean(value) => Value::Boolean(value),
            Self::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Self::Bytes(bytes) => Value::Bytes(Cow::Owned(bytes.into_owned())),
        }
    }
}

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<u32> for Value<'_> {
    fn from(number: u32) -> Self {
        Self::Integer(number.into())
    }
}

impl From<bool> for Value<'_> {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<Timestamp> for Value<'_> {
    fn from(time: Timestamp) -> Self {
        Self::Integer(time.as_millis())
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Value<'a> {
    fn from(bytes: &'a [u8; N]) -> Self {
        Self::Bytes(Cow::Borrowed(bytes))
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(Cow::Borrowed(bytes))
    }
}

impl<'a> From<&'a WorkspaceId> for Value<'a> {
    fn from(id: &'a WorkspaceId) -> Self {
        Self::Text(Cow::Borrowed(id.as_str()))
    }
}

impl<'a> From<&'a ChallengeId> for Value<'a> {
    fn from(id: &'a ChallengeId) -> Self {
        Self::Bytes(Cow::Borrowed(id.as_bytes()))
    }
}

impl rusqlite::ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self {
            Self::Null => Ok(ToSqlOutput::from(rusqlite::types::Null)),
            Self::Integer(number) => Ok(ToSqlOutput::from(*number)),
            Self::Boolean(value) => Ok(ToSqlOutput::from(*value)),
            Self::Text(text) => Ok(ToSqlOutput::from(text.as_ref())),
            Self::Bytes(bytes) => Ok(ToSqlOutput::from(bytes.as_ref())),
        }
    }
}

/// The value's kind is not the parameter's type, which is a bug.
#[derive(Debug, thiserror::Error)]
#[error("a parameter is not of the kind that the query expects: {0}")]
struct WrongKind(Type);

impl tokio_postgres::types::ToSql for Value<'_> {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match (self, kind) {
            (Self::Null, _) => Ok(IsNull::Yes),
            (Self::Integer(number), &Type::INT8) => number.to_sql(kind, out),
            (Self::Boolean(value), &Type::BOOL) => value.to_sql(kind, out),
            (Self::Text(text), &Type::TEXT) => text.as_ref().to_sql(kind, out),
            (Self::Bytes(bytes), &Type::BYTEA) => bytes.as_ref().to_sql(kind, out),
            _ => Err(Box::new(WrongKind(kind.clone()))),
        }
    }

    fn accepts(_kind: &Type) -> bool {
        // `to_sql` checks the type against the value.
        true
    }

    tokio_postgres::types::to_sql_checked!();
}
