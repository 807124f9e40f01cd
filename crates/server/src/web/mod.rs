//! What all HTTP surfaces share: one error envelope, one request id, one log line, one way to read a body.

pub(crate) mod bearer;
pub(crate) mod body;
pub(crate) mod edge;
pub(crate) mod error;
pub(crate) mod idempotency;
pub(crate) mod in_flight;
pub(crate) mod page;
pub(crate) mod path;
pub(crate) mod query;
pub(crate) mod rate_limit;
pub(crate) mod request_id;
pub(crate) mod response;
