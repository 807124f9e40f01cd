//! Pages for people.

pub(crate) mod docs;
mod routes;
mod welcome;

pub(crate) use self::routes::routes;
