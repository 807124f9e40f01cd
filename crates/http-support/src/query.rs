//! Query members (§6).

use std::str::FromStr;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use serde_json::Value;
use wire::error::FieldError;

use crate::error::ApiError;

/// The largest number that every JSON client can write down exactly.
pub const LARGEST_OFFSET: u64 = 9_007_199_254_740_991;

/// The members of a query, to be parsed one by one. Unknown ones are ignored.
pub struct QueryMembers {
    members: Vec<(String, String)>,
    errors: Vec<FieldError>,
}

impl<S: Send + Sync> FromRequestParts<S> for QueryMembers {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Query(members) = Query::from_request_parts(parts, state).await.map_err(|_| {
            ApiError::validation(vec![FieldError::invalid(
                "query",
                "The query cannot be decoded.",
                &Value::Null,
            )])
        })?;
        Ok(Self { members, errors: Vec::new() })
    }
}

impl QueryMembers {
    /// The value of a member that stands at most once and that `accept` likes; what it does not
    /// like is remembered.
    pub fn take<T: FromStr>(
        &mut self,
        name: &'static str,
        expected: &str,
        accept: impl FnOnce(&T) -> bool,
    ) -> Option<T> {
        let mut given =
            self.members.iter().filter(|(member, _)| member == name).map(|(_, value)| value);
        let first = given.next()?;
        let value = if given.next().is_none() { first.parse().ok().filter(accept) } else { None };
        if value.is_none() {
            let message = format!("{name} must be {expected}, and stand at most once.");
            self.errors.push(FieldError::invalid(name, message, &Value::from(first.as_str())));
        }
        value
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// Every member that was not liked.
    pub fn finish(self) -> Result<(), ApiError> {
        if self.errors.is_empty() { Ok(()) } else { Err(ApiError::validation(self.errors)) }
    }
}
