//! Pages for people.

pub mod docs;
mod routes;
mod welcome;

pub use self::routes::routes;
