//! Query parameters (§6).

use std::str::FromStr;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use serde_json::Value;
#[cfg(feature = "openapi")]
use utoipa::IntoResponses;
use wire::error::FieldError;

#[cfg(feature = "openapi")]
use crate::documentation::{Responses, errors};
use crate::error::ApiError;

/// The largest `offset`: 2^53 - 1, the largest integer that every JSON client represents exactly.
pub const LARGEST_OFFSET: u64 = 9_007_199_254_740_991;

/// The extractor of query parameters, which the handler parses one by one. Unknown parameters are
/// ignored.
pub struct QueryParameters {
    members: Vec<(String, String)>,
    errors: Vec<FieldError>,
}

impl<S: Send + Sync> FromRequestParts<S> for QueryParameters {
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

#[cfg(feature = "openapi")]
impl IntoResponses for QueryParameters {
    fn responses() -> Responses {
        errors([(400, "The query is not valid: `details.errors` names each wrong member")])
    }
}

impl QueryParameters {
    /// Parses an optional member. A value that is malformed, repeated or not accepted is an error,
    /// which [`Self::finish`] returns; `expected` completes the sentence "`name` must be …".
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

    /// All values of a member that may be repeated.
    pub fn all(&self, name: &'static str) -> impl Iterator<Item = &str> {
        let given = self.members.iter().filter(move |(member, _)| member == name);
        given.map(|(_, value)| value.as_str())
    }

    /// Ends the parsing.
    ///
    /// # Errors
    /// 400 with every wrong member.
    pub fn finish(self) -> Result<(), ApiError> {
        if self.errors.is_empty() { Ok(()) } else { Err(ApiError::validation(self.errors)) }
    }
}
